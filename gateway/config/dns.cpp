#include <algorithm>

#include "gateway/config/net_values.hpp"
#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Node;
using policies::TableReader;
using namespace std::chrono_literals;

std::string_view fallback_of(std::string_view key) {
  const auto specs = schema::dns();
  return std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.key == key; })->fallback;
}

void read_forwarders(TableReader& r, DnsOptions& dns) {
  for (const Node* node : r.strings("forwarders").value_or(std::vector<const Node*>{})) {
    const auto parsed = parse_host_port(node->text);
    // a name would have to be looked up by the very server that it names
    if (!parsed || !parsed->is_ip || parsed->port == 0)
      r.error_at(node->at, "dns.forwarders: \"" + node->text + "\" must be an IP address and a port: \"127.0.0.1:53\", \"[::1]:53\"");
    else
      dns.forwarders.push_back(parsed->host + "@" + std::to_string(parsed->port));
  }
}

void read_zones(TableReader& r, DnsOptions& dns) {
  for (const Node* node : r.strings("insecure").value_or(std::vector<const Node*>{})) {
    const auto domain = mail::parse_domain(node->text);
    if (!domain)
      r.error_at(node->at, "dns.insecure: \"" + node->text + "\" is no domain");
    else
      dns.insecure.push_back(*domain);
  }
}

}  // namespace

void read_dns(const Section* section, const Section& main, Draft& draft) {
  DnsOptions& dns = draft.options.dns;
  dns.timeout = *policies::parse_duration(fallback_of("timeout"));
  dns.trust_anchor = fallback_of("trust_anchor");
  std::error_code error;
  const auto missing = [&] { return !base::fs::exists(dns.trust_anchor, error) && !error; };
  std::optional<std::string> anchor;
  std::optional<TableReader> reader;
  if (section != nullptr) {
    TableReader& r = reader.emplace(*section->table, section->file, "dns", schema::dns(), draft.faults);
    read_forwarders(r, dns);
    read_zones(r, dns);
    dns.timeout = r.duration("timeout", 1s, 1min).value_or(dns.timeout);
    anchor = r.string("trust_anchor");
  }
  if (!anchor) {
    if (!missing()) return;
    // a system without the file still resolves names; that nothing vouches for them must be said
    draft.faults.warning(main.file, {}, "dns.trust_anchor: " + dns.trust_anchor.string() + " does not exist: answers of the name server are believed unchecked");
    dns.trust_anchor.clear();
    return;
  }
  TableReader& r = *reader;
  dns.trust_anchor = *anchor == "none" ? base::fs::path{} : resolve(*section, *anchor);
  if (!dns.trust_anchor.empty() && missing()) r.error("trust_anchor", "= " + dns.trust_anchor.string() + " does not exist");
  if (dns.trust_anchor.empty()) r.warning("trust_anchor", "= \"none\": answers of the name server are believed unchecked");
}

}  // namespace config
