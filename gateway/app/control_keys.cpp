// Certificates and keys, S/MIME and OpenPGP in one list. Private keys arrive as a key file over the administrators' socket and
// are sealed under the root key before they touch the disk.
#include <algorithm>

#include <boost/json/array.hpp>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"

namespace app {
namespace {

using certs::Method;

json::array array_from(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(shown(text));
  return out;
}

json::array findings_array(const std::set<certs::Finding>& findings) {
  json::array out;
  for (const certs::Finding finding : findings) out.emplace_back(certs::name_of(finding));
  return out;
}

json::object describe(const certs::KeyInfo& info, const certs::Metadata& notes) {
  return {{"fingerprint", info.fingerprint.hex},
          {"method", certs::name_of(info.method)},
          {"role", certs::name_of(notes.role)},
          {"addresses", array_from(notes.addresses.empty() ? info.addresses : notes.addresses)},
          {"subject", shown(info.subject)},
          {"issuer", shown(info.issuer)},
          {"algorithm", info.algorithm},
          {"not_before", base::format_utc(info.not_before)},
          {"not_after", info.not_after == base::Timestamp{} ? std::string() : base::format_utc(info.not_after)},
          {"private", info.has_private},
          {"trusted", notes.trusted},
          {"confirmed", notes.confirmed},
          {"gcm", notes.reads_gcm}};
}

// The key that the request names: a whole fingerprint or a beginning that only one key has.
std::optional<certs::Entry> find_key(const Task& task, json::object& answer) {
  std::string wanted = text_of(task.request, "key");
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::vector<const certs::Entry*> hits;
  const auto snapshot = task.live.keys().store().snapshot();
  for (const certs::Entry& entry : snapshot->entries)
    if (wanted.size() >= 8 && entry.info.fingerprint.hex.starts_with(wanted)) hits.push_back(&entry);
  if (hits.size() == 1) return *hits.front();
  answer = hits.empty() ? error_answer("no key \"" + shown(wanted, 64) + "\" (eight digits at least)", k_exit_no)
                        : error_answer("several keys begin with \"" + wanted + "\"", k_exit_error);
  return std::nullopt;
}

// A change of keys is in force at once: the daemon takes a new snapshot.
json::object changed(const Task& task, json::object answer) {
  if (const auto again = task.live.keys().reload(); !again) return error_answer(again.error());
  const auto faults = task.live.reload();
  if (!faults.empty()) answer["warning"] = "the daemon kept its old version: " + shown(faults.front());
  return answer;
}

json::object list(const Task& task) {
  const auto snapshot = task.live.keys().store().snapshot();
  json::array keys, unreadable;
  for (const certs::Entry& entry : snapshot->entries) keys.emplace_back(describe(entry.info, entry.metadata));
  for (const certs::Unreadable& u : snapshot->unreadable) unreadable.emplace_back(shown(u.file + ": " + u.why));
  json::object answer = good_answer();
  answer["keys"] = std::move(keys);
  answer["unreadable"] = std::move(unreadable);
  if (!snapshot->openpgp_error.empty()) answer["openpgp_error"] = shown(snapshot->openpgp_error);
  return answer;
}

json::object show(const Task& task) {
  json::object answer;
  const auto entry = find_key(task, answer);
  if (!entry) return answer;
  answer = good_answer();
  answer["key"] = describe(entry->info, entry->metadata);
  return answer;
}

certs::ImportOptions import_options(const Task& task) {
  certs::ImportOptions out;
  const std::string role = text_of(task.request, "role");
  out.role = role == "own" ? certs::Role::own : role == "authority" ? certs::Role::authority : certs::Role::partner;
  for (const std::string& address : texts_of(task.request, "addresses")) {
    const auto parsed = mail::Address::parse(address);
    if (parsed) out.addresses.push_back(parsed->folded());
  }
  // who imports by hand has compared it; harvested keys come by another door
  out.confirmed = true;
  out.reads_gcm = flag_of(task.request, "gcm");
  out.oaep = flag_of(task.request, "oaep");
  out.trusted = flag_of(task.request, "trusted");
  return out;
}

json::object imported(const Task& task, const std::vector<certs::Fingerprint>& keys) {
  json::array list;
  for (const certs::Fingerprint& key : keys) list.emplace_back(key.hex);
  json::object answer = good_answer();
  answer["imported"] = std::move(list);
  return changed(task, std::move(answer));
}

json::object import_openpgp(const Task& task, const base::Bytes& bytes, const base::SecretBytes& password) {
  const auto& home = task.live.keys().home();
  if (!home) return error_answer("OpenPGP is not set up: secrets.openpgp is missing", k_exit_error);
  const auto options = import_options(task);
  auto keys = options.role == certs::Role::own ? crypto::openpgp::import_secret_keys(*home, bytes, password) : crypto::openpgp::import_keys(*home, bytes);
  if (!keys) return error_answer(keys.error());
  std::vector<certs::Fingerprint> out;
  for (const certs::KeyInfo& info : *keys) {
    if (auto noted = task.live.keys().store().note_openpgp(info.fingerprint, options, task.live.now()); !noted) return error_answer(noted.error());
    out.push_back(info.fingerprint);
  }
  return imported(task, out);
}

bool looks_like_openpgp(base::ByteView bytes) {
  return bytes.find("-----BEGIN PGP") != base::ByteView::npos || (!bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0xc0) == 0xc0 && bytes[0] != '\x30');
}

json::object import(const Task& task) {
  auto bytes = base::parse_base64(text_of(task.request, "file"));
  if (!bytes) return error_answer("the file did not arrive whole", k_exit_error);
  for (const std::string& address : texts_of(task.request, "addresses"))
    if (!mail::Address::parse(address)) return error_answer("\"" + shown(address, 320) + "\" is no address", k_exit_error);
  const auto password = base::SecretBytes::copy_of(text_of(task.request, "password"));
  if (looks_like_openpgp(*bytes)) return import_openpgp(task, *bytes, password);
  auto parsed = crypto::smime::parse_key_file(*bytes, password);
  base::wipe(*bytes);
  if (!parsed) return error_answer(parsed.error());
  auto options = import_options(task);
  if (options.role == certs::Role::own && parsed->private_key.empty()) return error_answer("an own identity needs its private key in the file", k_exit_error);
  if (options.role != certs::Role::own && !parsed->private_key.empty()) return error_answer("the file holds a private key: import it with --own, or not at all", k_exit_error);
  auto keys = task.live.keys().store().import_certificates(parsed->certificates, parsed->private_key, options, task.live.now());
  if (!keys) return error_answer(keys.error());
  return imported(task, *keys);
}

json::object generate(const Task& task) {
  const auto& home = task.live.keys().home();
  if (!home) return error_answer("OpenPGP is not set up: secrets.openpgp is missing", k_exit_error);
  const auto address = mail::Address::parse(text_of(task.request, "address"));
  if (!address) return error_answer("no address", k_exit_error);
  auto key = crypto::openpgp::generate_key(*home, address->folded(), text_of(task.request, "name"));
  if (!key) return error_answer(key.error());
  certs::ImportOptions options;
  options.role = certs::Role::own;
  options.confirmed = true;
  options.addresses = {address->folded()};
  if (auto noted = task.live.keys().store().note_openpgp(key->fingerprint, options, task.live.now()); !noted) return error_answer(noted.error());
  return imported(task, {key->fingerprint});
}

json::object export_one(const Task& task) {
  json::object answer;
  const auto entry = find_key(task, answer);
  if (!entry) return answer;
  answer = good_answer();
  if (entry->info.method == Method::openpgp) {
    auto armoured = crypto::openpgp::export_key(*task.live.keys().home(), entry->info.fingerprint);
    if (!armoured) return error_answer(armoured.error());
    answer["text"] = *armoured;
    return answer;
  }
  const std::string coded = base::to_base64(entry->der);
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t i = 0; i < coded.size(); i += 64) pem += coded.substr(i, 64) + "\n";
  answer["text"] = pem + "-----END CERTIFICATE-----\n";
  return answer;
}

