#include "certs/find/metadata.hpp"

#include <functional>
#include <map>

#include "certs/model/certificate.hpp"
#include "certs/model/errors.hpp"

namespace certs {
namespace {

base::Error broken(std::string_view line) { return base::fail(k_bad_metadata, "line: " + std::string(line)); }

bool parse_flag(std::string_view value, bool& out) {
  out = value == "yes";
  return value == "yes" || value == "no";
}

bool parse_role(std::string_view value, Role& out) {
  for (const Role role : {Role::partner, Role::own, Role::authority}) {
    if (value != name_of(role)) continue;
    out = role;
    return true;
  }
  return false;
}

bool parse_field(std::string_view name, std::string_view value, Metadata& out) {
  if (name == "method") {
    out.method = value == "openpgp" ? Method::openpgp : Method::smime;
    return value == "openpgp" || value == "smime";
  }
  if (name == "role") return parse_role(value, out.role);
  if (name == "address") {
    const auto address = canonical_address(value);
    if (address) out.addresses.push_back(*address);
    return address.has_value();
  }
  if (name == "confirmed") return parse_flag(value, out.confirmed);
  if (name == "trusted") return parse_flag(value, out.trusted);
  if (name == "reads_gcm") return parse_flag(value, out.reads_gcm);
  if (name == "oaep") return parse_flag(value, out.oaep);
  if (name == "imported") {
    const auto time = base::parse_utc(value);
    if (time) out.imported = *time;
    return time.has_value();
  }
  return false;
}

}  // namespace

const char* name_of(Role role) {
  switch (role) {
    case Role::partner: return "partner";
    case Role::own: return "own";
    case Role::authority: return "authority";
  }
  return "partner";
}

base::Result<Metadata> parse_metadata(std::string_view text) {
  Metadata out;
  std::set<std::string, std::less<>> seen;
  while (!text.empty()) {
    const auto lf = text.find('\n');
    const std::string_view line = base::trim(text.substr(0, lf));
    text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return broken(line);
    const std::string_view name = base::trim(line.substr(0, equals));
    if (name != "address" && !seen.emplace(name).second) return broken(line);
    if (!parse_field(name, base::trim(line.substr(equals + 1)), out)) return broken(line);
  }
  if (!seen.contains("method") || !seen.contains("role")) return broken("method and role are missing");
  return out;
}

std::string format_metadata(const Metadata& metadata) {
  const auto flag = [](bool value) { return value ? "yes\n" : "no\n"; };
  std::string out = std::string("method = ") + name_of(metadata.method) + "\nrole = " + name_of(metadata.role) + "\n";
  for (const std::string& address : metadata.addresses) out += "address = " + address + "\n";
  out += std::string("confirmed = ") + flag(metadata.confirmed) + "trusted = " + flag(metadata.trusted) + "reads_gcm = " + flag(metadata.reads_gcm) +
         "oaep = " + flag(metadata.oaep) + "imported = " + base::format_utc(metadata.imported) + "\n";
  return out;
}

}  // namespace certs
