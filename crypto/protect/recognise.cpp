#include <array>

#include "crypto/protect/errors.hpp"
#include "crypto/protect/layer.hpp"
#include "crypto/protect/output_check.hpp"
#include "crypto/protect/protect.hpp"
#include "mail/message/edit.hpp"

namespace crypto {
namespace {

// A few words for people whose mail program cannot read it; more would be content in clear.
constexpr std::uint64_t k_max_beside = 512;

template <class Reader>
base::Result<void> pump(const base::ContentPtr& content, Reader& reader) {
  auto source = content->open();
  if (!source) return std::move(source).error();
  std::array<char, 16384> piece{};
  while (true) {
    const auto got = (*source)->read(piece);
    if (!got) return got.error();
    if (*got == 0) return base::Done{};
    if (auto fed = reader.feed({piece.data(), *got}); !fed) return fed;
  }
}

base::Result<std::string> recognise_smime(const base::ContentPtr& message, const mail::MessageFacts& facts) {
  const mail::Part& root = facts.parts.front();
  CmsBodyReader reader(root.transfer_encoding == "base64");
  if (auto fed = pump(mail::slice(message, root.body_begin, root.body_end), reader); !fed) return fed.error();
  const auto shape = reader.finish();
  if (!shape) return shape.error();
  const bool sealed = shape->kind == smime::CmsKind::auth_enveloped;
  if (!sealed && shape->kind != smime::CmsKind::enveloped) return base::fail(k_not_protected, "CMS, but not encrypted");
  if (!shape->cipher.starts_with("aes-")) return base::fail(k_not_protected, "cipher too weak or unknown");
  if (sealed && shape->tag_size != smime::k_gcm_tag) return base::fail(k_not_protected, "authentication tag");
  if (shape->recipients.empty()) return base::fail(k_not_protected, "no recipients");
  return "smime " + shape->cipher + ", " + std::to_string(shape->recipients.size()) + " recipients";
}

base::Result<std::string> recognise_openpgp(const base::ContentPtr& message, const mail::MessageFacts& facts) {
  const auto children = children_of_root(facts);
  if (children.size() != 2 || children[0]->type != "application/pgp-encrypted" || children[1]->type != "application/octet-stream")
    return base::fail(k_not_protected, "parts of multipart/encrypted");
  const mail::Part& root = facts.parts.front();
  const std::uint64_t before = children[0]->header_begin - root.body_begin, version = children[1]->header_begin - children[0]->header_begin;
  const std::uint64_t after = facts.size.value - children[1]->body_end;
  if (before > k_max_beside || version > k_max_beside || after > k_max_beside) return base::fail(k_not_protected, "text beside the cipher text");
  openpgp::ArmourReader reader;
  if (auto fed = pump(mail::slice(message, children[1]->body_begin, children[1]->body_end), reader); !fed) return fed.error();
  const auto shape = reader.finish();
  if (!shape) return shape.error();
  if (!shape->has_integrity || shape->key_ids.empty()) return base::fail(k_not_protected, "no integrity or no recipients");
  return "openpgp, " + std::to_string(shape->key_ids.size()) + " recipients";
}

}  // namespace

base::Result<ProtectedBySender> recognise(const base::ContentPtr& message, const mail::MessageFacts& facts) {
  if (facts.size != message->size() || facts.parts.empty()) return base::fail(k_not_protected, "facts of another message");
  const bool smime = facts.wrapping == mail::Wrapping::smime_encrypted || facts.wrapping == mail::Wrapping::smime_unknown;
  if (!smime && facts.wrapping != mail::Wrapping::pgp_encrypted) return base::fail(k_not_protected, mail::name_of(facts.wrapping));
  auto finding = smime ? recognise_smime(message, facts) : recognise_openpgp(message, facts);
  if (!finding) return std::move(finding).error();
  return ProtectedBySender(message, std::move(*finding));
}

}  // namespace crypto
