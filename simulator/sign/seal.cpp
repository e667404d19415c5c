#include "simulator/sign/seal.hpp"

#include <array>

#include "base/core/bytes.hpp"
#include "mail/message/header.hpp"
#include "simulator/model/header_block.hpp"

namespace simulator {
namespace {

constexpr std::array k_order{"From",
                             "Date",
                             "Message-ID",
                             "Subject",
                             "Reply-To",
                             "X-de-mail-confirmation-of-dispatch",
                             "X-de-mail-confirmation-of-receipt",
                             "X-de-mail-confirmation-of-retrieve",
                             "X-de-mail-authoritative",
                             "X-de-mail-private",
                             "X-de-mail-sender",
                             "X-de-mail-chosen-recipient",
                             "X-de-mail-auth-mechanism",
                             "X-de-mail-auth-level",
                             "X-de-mail-originator-provider",
                             "X-de-mail-message-type",
                             "X-de-mail-version",
                             "X-de-mail-private-id",
                             "X-de-mail-message-id",
                             "X-de-mail-account-holder"};

const char* word_of(Hash hash) { return hash == Hash::sha512 ? "sha512" : hash == Hash::sha384 ? "sha384" : "sha256"; }
const char* word_of(Scheme scheme) {
  return scheme == Scheme::ec_dsa ? "ec-dsa" : scheme == Scheme::rsassa_pss ? "rsassa-pss" : "rsa";
}

mail::Header parse(std::string_view header) {
  bool clean = true;
  return mail::Header::parse_leniently(std::string(header), clean);
}

std::string fold_names(std::string_view names) {
  std::string out;
  std::size_t column = 4;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (column + name.size() > 70) {
      out += "\r\n  ";
      column = 2;
    }
    out += name;
    if (!names.empty()) out += ':';
    column += name.size() + 1;
  }
  return out;
}

// Around the value of b=, which is not there yet.
struct Frame {
  std::string before, behind;
};

Frame frame_of(std::string_view names, std::string_view body_hash, Side style, const Seal& how) {
  std::string algorithm = word_of(how.hash);
  if (how.scheme != Scheme::none) algorithm += std::string("/") + word_of(how.scheme);
  const std::string query = how.scheme == Scheme::none ? "" : "\r\n q=x-header/x-de-mail-signature-certificate;";
  const std::string coded = base::to_base64(body_hash), list = "\r\n h=" + fold_names(names) + ";";
  const std::string name = spell(style, demail::field::integrity);
  if (style == Side::b)
    return {name + ": a=" + algorithm + "; c=simple/simple;" + query + "\r\n b=", ";" + list + "\r\n bh=" + coded};
  return {name + ": v=1; a=" + algorithm + "; c=simple/simple;" + query + "\r\n d=" + provider_of(style).domain + "; s=de-mail;" +
              list + "\r\n bh=" + coded + ";\r\n b=",
          ""};
}

}  // namespace

std::string hashed_names(std::string_view header, Side style) {
  const mail::Header parsed = parse(header);
  std::string out;
  for (const std::string_view name : k_order) {
    if (name == "X-de-mail-private-id" && parsed.find(name) == nullptr) continue;
    std::string spelt = name.starts_with("X-") ? spell(style, base::to_lower(name)) : std::string(name);
    out += (out.empty() ? "" : ":") + spelt;
  }
  return out;
}

std::string_view canonical_body(std::string_view body, std::string& empty) {
  while (body.ends_with("\r\n\r\n")) body.remove_suffix(2);
  if (body == "\r\n" || body.empty()) {
    empty = "\r\n";
    return empty;
  }
  if (body.ends_with("\r\n")) return body;
  empty = std::string(body) + "\r\n";
  return empty;
}

std::string hashed_header(std::string_view header, std::string_view names) {
  const mail::Header parsed = parse(header);
  std::string out;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(':'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (const mail::HeaderField* field = parsed.find(name)) out += field->raw;
  }
  return out;
}

base::Result<std::string> seal(std::string_view header, std::string_view body, Side style, const Seal& how) {
  std::string empty;
  const std::string names = hashed_names(header, style), body_hash = digest(how.hash, canonical_body(body, empty));
  const Frame frame = frame_of(names, body_hash, style, how);
  // RFC 6376 section 3.7: the field itself comes last, with the value of b= deleted and without its CRLF
  const std::string input = hashed_header(header, names) + frame.before + frame.behind;
  if (how.scheme == Scheme::none)
    return frame.before + fold_base64(digest(how.hash, input)) + frame.behind + "\r\n" + std::string(header);
  auto signature = sign_bytes(*how.signer, how.hash, how.scheme, input);
  if (!signature) return signature;
  HeaderBlock out(style);
  out.add_raw(frame.before + fold_base64(*signature) + frame.behind + "\r\n");
  out.add_base64(demail::field::signature_certificate, how.signer->certificate_der);
  out.add_raw(header);
  return out.text();
}

}  // namespace simulator