json::object remove(const Task& task) {
  json::object answer;
  const auto entry = find_key(task, answer);
  if (!entry) return answer;
  if (entry->info.method == Method::openpgp)
    if (auto gone = crypto::openpgp::remove_key(*task.live.keys().home(), entry->info.fingerprint); !gone) return error_answer(gone.error());
  if (auto gone = task.live.keys().store().remove(entry->info.fingerprint); !gone) return error_answer(gone.error());
  return changed(task, good_answer());
}

json::object trust(const Task& task) {
  json::object answer;
  const auto entry = find_key(task, answer);
  if (!entry) return answer;
  if (auto done = task.live.keys().store().set_trusted(entry->info.fingerprint, !flag_of(task.request, "revoke")); !done) return error_answer(done.error());
  return changed(task, good_answer());
}

// An address of ours: what signs for it, and what opens its mail.
json::object own_use(const Task& task, const config::Options& options, const mail::Address& address) {
  json::array signs, opens, troubles;
  for (const Method method : {Method::smime, Method::openpgp}) {
    const certs::KeyFacts facts = task.live.keys().signer_key(options, address, method, task.live.now());
    if (facts.chosen) signs.emplace_back(facts.chosen->fingerprint.hex);
    if (facts.state == certs::Lookup::unknown) troubles.emplace_back(std::string(certs::name_of(method)) + ": " + shown(facts.detail));
    for (const certs::RejectedKey& key : facts.rejected) {
      std::string why;
      for (const certs::Finding finding : key.findings) why += std::string(why.empty() ? "" : ", ") + certs::name_of(finding);
      troubles.emplace_back(key.fingerprint.hex.substr(0, 16) + " does not sign: " + (why.empty() ? "a newer key does" : why));
    }
  }
  for (const certs::KeyInfo& info : task.live.keys().opening_keys(options, address)) opens.emplace_back(info.fingerprint.hex);
  return {{"by", options.identity_of(address) != nullptr ? "identity" : "import"}, {"signs", std::move(signs)}, {"opens", std::move(opens)}, {"troubles", std::move(troubles)}};
}

