// The evidence log for auditors: find, show, prove. Whoever looks is written down before he sees anything.
#include <algorithm>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/config/load.hpp"
#include "gateway/pipeline/search_words.hpp"
#include "gateway/web/receipts_of.hpp"
#include "gateway/web/timeline.hpp"
#include "mail/address/address.hpp"
#include "policies/lang/fault.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/verify/receipt_file.hpp"

namespace app {
namespace {

using receipts::EventType;

constexpr std::size_t k_max_evidence = 48 << 20;  // bytes of one message, before base64
constexpr std::size_t k_max_hits = 1000;

// The audit is itself a leaf: who asked for what. Nothing is shown if it could not be written.
base::Result<void> record_audit(const Task& task, EventType type, const std::string& query) {
  store::LogEntry entry{base::EventId::make(task.live.now()), {}};
  entry.event.type = type;
  entry.event.time = task.live.now();
  entry.event.out = "done";
  entry.event.actor = "person";
  entry.event.cfg = task.live.snapshot()->cfg;
  entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "who", task.caller.text()});
  entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "query", query});
  store::Change change;
  change.events.push_back(std::move(entry));
  return task.live.store().commit_and_wait(std::move(change));
}

// A day or a moment, UTC. The end of a period is the end of its day.
std::optional<base::Timestamp> moment_of(const std::string& text, bool is_end) {
  if (text.size() == 10) {
    const auto day = base::parse_utc(text + "T00:00:00.000Z");
    if (!day) return std::nullopt;
    return is_end ? *day + std::chrono::hours{24} : *day;
  }
  const auto moment = base::parse_utc(text.size() == 20 && text.back() == 'Z' ? text.substr(0, 19) + ".000Z" : text);
  if (!moment) return std::nullopt;
  return *moment;
}

struct Wanted {
  store::SearchQuery query;
  std::string sender, recipient, state;  // looked at once more in the receipts: a word of the index has no place
};

// The words as the pipeline wrote them when the message came in.
std::optional<Wanted> parse_query(const json::object& request, std::string& error) {
  Wanted out;
  for (const auto& [key, into] : {std::pair{"sender", &out.sender}, {"recipient", &out.recipient}}) {
    const std::string text = text_of(request, key);
    if (text.empty()) continue;
    const auto word = pipeline::address_word(text);
    if (!word) return error = std::string(key) + " is no address and no domain", std::nullopt;
    *into = *word;
    out.query.words.push_back(*word);
  }
  const std::string message_id = text_of(request, "message_id"), subject = text_of(request, "subject");
  if (!message_id.empty()) out.query.words.push_back(pipeline::message_id_word(message_id));
  if (const std::string department = text_of(request, "department"); !department.empty()) out.query.words.push_back(pipeline::department_word(department));
  const auto words = pipeline::subject_words(subject);
  std::size_t typed = 0;
  for (std::size_t i = 0; i < subject.size(); ++i)
    if (static_cast<unsigned char>(subject[i]) > 32 && (i == 0 || static_cast<unsigned char>(subject[i - 1]) <= 32)) ++typed;
  if (words.size() != typed) return error = "words of a subject with fewer than three letters are not in the index", std::nullopt;
  out.query.words.insert(out.query.words.end(), words.begin(), words.end());
  for (const auto& [key, into, is_end] : {std::tuple{"since", &out.query.from, false}, {"until", &out.query.until, true}}) {
    const std::string text = text_of(request, key);
    if (text.empty()) continue;
    *into = moment_of(text, is_end);
    if (!*into) return error = std::string(key) + " must be 2026-03-01 or 2026-03-01T08:15:00Z (UTC)", std::nullopt;
  }
  out.state = text_of(request, "state");
  const auto& known = web::known_states();
  if (!out.state.empty() && std::find(known.begin(), known.end(), out.state) == known.end())
    return error = policies::unknown_word("state", out.state, known), std::nullopt;
  out.query.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(number_of(request, "limit").value_or(100), 1, k_max_hits));
  return out;
}

std::vector<std::string> values_of(const json::object& disclosures, const char* cls, const char* name) {
  const json::object& values = object_of(disclosures, cls);
  auto many = texts_of(values, name);
  if (many.empty() && !text_of(values, name).empty()) many.push_back(text_of(values, name));
  return many;
}

