#include "gateway/config/load.hpp"

#include <algorithm>

#include "base/core/digest.hpp"
#include "gateway/config/sections.hpp"
#include "policies/lang/cases.hpp"
#include "policies/lang/load.hpp"

namespace config {
namespace {

using policies::Entry;
using policies::Node;
using policies::NodeKind;
using policies::PolicyText;
using policies::TableReader;

constexpr base::ByteCount k_max_file{policies::k_max_document_bytes};
constexpr base::ByteCount k_max_group_file{16 << 20};
constexpr std::size_t k_max_files = 1000;

class Loader {
 public:
  explicit Loader(const base::fs::path& path)
      : m_path(path), m_texts(m_path.parent_path()), m_options(std::make_shared<Options>()) {}

  Loaded load() {
    if (read_files()) {
      sections();
      cross_checks();
      policies();
    }
    m_options->texts = m_texts.take_sorted();
    m_options->hash = hash_of_texts(m_options->texts);
    Loaded loaded;
    loaded.draft = m_options;
    if (!m_faults.has_errors()) loaded.options = m_options;
    loaded.faults = m_faults.take();
    return loaded;
  }

 private:
  struct File {
    std::string name;
    base::fs::path directory;
    Node root;
  };

  // Nothing where the file cannot be read or parsed; `at` is where it is named.
  std::optional<File> read_file(const base::fs::path& path, const std::string& named_in, policies::Position at) {
    const auto text = m_texts.read(path, k_max_file);
    if (!text) {
      m_faults.error(named_in, at, text.error().detail);
      return std::nullopt;
    }
    auto root = policies::parse_document(path.string(), *text, m_faults);
    if (!root) return std::nullopt;
    return File{path.string(), path.parent_path(), std::move(*root)};
  }

  bool read_files() {
    auto main = read_file(m_path, m_path.string(), {});
    if (!main) return false;
    m_files.push_back(std::move(*main));
    const Section top{&m_files[0].root, m_files[0].name, m_files[0].directory};
    std::vector<std::pair<base::fs::path, policies::Position>> included;
    TableReader r(m_files[0].root, m_files[0].name, "file", schema::top(), m_faults);
    for (const Node* node : r.strings("include").value_or(std::vector<const Node*>{}))
      included.emplace_back(resolve(top, node->text), node->at);
    // positions and names of the main file stay valid: the vector is filled before anybody points into it
    const std::string main_name = m_files[0].name;
    for (const auto& [path, at] : included) {
      if (m_files.size() == k_max_files) return m_faults.error(main_name, at, "more than 1000 files"), false;
      auto file = read_file(path, main_name, at);
      if (!file) continue;
      TableReader inner(file->root, file->name, "file", schema::top(), m_faults);
      if (inner.has("include")) inner.error("include", "stands in an included file: only the main file includes");
      m_files.push_back(std::move(*file));
    }
    return true;
  }

  const Node* find(const File& file, std::string_view key) {
    for (const Entry& entry : file.root.entries)
      if (entry.key == key) return &entry.value;
    return nullptr;
  }

  // A section that stands once.
  std::optional<Section> one(std::string_view key, bool is_required) {
    std::optional<Section> found;
    for (const File& file : m_files) {
      const Node* node = find(file, key);
      if (node == nullptr) continue;
      if (node->kind != NodeKind::table)
        m_faults.error(file.name, node->at, "write [" + std::string(key) + "], once");
      else if (found)
        m_faults.error(
            file.name, node->at,
            "[" + std::string(key) + "] stands already in " + found->file + ":" + std::to_string(found->table->at.line));
      else
        found = Section{node, file.name, file.directory};
    }
    if (!found && is_required) m_faults.error(m_files[0].name, {}, "[" + std::string(key) + "] is missing");
    return found;
  }

  std::vector<Section> many(std::string_view key, bool is_required) {
    std::vector<Section> out;
    for (const File& file : m_files) {
      const Node* node = find(file, key);
      if (node == nullptr) continue;
      if (node->kind != NodeKind::list) m_faults.error(file.name, node->at, "write [[" + std::string(key) + "]], once for each");
      for (const Node& item : node->items) {
        if (item.kind == NodeKind::table)
          out.push_back({&item, file.name, file.directory});
        else
          m_faults.error(file.name, item.at, "[[" + std::string(key) + "]] must be a table");
      }
    }
    if (out.empty() && is_required) m_faults.error(m_files[0].name, {}, "[[" + std::string(key) + "]] is missing");
    return out;
  }

