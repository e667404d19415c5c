#include <algorithm>
#include <array>

#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Node;
using policies::NodeKind;
using policies::TableReader;
using policies::unknown_word;

constexpr std::array<std::string_view, 2> k_languages{"de", "en"};
constexpr std::array<std::string_view, 2> k_notify{"none", "sent"};
constexpr base::ByteCount k_max_list{16 << 20};

template <class F>
void each_line(std::string_view text, F&& f) {
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    line = base::trim(line.substr(0, line.find('#')));
    if (!line.empty()) f(number, std::string(line));
  }
}

// Addresses of one domain, folded.
class RecipientList {
 public:
  RecipientList(const std::string& domain, policies::Faults& faults) : m_domain(domain), m_faults(faults) {}

  void add(std::string_view file, policies::Position at, const std::string& text) {
    const auto address = mail::Address::parse(text);
    if (!address) return m_faults.error(file, at, "\"" + text + "\" is no address");
    if (address->domain() != m_domain) return m_faults.error(file, at, "\"" + text + "\" does not lie in " + m_domain);
    m_set.insert(address->folded());
  }
  std::set<std::string> take() { return std::move(m_set); }

 private:
  const std::string& m_domain;
  policies::Faults& m_faults;
  std::set<std::string> m_set;
};

void read_recipients(TableReader& r, const Section& section, Draft& draft, DomainOptions& domain) {
  const Node* node = r.find("recipients");
  if (node == nullptr) return;
  RecipientList list(domain.name, draft.faults);
  if (node->kind == NodeKind::table) {
    TableReader inner(*node, r.file(), "domain.recipients", schema::recipients(), draft.faults);
    const bool probes = inner.boolean("probe").value_or(false);
    if (probes == inner.has("file")) return r.error("recipients", "must have either file or probe = true");
    for (const char* key : {"known", "absent"})
      if (!probes && inner.has(key)) inner.error(key, "has a meaning with probe only");
    if (probes) {
      const auto memory = [&](std::string_view key, Milliseconds most) {
        const auto specs = schema::recipients();
        const auto spec = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.key == key; });
        return inner.duration(key, std::chrono::seconds(1), most).value_or(*policies::parse_duration(spec->fallback));
      };
      domain.probe = ProbeOptions{memory("known", std::chrono::hours(168)), memory("absent", std::chrono::hours(24))};
      return;
    }
    const auto path = read_path(inner, "file", section);
    if (!path) return;
    const auto text = draft.texts.read(*path, k_max_list);
    if (!text) return inner.error("file", "cannot be read: " + text.error().detail);
    each_line(*text, [&](int line, const std::string& address) { list.add(path->string(), {line, 1}, address); });
  } else {
    for (const Node* item : r.strings("recipients").value_or(std::vector<const Node*>{}))
      list.add(r.file(), item->at, item->text);
  }
  domain.recipients = list.take();
}

// A glob of addresses whose domain, as far as it is written out, is one of ours.
std::optional<std::string> own_pattern(const std::string& text, const Options& options, std::string& why) {
  if (text.find_first_of("*?") == std::string::npos) {
    const auto address = mail::Address::parse(text);
    if (!address) return why = "is no address", std::nullopt;
    if (!options.is_own_domain(address->domain())) return why = "lies in no domain of ours", std::nullopt;
    return address->folded();
  }
  const auto at = text.rfind('@');
  if (at == std::string::npos) return why = "is no address: a glob needs its \"@domain\"", std::nullopt;
  std::string domain = base::to_lower(text.substr(at + 1));
  if (domain.find_first_of("*?") == std::string::npos) {
    const auto parsed = mail::parse_domain(domain);
    if (!parsed || !options.is_own_domain(*parsed)) return why = "lies in no domain of ours", std::nullopt;
    domain = *parsed;
  } else {
    const auto& own = options.domains();
    if (std::none_of(own.begin(), own.end(), [&](const auto& d) { return policies::glob_matches(domain, d.name); }))
      return why = "lies in no domain of ours", std::nullopt;
  }
  return base::to_lower(text.substr(0, at + 1)) + domain;
}

bool is_id(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), good);
}

// Fingerprints, or beginnings that nobody makes twice by chance.
std::vector<std::string> key_names(TableReader& r, std::string_view key) {
  std::vector<std::string> out;
  for (const Node* node : r.strings(key).value_or(std::vector<const Node*>{})) {
    std::string name = node->text;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (name.size() < 16 || name.size() > 64 || name.find_first_not_of("0123456789ABCDEF") != std::string::npos)
      r.error_at(node->at, "identity." + std::string(key) + ": \"" + node->text + "\" is no fingerprint, nor its first 16 digits");
    else
      out.push_back(std::move(name));
  }
  return out;
}

}  // namespace

