#include "crypto/protect/layer.hpp"

#include <algorithm>

#include "crypto/protect/compose.hpp"
#include "crypto/protect/errors.hpp"
#include "crypto/smime/base64.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"

namespace crypto {

std::vector<const mail::Part*> children_of_root(const mail::MessageFacts& facts) {
  std::vector<const mail::Part*> out;
  for (std::size_t i = 1; i < facts.parts.size(); ++i)
    if (facts.parts[i].parent == 0) out.push_back(&facts.parts[i]);
  return out;
}

mail::Wrapping wrapping_of_root(const mail::MessageFacts& facts) {
  if (facts.wrapping != mail::Wrapping::none || facts.parts.empty()) return facts.wrapping;
  const mail::Part& root = facts.parts.front();
  const bool p7m = root.type == "application/octet-stream" && base::to_lower(root.filename).ends_with(".p7m");
  return p7m ? mail::Wrapping::smime_unknown : mail::Wrapping::none;
}

base::Result<std::string> decoded_body(const base::ContentPtr& message, const mail::Part& part, base::ByteCount limit) {
  auto body = base::read_all(*mail::slice(message, part.body_begin, part.body_end), limit);
  if (!body || part.transfer_encoding != "base64") {
    if (body && part.transfer_encoding == "quoted-printable") return base::fail(k_not_protected, "quoted-printable cipher text");
    return body;
  }
  std::string out;
  out.reserve(body->size() / 4 * 3);
  smime::Base64Decoder decoder;
  if (auto fed = decoder.feed(*body, out); !fed) return fed.error();
  if (auto whole = decoder.finish(); !whole) return whole.error();
  return out;
}

std::string with_crlf(std::string bytes) {
  const auto is_bare = [&](std::size_t i) {
    if (bytes[i] == '\n') return i == 0 || bytes[i - 1] != '\r';
    return bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n');
  };
  std::size_t first = bytes.find_first_of("\r\n");
  while (first != std::string::npos && !is_bare(first)) first = bytes.find_first_of("\r\n", first + 1);
  if (first == std::string::npos) return bytes;
  std::string out = bytes.substr(0, first);
  out.reserve(bytes.size() + bytes.size() / 32);
  for (std::size_t i = first; i < bytes.size(); ++i) {
    if (is_bare(i))
      out += "\r\n";
    else
      out += bytes[i];
  }
  return out;
}

Unwrapped unwrap(const mail::MessageFacts& outer, const std::string& entity, const std::vector<std::string>& removed) {
  Unwrapped out;
  bool has_version = false;
  for (const mail::HeaderField& field : outer.header.fields()) {
    if (is_content_field(field)) continue;
    if (std::any_of(removed.begin(), removed.end(), [&](const std::string& name) { return field.is(name); })) continue;
    has_version = has_version || field.is("MIME-Version");
    out.message.append(field.raw);
    if (!field.raw.ends_with('\n')) out.message += "\r\n";
  }
  if (!has_version) out.message += "MIME-Version: 1.0\r\n";
  // the header of the entity alone: the scan of the whole comes with the next layer
  const auto end = entity.starts_with("\r\n") ? 0 : entity.find("\r\n\r\n");
  const std::size_t header_size = end == std::string::npos ? entity.size() : end == 0 ? 0 : end + 2;
  const auto header = header_size > mail::k_max_header_bytes ? base::Result<mail::Header>(base::fail(k_not_protected))
                                                             : mail::Header::parse(entity.substr(0, header_size));
  out.entity_has_header = header && end != std::string::npos;
  if (!out.entity_has_header) {
    out.message += "\r\n" + entity;
    return out;
  }
  for (const mail::HeaderField& field : header->fields())
    if (is_content_field(field)) out.message.append(field.raw);
  out.message.append(entity, header_size);  // begins with the empty line
  return out;
}

}  // namespace crypto