json::object explain(const Task& task) {
  const auto address = mail::Address::parse(text_of(task.request, "address"));
  if (!address) return error_answer("no address", k_exit_error);
  json::array candidates;
  bool any = false;
  for (const certs::Explained& e : task.live.keys().store().explain(*address, task.live.now())) {
    json::object row = describe(e.info, e.metadata);
    row["findings"] = findings_array(e.findings);
    row["chosen"] = e.is_chosen;
    any = any || e.is_chosen;
    candidates.emplace_back(std::move(row));
  }
  json::object answer = good_answer();
  answer["candidates"] = std::move(candidates);
  const auto& options = *task.live.snapshot()->options;
  if (options.is_own_domain(address->domain())) {
    answer["own"] = own_use(task, options, *address);
    any = any || !array_of(object_of(answer, "own"), "signs").empty() || !array_of(object_of(answer, "own"), "opens").empty();
  }
  if (!any) answer["exit"] = k_exit_no;
  return answer;
}

}  // namespace

json::array expiring_keys(const Task& task, base::Timestamp until) {
  json::array out;
  const auto snapshot = task.live.keys().store().snapshot();
  for (const certs::Entry& entry : snapshot->entries)
    if (entry.metadata.role == certs::Role::own && entry.info.not_after != base::Timestamp{} && entry.info.not_after < until)
      out.emplace_back(describe(entry.info, entry.metadata));
  return out;
}

std::vector<Handler> keys_handlers() {
  return {{"keys.list", false, list},           {"keys.show", false, show},       {"keys.import", false, import},
          {"keys.export", false, export_one},   {"keys.remove", false, remove},  {"keys.trust", false, trust},
          {"keys.explain", false, explain},     {"keys.generate", false, generate}};
}

}  // namespace app