  std::vector<Section> by_name(std::string_view key) {
    std::vector<Section> out;
    for (const File& file : m_files)
      if (const Node* node = find(file, key)) {
        if (node->kind == NodeKind::table)
          out.push_back({node, file.name, file.directory});
        else
          m_faults.error(file.name, node->at, "write [" + std::string(key) + ".NAME], once for each");
      }
    return out;
  }

  void sections() {
    Draft draft{*m_options, m_faults, m_texts};
    if (const auto s = one("site", true)) {
      read_site(*s, draft);
      m_site = *s;
    }
    const auto store = one("store", false), trust = one("trust", false), dns = one("dns", false), openpgp = one("openpgp", false);
    read_openpgp(openpgp ? &*openpgp : nullptr, draft);
    read_store(store ? &*store : nullptr, draft);
    read_trust(trust ? &*trust : nullptr, draft);
    read_dns(dns ? &*dns : nullptr, {&m_files[0].root, m_files[0].name, m_files[0].directory}, draft);
    if (const auto s = one("secrets", true)) read_secrets(*s, draft);
    const auto reports = one("reports", false);
    read_reports(reports ? &*reports : nullptr, draft);
    numbers();
    read_tls(by_name("tls"), draft);
    m_listener_sections = many("listener", true);
    read_listeners(m_listener_sections, draft);
    read_routes(many("route", true), draft);
    const auto demail = one("demail", false);
    read_demail(demail ? &*demail : nullptr, draft);
    read_domains(many("domain", true), draft);
    read_departments(many("department", false), draft);
    read_identities(many("identity", false), draft);
    m_account_sections = many("demail_account", false);
    read_demail_accounts(m_account_sections, draft);
  }

  void numbers() {
    read_limits(nullptr, m_options->limits);
    read_retry(nullptr, m_options->retry);
    if (const auto s = one("limits", false)) {
      TableReader r(*s->table, s->file, "limits", schema::limits(), m_faults);
      read_limits(&r, m_options->limits);
    }
    if (const auto s = one("retry", false)) {
      TableReader r(*s->table, s->file, "retry", schema::retry(), m_faults);
      read_retry(&r, m_options->retry);
    }
  }

  std::vector<std::string_view> department_ids() const {
    std::vector<std::string_view> known;
    for (const DepartmentOptions& d : m_options->departments()) known.push_back(d.id);
    return known;
  }

  void cross_checks() {
    check_departments_of_listeners();
    check_accounts_of_listeners();
  }

  void check_accounts_of_listeners() {
    const auto& accounts = m_options->demail.accounts;
    std::vector<std::string_view> known;
    for (const DeMailAccountOptions& account : accounts) known.push_back(account.name);
    for (const Section& section : m_listener_sections) {
      TableReader r(*section.table, section.file, "listener", schema::listener(), m_unused);
      for (const Node* node : r.strings("accounts").value_or(std::vector<const Node*>{}))
        if (std::find(known.begin(), known.end(), node->text) == known.end())
          m_faults.error(section.file, node->at, "listener.accounts = " + policies::unknown_word("account", node->text, known));
      if (r.string("role") == "demail" && accounts.empty())
        m_faults.error(section.file, section.table->at, "listener: demail has no meaning without a [[demail_account]]");
    }
    for (std::size_t i = 0; i < accounts.size(); ++i) {
      const Section& section = m_account_sections[i];
      TableReader r(*section.table, section.file, "demail_account", schema::demail_account(), m_unused);
      m_faults.warning(section.file, section.table->at,
                       "demail_account \"" + accounts[i].name +
                           "\": this version counts no De-Mail against the limits of a day");
      if (!r.has("poll") && !is_listened_for(accounts[i].name))
        m_faults.warning(section.file, section.table->at,
                         "demail_account \"" + accounts[i].name +
                             "\" has neither poll nor a listener of role demail: no De-Mail and no confirmation comes in");
    }
  }

  bool is_listened_for(const std::string& account) const {
    return std::any_of(m_options->listeners.begin(), m_options->listeners.end(), [&](const ListenerOptions& l) {
      const bool takes_all = l.accounts.empty();
      return l.role == ListenerRole::demail &&
             (takes_all || std::find(l.accounts.begin(), l.accounts.end(), account) != l.accounts.end());
    });
  }

  void check_departments_of_listeners() {
    const auto known = department_ids();
    for (const Section& section : m_listener_sections) {
      TableReader r(*section.table, section.file, "listener", schema::listener(), m_unused);
      for (const Node* node : r.strings("departments").value_or(std::vector<const Node*>{}))
        if (std::find(known.begin(), known.end(), node->text) == known.end())
          m_faults.error(section.file, node->at,
                         "listener.departments = " + policies::unknown_word("department", node->text, known));
    }
  }

