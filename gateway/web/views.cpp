// GET: what a caller may see of his own messages.
#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "gateway/pipeline/search_words.hpp"
#include "gateway/web/api.hpp"
#include "gateway/web/receipts_of.hpp"
#include "gateway/web/timeline.hpp"

namespace web {
namespace {

constexpr std::size_t k_page = 50, k_max_page = 200;
constexpr std::size_t k_looked_at = 1000;  // hits of one page that a state may sort out

store::Store& store_of(const Visit& visit) { return *visit.services.context.store; }

Response trouble(const Visit& visit) { return make_problem(pipeline::Denied{pipeline::Refusal::store_failed, ""}, visit.language); }

std::string word_of(const Visit& visit) { return pipeline::principal_word(visit.caller.proof, visit.caller.name); }

// The leaves of a message of the caller's own; for anybody else's, for none and for no id at all the same "nothing".
base::Result<std::optional<std::vector<store::StoredLeaf>>> own_leaves(const Visit& visit, const std::string& text) {
  const auto mid = base::MessageId::parse(text);
  if (!mid) return std::optional<std::vector<store::StoredLeaf>>{};
  const auto own = store_of(visit).has_word(*mid, word_of(visit));
  if (!own) return own.error();
  if (!*own) return std::optional<std::vector<store::StoredLeaf>>{};
  auto leaves = store_of(visit).leaves_of(*mid);
  if (!leaves) return std::move(leaves).error();
  return std::optional(*std::move(leaves));
}

Response no_message() { return make_problem(404, "not_found", "there is no such message of yours"); }

json::array as_array(const std::set<std::string>& words) {
  json::array out;
  for (const std::string& word : words) out.emplace_back(word);
  return out;
}

// What stands in a list of messages, from the leaves alone.
json::object summary_of(const base::MessageId& mid, const json::array& timeline) {
  json::object out{{"mid", mid.text()}, {"states", as_array(states_of(timeline))}};
  if (timeline.empty()) return out;
  const json::object& first = timeline.front().get_object();
  out["time"] = text_of(first, "time");
  const json::object& disclosures = object_of(first, "disclosures");
  const json::object& env = object_of(disclosures, "env");
  out["from"] = text_of(env, "from");
  if (const json::value* to = env.if_contains("to")) out["to"] = to->is_array() ? *to : json::value(json::array{*to});
  out["subject"] = text_of(object_of(disclosures, "msg"), "subject");
  return out;
}

struct Page {
  store::SearchQuery query;
  std::string state;
  std::size_t limit = k_page;
};

std::optional<Page> page_of(const Visit& visit, std::vector<JsonFault>& faults) {
  Page out;
  out.query.words.push_back(word_of(visit));
  out.query.limit = k_looked_at;
  if (const auto twice = visit.request.repeats_parameter()) faults.push_back({shown(*twice, 60), "stands twice"});
  for (const auto& [name, value] : visit.request.query) {
    if (name == "limit") {
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), out.limit);
      if (ec != std::errc() || end != value.data() + value.size() || out.limit < 1 || out.limit > k_max_page) faults.push_back({"limit", "is not 1 to 200"});
    } else if (name == "cursor") {
      const auto mid = base::MessageId::parse(value);
      if (!mid)
        faults.push_back({"cursor", "is none of ours"});
      else
        out.query.before = *mid;
    } else if (name == "since" || name == "until") {
      const auto moment = base::parse_utc(value);
      if (!moment)
        faults.push_back({name, "is no time like 2026-03-01T08:15:00.000Z"});
      else
        (name == "since" ? out.query.from : out.query.until) = *moment;
    } else if (name == "state") {
      const auto& known = known_states();
      if (std::find(known.begin(), known.end(), value) == known.end()) faults.push_back({"state", "is not known"});
      out.state = value;
    } else {
      faults.push_back({shown(name, 60), "is not known"});
    }
  }
  return faults.empty() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

Response list_messages(const Visit& visit, const std::string&) {
  std::vector<JsonFault> faults;
  const auto page = page_of(visit, faults);
  if (!page) return make_problem(std::move(faults), visit.language);
  const auto hits = store_of(visit).search(page->query);
  if (!hits) return trouble(visit);
  json::array messages;
  std::optional<base::MessageId> last;
  bool more = false;
  for (const store::SearchHit& hit : *hits) {
    if (messages.size() == page->limit) {
      more = true;
      break;
    }
    last = hit.mid;
    const auto leaves = store_of(visit).leaves_of(hit.mid);
    if (!leaves) return trouble(visit);
    const json::array timeline = timeline_as_json(*leaves);
    if (!page->state.empty() && !states_of(timeline).contains(page->state)) continue;
    messages.emplace_back(summary_of(hit.mid, timeline));
  }
  json::object out{{"messages", std::move(messages)}};
  if ((more || hits->size() == k_looked_at) && last) out["next"] = last->text();
  return make_json(200, out);
}

Response show_message(const Visit& visit, const std::string& mid) {
  const auto leaves = own_leaves(visit, mid);
  if (!leaves) return trouble(visit);
  if (!*leaves) return no_message();
  const json::array timeline = timeline_as_json(**leaves);
  json::object out = summary_of(*base::MessageId::parse(mid), timeline);
  out["recipients"] = recipients_of(timeline);
  out["timeline"] = timeline;
  return make_json(200, out);
}

Response show_receipts(const Visit& visit, const std::string& mid) {
  const auto leaves = own_leaves(visit, mid);
  if (!leaves) return trouble(visit);
  if (!*leaves) return no_message();
  auto proven = prove_all(store_of(visit), **leaves);
  if (!proven) return trouble(visit);
  Response out{200, "application/json", receipts::format_receipt_file(*proven), {}};
  out.fields.emplace_back("Log-Vkey", receipts::format_vkey(store_of(visit).verifier_key()));
  return out;
}

}  // namespace web
