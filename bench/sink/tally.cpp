#include "bench/sink/tally.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "bench/wire/arguments.hpp"

namespace bench {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' && lower(std::string(line.substr(0, name.size()))) == lower(std::string(name));
}

}  // namespace

std::string field_of(std::string_view header, std::string_view name) {
  std::string value;
  bool inside = false;
  for (std::size_t begin = 0; begin < header.size();) {
    std::size_t end = header.find("\r\n", begin);
    if (end == std::string_view::npos) end = header.size();
    const std::string_view line = header.substr(begin, end - begin);
    begin = end + 2;
    const bool folded = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    if (inside && !folded) break;
    if (inside) {
      value += line;
    } else if (is_name(line, name)) {
      inside = true;
      value = line.substr(name.size() + 1);
    }
  }
  const std::size_t first = value.find_first_not_of(" \t");
  return first == std::string::npos ? "" : value.substr(first);
}

std::string find_id(const Arrival& arrival) {
  const std::string named = field_of(arrival.header, "X-Bench-Id");
  if (!named.empty()) return named;
  const std::string message_id = field_of(arrival.header, "Message-ID");
  const std::size_t at = message_id.find("@bench.invalid>");
  if (at != std::string::npos && message_id.starts_with("<")) return message_id.substr(1, at - 1);
  for (const std::string& recipient : arrival.recipients) {
    const std::size_t plus = recipient.find('+');
    const std::size_t end = recipient.find('@');
    if (plus != std::string::npos && end != std::string::npos && plus < end) return recipient.substr(plus + 1, end - plus - 1);
  }
  return "";
}

void Tally::add(const Arrival& arrival) {
  const double now = monotonic_seconds();
  if (m_first == 0) m_first = now;
  m_last = now;
  ++m_messages;
  m_bytes += arrival.bytes;
  const std::string type = lower(field_of(arrival.header, "Content-Type"));
  const bool pkcs7 = type.find("pkcs7-mime") != std::string::npos;
  const bool enveloped = type.find("enveloped-data") != std::string::npos;  // authEnveloped-data as well
  if (pkcs7 && enveloped) {
    ++m_smime;
  } else if (type.starts_with("multipart/encrypted")) {
    ++m_pgp;
  } else if (pkcs7 || type.starts_with("multipart/signed")) {
    ++m_smime_signed;
  } else {
    ++m_plain;
  }
  const std::string id = find_id(arrival);
  if (id.empty()) {
    ++m_nameless;
    return;
  }
  ++m_ids[id];
  for (const std::string& recipient : arrival.recipients) {
    if (++m_seen[id + " " + recipient] > 1) ++m_duplicates;
  }
}

std::string Tally::json() const {
  char text[640];
  const auto n = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::snprintf(text, sizeof text,
                "{\"messages\":%llu,\"unique\":%zu,\"duplicates\":%llu,\"nameless\":%llu,\"refused\":%llu,\"bytes\":%llu,"
                "\"connections\":%llu,\"tls\":%llu,\"plain\":%llu,\"smime_enveloped\":%llu,\"signed\":%llu,\"pgp_mime\":%llu,"
                "\"first\":%.6f,\"last\":%.6f,\"cpu_s\":%.3f}",
                n(m_messages), m_ids.size(), n(m_duplicates), n(m_nameless), n(m_refused), n(m_bytes), n(m_connections), n(m_tls),
                n(m_plain), n(m_smime), n(m_smime_signed), n(m_pgp), m_first, m_last, cpu_seconds());
  return text;
}

std::string Tally::ids() const {
  std::string out;
  for (const auto& [id, count] : m_ids) out += id + "\n";
  return out;
}

}  // namespace bench