void read_domains(const std::vector<Section>& sections, Draft& draft) {
  std::vector<DomainOptions> domains;
  for (const Section& section : sections) {
    TableReader r(*section.table, section.file, "domain", schema::domain(), draft.faults);
    DomainOptions domain;
    if (r.required("name"))
      if (const auto name = r.string("name")) {
        const auto parsed = mail::parse_domain(*name);
        if (!parsed) r.error("name", "= \"" + *name + "\" is no domain");
        domain.name = parsed ? *parsed : *name;
      }
    if (std::any_of(domains.begin(), domains.end(), [&](const auto& d) { return d.name == domain.name; }))
      r.error("name", "= \"" + domain.name + "\" stands twice");
    if (draft.options.demail.domains.matches(domain.name))
      r.error("name", "= \"" + domain.name + "\" is a domain of De-Mail: it belongs under [[demail_account]]");
    if (const auto route = r.string("route")) {
      domain.route = *route;
      std::vector<std::string_view> known;
      for (const RouteOptions& option : draft.options.routes) known.push_back(option.name);
      if (draft.options.find_route(*route) == nullptr) r.error("route", "= " + unknown_word("route", *route, known));
    } else if (!r.has("route") && draft.options.route_for(domain.name) == nullptr) {
      r.error_at(r.at(), "domain \"" + domain.name + "\" has no route, and no route's \"to\" matches it");
    }
    read_recipients(r, section, draft, domain);
    domains.push_back(std::move(domain));
  }
  draft.options.set_domains(std::move(domains));
}

void read_departments(const std::vector<Section>& sections, Draft& draft) {
  std::vector<DepartmentOptions> departments;
  std::map<std::string, std::string> owner;  // of an address
  for (const Section& section : sections) {
    TableReader r(*section.table, section.file, "department", schema::department(), draft.faults);
    DepartmentOptions department;
    if (r.required("id")) department.id = r.string("id").value_or("");
    if (!is_id(department.id)) r.error("id", "must be lower-case letters, digits, \"-\", \"_\" and \".\"");
    if (std::any_of(departments.begin(), departments.end(), [&](const auto& d) { return d.id == department.id; }))
      r.error("id", "= \"" + department.id + "\" stands twice");
    r.required("addresses");
    for (const Node* node : r.strings("addresses").value_or(std::vector<const Node*>{})) {
      std::string why;
      const auto pattern = own_pattern(node->text, draft.options, why);
      if (!pattern) {
        r.error_at(node->at, "department.addresses: \"" + node->text + "\" " + why);
        continue;
      }
      const auto [at, is_new] = owner.emplace(*pattern, department.id);
      if (!is_new) r.error_at(node->at, "department.addresses: \"" + node->text + "\" belongs to \"" + at->second + "\" already");
      department.addresses.push_back(*pattern);
    }
    const auto language = r.word("language", k_languages);
    department.language = language ? std::string(k_languages.at(*language)) : draft.options.site.language;
    department.notify_sent = r.word("notify", k_notify).value_or(0) == 1;
    departments.push_back(std::move(department));
  }
  draft.options.set_departments(std::move(departments));
}

void read_identities(const std::vector<Section>& sections, Draft& draft) {
  std::vector<IdentityOptions> identities;
  std::set<std::string> seen;
  for (const Section& section : sections) {
    TableReader r(*section.table, section.file, "identity", schema::identity(), draft.faults);
    IdentityOptions identity;
    r.required("addresses");
    for (const Node* node : r.strings("addresses").value_or(std::vector<const Node*>{})) {
      const auto address = mail::Address::parse(node->text);
      if (!address)
        r.error_at(node->at, "identity.addresses: \"" + node->text + "\" is no address");
      else if (!draft.options.is_own_domain(address->domain()))
        r.error_at(node->at, "identity.addresses: \"" + node->text + "\" lies in no domain of ours");
      else if (!seen.insert(address->folded()).second)
        r.error_at(node->at, "identity.addresses: \"" + node->text + "\" stands twice");
      else
        identity.addresses.push_back(address->folded());
    }
    identity.smime = key_names(r, "smime");
    identity.openpgp = key_names(r, "openpgp");
    if (!r.has("smime") && !r.has("openpgp")) r.error_at(r.at(), "identity: must name an S/MIME or an OpenPGP key");
    identities.push_back(std::move(identity));
  }
  draft.options.set_identities(std::move(identities));
}

}  // namespace config