  // The .toml files of a directory; a missing `tests` is no fault.
  std::vector<PolicyText> read_directory(const base::fs::path& directory, bool is_required) {
    std::vector<PolicyText> out;
    const auto names = base::list_directory(directory);
    if (!names) {
      if (is_required) m_faults.error(m_site.file, m_site.table->at, "site.policies: " + names.error().detail);
      return out;
    }
    bool has_any = false;
    for (const std::string& name : *names) {
      const base::fs::path path = directory / name;
      if (path.extension() != ".toml" || name.front() == '.') continue;
      has_any = true;
      auto text = m_texts.read(path, k_max_file);
      if (!text) m_faults.error(path.string(), {}, text.error().detail);
      if (text) out.push_back({path.string(), std::move(*text)});
      if (out.size() > k_max_files) return m_faults.error(path.string(), {}, "more than 1000 files"), out;
    }
    if (!has_any) m_faults.warning(m_site.file, m_site.table->at, "site.policies: no .toml file in " + directory.string());
    return out;
  }

  void policies() {
    if (m_site.table == nullptr) return;
    const base::fs::path directory = m_options->site.policies;
    policies::LoadOptions options;
    options.departments.emplace();
    for (const DepartmentOptions& d : m_options->departments()) options.departments->insert(d.id);
    options.routes.emplace();
    for (const RouteOptions& r : m_options->routes)
      if (r.kind != RouteKind::demail) options.routes->insert(r.name);
    options.has_demail = !m_options->demail.accounts.empty();
    options.own_domains.emplace();
    for (const DomainOptions& d : m_options->domains()) options.own_domains->insert(d.name);
    options.read_list = [&](const std::string& name) {
      return m_texts.read((directory / name).lexically_normal(), k_max_group_file);
    };
    auto loaded = policies::load(read_directory(directory, true), options);
    take(loaded.faults);
    m_options->rules = loaded.rules;
    std::error_code error;
    const base::fs::path tests = directory / "tests";
    if (base::fs::is_directory(tests, error)) cases(read_directory(tests, true));
  }

  void cases(std::vector<PolicyText> files) {
    policies::CaseOptions options;
    options.is_own_domain = [this](const std::string& domain) { return m_options->is_own_domain(domain); };
    options.department_of = [this](const mail::Address& a) {
      const auto* department = m_options->department_of(a);
      return department != nullptr ? department->id : std::string();
    };
    options.demail_of = [this](const mail::Address& sender, const mail::Address& recipient, base::Timestamp now) {
      return m_options->demail.facts_of(sender, recipient, now);
    };
    auto loaded = policies::load_cases(std::move(files), options);
    take(loaded.faults);
    if (m_options->rules == nullptr) return;
    for (const auto& result : policies::run_cases(*m_options->rules, loaded.cases)) {
      if (result.passed) continue;
      std::string text = result.difference;
      std::replace(text.begin(), text.end(), '\n', ';');
      m_faults.error(result.file, result.at,
                     "case \"" + result.name + "\" failed: " + text + " decided by \"" + result.decision.rule + "\"");
    }
  }

  void take(const std::vector<policies::Fault>& faults) {
    for (const auto& f : faults) {
      if (f.severity == policies::Severity::error)
        m_faults.error(f.file, f.at, f.message);
      else
        m_faults.warning(f.file, f.at, f.message);
    }
  }

  base::fs::path m_path;
  TextReader m_texts;
  std::shared_ptr<Options> m_options;
  policies::Faults m_faults, m_unused;
  std::vector<File> m_files;
  std::vector<Section> m_listener_sections, m_account_sections;
  Section m_site;
};

}  // namespace

std::string hash_of_texts(const std::vector<ConfigText>& texts) {
  base::Sha256 sha;
  for (const ConfigText& t : texts)
    sha.update(t.name).update(base::ByteView("\0", 1)).update(std::to_string(t.text.size())).update("\n").update(t.text);
  return base::to_hex(base::view(sha.finish()));
}

base::Result<std::string> TextReader::read(const base::fs::path& path, base::ByteCount limit) {
  const std::string name = path.lexically_relative(m_base.empty() ? "." : m_base).string();
  // named twice, read once: a file cannot be one thing here and another there
  for (const ConfigText& t : m_texts)
    if (t.name == name) return t.text;
  auto text = base::read_trusted_file(path, limit);
  if (!text) return std::move(text).error();
  m_texts.push_back({name, *text});
  return std::move(*text);
}

std::vector<ConfigText> TextReader::take_sorted() {
  std::sort(m_texts.begin(), m_texts.end(), [](const ConfigText& a, const ConfigText& b) { return a.name < b.name; });
  return std::move(m_texts);
}

Loaded load_config(const base::fs::path& path) { return Loader(path).load(); }

}  // namespace config