// "a@b" is itself, "b" any address of that domain; compared folded.
bool is_meant(const std::string& wanted, const std::vector<std::string>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(), [&](const std::string& text) {
    const auto address = mail::Address::parse(text);
    return address && (base::to_lower(address->folded()) == wanted || address->domain() == wanted);
  });
}

// One hit; none where a closer look says that something else was meant.
std::optional<json::object> hit_of(const store::SearchHit& hit, const std::vector<store::StoredLeaf>& leaves, const Wanted& wanted) {
  const json::array timeline = web::timeline_as_json(leaves);
  const auto states = web::states_of(timeline);
  if (!wanted.state.empty() && states.count(wanted.state) == 0) return std::nullopt;
  json::object out{{"mid", hit.mid.text()}, {"closed", hit.closed}};
  json::array words;
  for (const std::string& state : states)
    if (state != "open" && state != "closed") words.emplace_back(state);
  out["states"] = std::move(words);
  if (timeline.empty()) return out;
  const json::object& first = timeline.front().get_object();
  out["time"] = text_of(first, "time");
  const json::object& disclosures = object_of(first, "disclosures");
  if (disclosures.empty()) {
    out["erased"] = true;
    return out;
  }
  auto senders = values_of(disclosures, "env", "from");
  const auto path = values_of(disclosures, "env", "reverse_path"), to = values_of(disclosures, "env", "to");
  senders.insert(senders.end(), path.begin(), path.end());
  if (!wanted.sender.empty() && !is_meant(wanted.sender, senders)) return std::nullopt;
  if (!wanted.recipient.empty() && !is_meant(wanted.recipient, to)) return std::nullopt;
  out["from"] = senders.empty() ? "" : senders.front();
  json::array recipients;
  for (const std::string& address : to) recipients.emplace_back(address);
  out["to"] = std::move(recipients);
  out["subject"] = text_of(object_of(disclosures, "msg"), "subject");
  return out;
}

json::object search(const Task& task) {
  std::string error;
  auto wanted = parse_query(task.request, error);
  if (!wanted) return error_answer(error, k_exit_error);
  if (auto done = record_audit(task, EventType::audit_query, json::serialize(task.request)); !done) return error_answer(done.error());
  const std::size_t limit = wanted->query.limit;
  wanted->query.limit = k_max_hits;  // some fall out below
  const auto hits = task.live.store().search(wanted->query);
  if (!hits) return error_answer(hits.error());
  json::array messages;
  bool more = hits->size() == k_max_hits;
  for (const store::SearchHit& hit : *hits) {
    const auto leaves = task.live.store().leaves_of(hit.mid);
    if (!leaves) return error_answer(leaves.error());
    auto found = hit_of(hit, *leaves, *wanted);
    if (!found) continue;
    more = more || messages.size() == limit;
    if (messages.size() == limit) break;
    messages.emplace_back(*std::move(found));
  }
  json::object out = good_answer();
  out["exit"] = messages.empty() ? k_exit_no : k_exit_good;
  out["more"] = more;
  out["messages"] = std::move(messages);
  return out;
}

// The leaves that an id names: all of a message, or one event.
std::optional<std::vector<store::StoredLeaf>> find_leaves(const Task& task, json::object& answer) {
  const std::string text = text_of(task.request, "id");
  const auto mid = base::MessageId::parse(text);
  if (!mid) return answer = error_answer("not the id of a message or receipt: 26 letters and digits", k_exit_error), std::nullopt;
  auto leaves = task.live.store().leaves_of(*mid);
  if (!leaves) return answer = error_answer(leaves.error()), std::nullopt;
  if (!leaves->empty()) return *std::move(leaves);
  const auto index = task.live.store().find_event(*base::EventId::parse(text));
  if (!index) return answer = error_answer(index.error()), std::nullopt;
  if (!*index) return answer = error_answer("the log knows no message and no receipt with this id", k_exit_no), std::nullopt;
  const auto leaf = task.live.store().leaf_at(**index);
  if (!leaf) return answer = error_answer(leaf.error()), std::nullopt;
  if (!*leaf) return answer = error_answer("the log knows no message and no receipt with this id", k_exit_no), std::nullopt;
  return std::vector<store::StoredLeaf>{**leaf};
}

