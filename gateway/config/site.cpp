#include <algorithm>
#include <array>

#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Entry;
using policies::Node;
using policies::NodeKind;
using policies::TableReader;

constexpr std::array<std::string_view, 2> k_languages{"de", "en"};
constexpr std::array<std::string_view, 3> k_partial{"refuse", "split", "hold"};
constexpr std::array<std::string_view, 1> k_stores{"sqlite"};

bool is_word(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
  });
}

void check_timezone(TableReader& r, const std::string& zone) {
  std::error_code ignored;
  const bool strange = zone.find("..") != std::string::npos || zone.front() == '/';
  if (strange || !base::fs::is_regular_file("/usr/share/zoneinfo/" + zone, ignored))
    r.error("timezone", "= \"" + zone + "\" is not in the zone database");
}

}  // namespace

// A file of systemd's cannot be seen from outside the unit.
void check_readable(TableReader& r, std::string_view key, const base::fs::path& path) {
  std::error_code error;
  if (!base::fs::exists(path, error) && !error) r.error(key, "= " + path.string() + " does not exist");
}

base::fs::path resolve(const Section& section, const std::string& path) { return (section.directory / path).lexically_normal(); }

std::optional<base::fs::path> read_path(TableReader& r, std::string_view key, const Section& section) {
  const auto text = r.string(key);
  if (!text) return std::nullopt;
  return resolve(section, *text);
}

SecretRef read_secret_ref(TableReader& r, std::string_view key, const Section& section) {
  const Node* node = r.find(key);
  if (node == nullptr) return {};
  if (node->kind != NodeKind::table) {
    r.error(key, "must be { credential = \"…\" }, { file = \"…\" } or both: a secret never stands in this file");
    return {};
  }
  TableReader inner(*node, r.file(), r.where() + "." + std::string(key), schema::secret(), r.faults());
  SecretRef ref;
  ref.credential = inner.string("credential").value_or("");
  if (ref.credential.find('/') != std::string::npos) inner.error("credential", "is a name, not a path");
  if (const auto path = read_path(inner, "file", section)) ref.file = *path;
  if (!inner.has("credential") && !inner.has("file")) r.error(key, "must name a credential or a file");
  return ref;
}

void read_site(const Section& section, Draft& draft) {
  const auto specs = schema::site();
  TableReader r(*section.table, section.file, "site", specs, draft.faults);
  SiteOptions& site = draft.options.site;
  if (r.required("hostname"))
    if (const auto name = r.string("hostname")) {
      const auto domain = mail::parse_domain(*name);
      if (!domain) r.error("hostname", "= \"" + *name + "\" is no host name");
      site.hostname = domain ? *domain : *name;
    }
  site.node = r.string("node").value_or(std::string(fallback_of(specs, "node")));
  if (!is_word(site.node, 32)) r.error("node", "must be letters, digits and \"-\", at most 32");
  site.timezone = r.string("timezone").value_or(std::string(fallback_of(specs, "timezone")));
  check_timezone(r, site.timezone);
  site.partial = static_cast<Partial>(r.word("partial", k_partial).value_or(0));
  site.language = k_languages.at(r.word("language", k_languages).value_or(0));
  const auto path = [&](std::string_view key) {
    const auto given = read_path(r, key, section);
    return given ? *given : resolve(section, std::string(fallback_of(specs, key)));
  };
  site.state_directory = path("state_directory");
  site.policies = path("policies");
  site.control = path("control");
  site.audit = path("audit");
  // sockaddr_un holds 107 bytes and a zero
  for (const auto& [key, socket] : {std::pair{"control", &site.control}, {"audit", &site.audit}})
    if (socket->string().size() > 107) r.error(key, "is longer than 107 bytes: no socket can have that name");
  if (site.control == site.audit) r.error("audit", "is the same as site.control");
}

void read_store(const Section* section, Draft& draft) {
  StoreOptions& store = draft.options.store;
  const auto specs = schema::store();
  store.kind = k_stores[0];
  store.free_space = *policies::parse_size(fallback_of(specs, "free_space"));
  if (section == nullptr) return;
  TableReader r(*section->table, section->file, "store", specs, draft.faults);
  r.word("kind", k_stores);
  store.free_space = r.size("free_space", {16 << 20}, {1ULL << 40}).value_or(store.free_space);
}

void read_secrets(const Section& section, Draft& draft) {
  TableReader r(*section.table, section.file, "secrets", schema::secrets(), draft.faults);
  SecretsOptions& s = draft.options.secrets;
  r.required("seal");
  r.required("log");
  s.seal = read_secret_ref(r, "seal", section);
  s.log = read_secret_ref(r, "log", section);
  s.openpgp = read_secret_ref(r, "openpgp", section);
}

void read_openpgp(const Section* section, Draft& draft) {
  OpenPgpOptions& openpgp = draft.options.openpgp;
  const auto specs = schema::openpgp();
  openpgp.deadline = *policies::parse_duration(fallback_of(specs, "deadline"));
  if (section == nullptr) return;
  TableReader r(*section->table, section->file, "openpgp", specs, draft.faults);
  if (const auto path = read_path(r, "program", *section)) {
    openpgp.program = *path;
    check_readable(r, "program", *path);
  }
  openpgp.deadline = r.duration("deadline", std::chrono::seconds{1}, std::chrono::hours{1}).value_or(openpgp.deadline);
}

void read_tls(const std::vector<Section>& sections, Draft& draft) {
  for (const Section& section : sections)
    for (const Entry& entry : section.table->entries) {
      if (entry.value.kind != NodeKind::table) {
        draft.faults.error(section.file, entry.value.at, "tls." + entry.key + " must be a table: [tls." + entry.key + "]");
        continue;
      }
      TableReader r(entry.value, section.file, "tls." + entry.key, schema::tls(), draft.faults);
      TlsOptions tls;
      tls.name = entry.key;
      if (r.required("certificate"))
        if (const auto path = read_path(r, "certificate", section)) {
          tls.certificate = *path;
          check_readable(r, "certificate", *path);
        }
      if (r.required("key")) tls.key = read_secret_ref(r, "key", section);
      if (const auto path = read_path(r, "client_anchors", section)) {
        tls.client_anchors = *path;
        check_readable(r, "client_anchors", *path);
      }
      if (draft.options.find_tls(tls.name) != nullptr)
        draft.faults.error(section.file, entry.at, "tls." + entry.key + " stands twice");
      draft.options.tls.push_back(std::move(tls));
    }
}

void read_trust(const Section* section, Draft& draft) {
  if (section == nullptr) return;
  TableReader r(*section->table, section->file, "trust", schema::trust(), draft.faults);
  if (const auto path = read_path(r, "tls_anchors", *section)) {
    draft.options.trust.tls_anchors = *path;
    check_readable(r, "tls_anchors", *path);
  }
}

}  // namespace config
