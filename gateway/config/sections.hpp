// Internal to gateway/config: one function a kind of section. Each takes what stands in the files and leaves faults.
#pragma once

#include "gateway/config/schema.hpp"

namespace config {

// A table of a section and the file that it stands in.
struct Section {
  const policies::Node* table = nullptr;
  std::string file;          // for faults
  base::fs::path directory;  // relative paths start here
};

// Reads files and remembers their bytes for the hash.
class TextReader {
 public:
  explicit TextReader(base::fs::path base) : m_base(std::move(base)) {}
  base::Result<std::string> read(const base::fs::path& path, base::ByteCount limit);
  std::vector<ConfigText> take_sorted();

 private:
  base::fs::path m_base;
  std::vector<ConfigText> m_texts;
};

struct Draft {
  Options& options;
  policies::Faults& faults;
  TextReader& texts;
};

base::fs::path resolve(const Section& section, const std::string& path);
// A path key that must be absolute or is made so.
std::optional<base::fs::path> read_path(policies::TableReader& r, std::string_view key, const Section& section);
// Where this process can look.
void check_readable(policies::TableReader& r, std::string_view key, const base::fs::path& path);
SecretRef read_secret_ref(policies::TableReader& r, std::string_view key, const Section& section);

void read_site(const Section& section, Draft& draft);
void read_store(const Section* section, Draft& draft);
void read_secrets(const Section& section, Draft& draft);
void read_openpgp(const Section* section, Draft& draft);
void read_tls(const std::vector<Section>& sections, Draft& draft);
void read_trust(const Section* section, Draft& draft);
// `main` is where a fault of the defaults is reported.
void read_dns(const Section* section, const Section& main, Draft& draft);
void read_reports(const Section* section, Draft& draft);
void read_listeners(const std::vector<Section>& sections, Draft& draft);
// A [[listener]] of role "metrics". Read after those that take mail, whose addresses it may not have.
inline constexpr std::string_view k_metrics_role = "metrics";
bool is_metrics_listener(const Section& section);
MetricsListenerOptions read_metrics_listener(const Section& section, Draft& draft);
void read_routes(const std::vector<Section>& sections, Draft& draft);
// The keys client_certificate and client_key of a route, or of what makes one.
void read_client_certificate(policies::TableReader& r, const Section& section, RouteOptions& route);
// Before domains are checked against it; the accounts behind domains, departments and routes.
void read_demail(const Section* section, Draft& draft);
void read_demail_accounts(const std::vector<Section>& sections, Draft& draft);
void read_domains(const std::vector<Section>& sections, Draft& draft);
void read_departments(const std::vector<Section>& sections, Draft& draft);
void read_identities(const std::vector<Section>& sections, Draft& draft);

}  // namespace config
