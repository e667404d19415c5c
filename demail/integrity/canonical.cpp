// What is hashed: RFC 6376 sections 3.4.1, 3.4.3 and 3.7, with the order of section 3.1.21 of the TR.
#include <algorithm>
#include <array>

#include "demail/integrity/tags.hpp"

namespace demail {
namespace {

constexpr std::string_view k_crlf = "\r\n";

// "simple" for bodies: empty lines at the end are left out, and one CRLF ends what remains, even if nothing does. What may yet
// turn out to be the end is counted, not kept.
class SimpleBody {
 public:
  explicit SimpleBody(base::Hasher& hasher) : m_hasher(hasher) {}

  void feed(base::ByteView bytes) {
    const auto last = bytes.find_last_not_of(k_crlf);
    if (last != base::ByteView::npos) {
      give_back();
      m_hasher.update(bytes.substr(0, last + 1));
      bytes.remove_prefix(last + 1);
    }
    for (const char c : bytes) {
      if (c == '\n' && m_cr) {
        m_cr = false;
        ++m_lines;
        continue;
      }
      if (c == '\r' && !m_cr) {
        m_cr = true;
        continue;
      }
      give_back();  // a bare CR or LF is content
      if (c == '\r')
        m_cr = true;
      else
        m_hasher.update("\n");
    }
  }
  void finish() {
    if (m_cr) give_back();
    m_hasher.update(k_crlf);
  }

 private:
  void give_back() {
    for (; m_lines > 0; --m_lines) m_hasher.update(k_crlf);
    if (m_cr) m_hasher.update("\r");
    m_cr = false;
  }

  base::Hasher& m_hasher;
  std::uint64_t m_lines = 0;  // CRLFs held back
  bool m_cr = false;          // and behind them a CR that may begin another
};

std::vector<std::string> present_fields(const mail::Header& header) {
  std::vector<std::string> names = hashed_fields();
  if (header.find(field::private_id) == nullptr) std::erase(names, field::private_id);
  return names;
}

// The field with an empty b=, without its CRLF. All names are given, also of fields that are not there: section 3.1.21 makes an
// exception for private-id alone, and what is named and missing cannot be added.
std::string field_without_b(const mail::Header& header, Hash hash, Scheme scheme, const std::string& body_hash) {
  std::string out = std::string(field::integrity) + ": v=1; a=" + name_of(hash);
  if (scheme != Scheme::none) out += std::string("/") + name_of(scheme);
  out += "; c=simple/simple;";
  if (scheme != Scheme::none) out += "\r\n\tq=x-header/x-de-mail-signature-certificate;";
  out += "\r\n\th=";
  std::size_t column = 10;
  const std::vector<std::string> names = present_fields(header);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (column + names[i].size() + 1 > 76) {
      out += "\r\n\t";
      column = 8;
    }
    out += names[i] + (i + 1 < names.size() ? ":" : ";");
    column += names[i].size() + 1;
  }
  // a digest of 64 bytes is 88 characters: it is folded as well
  std::string digest = base::to_base64(body_hash);
  if (digest.size() > 64) digest.insert(64, "\r\n\t");
  return out + "\r\n\tbh=" + digest + ";\r\n\tb=";
}

std::vector<std::string_view> raw_fields(const mail::Header& header) {
  std::vector<std::string_view> out;
  for (const mail::HeaderField& f : header.fields()) out.push_back(f.raw);
  return out;
}

std::string_view name_in(std::string_view raw_field) { return raw_field.substr(0, raw_field.find(':')); }

}  // namespace

const std::vector<std::string>& hashed_fields() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out = {"from", "date", "message-id", "subject", "reply-to"};
    for (const std::string_view name :
         {field::dispatch, field::receipt, field::retrieve, field::authoritative, field::personal, field::sender,
          field::chosen_recipient, field::auth_mechanism, field::auth_level, field::originator_provider, field::message_type,
          field::version, field::private_id, field::message_id, field::account_holder})
      out.emplace_back(name);
    return out;
  }();
  return names;
}

std::vector<std::string> required_fields(const mail::Header& header) {
  std::vector<std::string> out = hashed_fields();
  std::erase_if(out, [&](const std::string& name) { return header.find(name) == nullptr; });
  return out;
}

base::Result<std::string> hash_body(const base::Content& body, Hash hash) {
  auto source = body.open();
  if (!source) return std::move(source).error();
  base::Hasher hasher(algorithm_of(hash));
  SimpleBody simple(hasher);
  const auto piece = std::make_unique<std::array<char, 65536>>();
  while (true) {
    const auto got = (*source)->read(*piece);
    if (!got) return got.error();
    if (*got == 0) break;
    simple.feed({piece->data(), *got});
  }
  simple.finish();
  return hasher.finish();
}

std::string header_input(const std::vector<std::string_view>& raw_fields_from_the_top, const std::vector<std::string>& names,
                         std::string_view integrity_field) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto same = [&](std::string_view other) { return base::equal_ignoring_case(names[i], other); };
    if (std::any_of(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), same)) continue;
    const auto field = std::find_if(raw_fields_from_the_top.begin(), raw_fields_from_the_top.end(),
                                    [&](std::string_view raw) { return same(name_in(raw)); });
    if (field == raw_fields_from_the_top.end()) continue;
    out += *field;
    if (!field->ends_with('\n')) out += k_crlf;  // a header that ends with the message
  }
  return out + with_empty_b(integrity_field);
}

std::string make_hash_field(const mail::Header& header, Hash hash, const std::string& body_hash) {
  const std::string field = field_without_b(header, hash, Scheme::none, body_hash);
  const std::string input = header_input(raw_fields(header), present_fields(header), field);
  std::string digest = base::to_base64(base::hash(algorithm_of(hash), input));
  if (digest.size() > 64) digest.insert(64, "\r\n\t");
  return field + digest + "\r\n";
}

Unsigned prepare_signed_field(const mail::Header& header, Hash hash, Scheme scheme, const std::string& body_hash) {
  Unsigned out;
  out.field = field_without_b(header, hash, scheme, body_hash);
  out.input = header_input(raw_fields(header), present_fields(header), out.field);
  return out;
}

}  // namespace demail