json::object show(const Task& task) {
  json::object answer;
  const auto leaves = find_leaves(task, answer);
  if (!leaves) return answer;
  if (auto done = record_audit(task, EventType::audit_query, json::serialize(task.request)); !done) return error_answer(done.error());
  json::object out = good_answer();
  json::array timeline = web::timeline_as_json(*leaves);
  json::array states;
  for (const std::string& state : web::states_of(timeline)) states.emplace_back(state);
  out["id"] = text_of(task.request, "id");
  out["states"] = std::move(states);
  out["timeline"] = std::move(timeline);
  return out;
}

// The files come back by name: the daemon writes into no directory of a caller.
json::object prove(const Task& task) {
  json::object answer;
  const auto leaves = find_leaves(task, answer);
  if (!leaves) return answer;
  if (leaves->size() > receipts::k_max_receipts) return error_answer("more receipts than one file may hold", k_exit_error);
  if (auto done = record_audit(task, EventType::audit_export, json::serialize(task.request)); !done) return error_answer(done.error());
  const auto proven = web::prove_all(task.live.store(), *leaves);
  if (!proven) return error_answer(proven.error());
  json::object files;
  const auto first = receipts::parse_leaf(leaves->front().bytes);
  const bool is_message = first && first->event.mid && leaves->size() > 1;
  if (is_message) files[first->event.mid->text() + ".receipts.json"] = receipts::format_receipt_file(*proven);
  for (std::size_t i = 0; i < proven->size(); ++i) {
    const auto leaf = receipts::parse_leaf((*proven)[i].leaf);
    const std::string event = leaf ? receipts::name_of(leaf->event.type) : "leaf";
    char number[24];
    std::snprintf(number, sizeof number, "-%010llu", static_cast<unsigned long long>((*leaves)[i].index));
    files[(*leaves)[i].epoch + number + "-" + event + ".receipt.json"] = receipts::format_receipt_file({(*proven)[i]});
  }
  files["log.vkey"] = receipts::format_vkey(task.live.store().verifier_key()) + "\n";
  json::object evidence;
  if (is_message) {
    const auto stored = task.live.store().evidence_of(*first->event.mid);
    if (!stored) return error_answer(stored.error());
    std::size_t bytes = 0;
    for (const store::StoredEvidence& each : *stored)
      for (const store::EvidenceFile& file : each.files) {
        bytes += file.bytes.size();
        if (bytes > k_max_evidence) return error_answer("more evidence than one answer may hold", k_exit_error);
        evidence[each.eid.text() + "." + file.name] = base::to_base64(file.bytes);
      }
  }
  json::object out = good_answer();
  out["receipts"] = proven->size();
  out["files"] = std::move(files);
  out["evidence"] = std::move(evidence);
  return out;
}

// The texts behind the hash of a receipt, as they were read when they came into force. Hashed again here: what the archive
// holds is shown as what decided only if it is.
json::object config_of(const Task& task) {
  const auto hash = base::parse_hex(base::to_lower(text_of(task.request, "hash")));
  base::Sha256Digest digest{};
  if (!hash || hash->size() != digest.size()) return error_answer("not the hash of a configuration: 64 hexadecimal digits", k_exit_error);
  std::copy(hash->begin(), hash->end(), reinterpret_cast<char*>(digest.data()));
  if (auto done = record_audit(task, EventType::audit_query, json::serialize(task.request)); !done) return error_answer(done.error());
  auto texts = task.live.store().config_texts(digest);
  if (!texts) return error_answer(texts.error());
  if (texts->empty()) return error_answer("no configuration with this hash was ever in force", k_exit_no);
  std::vector<config::ConfigText> archived;
  for (auto& [name, text] : *texts) archived.push_back({name, std::move(text)});
  const std::string again = config::hash_of_texts(archived);
  if (again != base::to_hex(*hash)) return error_answer("the archived texts have another hash: " + again, k_exit_error);
  json::array files;
  for (const auto& t : archived) files.push_back(json::object{{"name", t.name}, {"base64", base::to_base64(t.text)}});
  json::object out = good_answer();
  out["cfg"] = again;
  out["files"] = std::move(files);
  return out;
}

}  // namespace

std::vector<Handler> receipts_handlers() {
  return {{"receipts.config", true, config_of}, {"receipts.search", true, search}, {"receipts.show", true, show}, {"receipts.prove", true, prove}};
}

}  // namespace app
