#include "crypto/protect/output_check.hpp"

#include <algorithm>

#include "crypto/protect/errors.hpp"
#include "mail/message/inspect.hpp"

namespace crypto {
namespace {

constexpr std::size_t k_max_head = 4u << 20;  // 2000 recipients with RSA-8192
constexpr std::size_t k_tail = 64;

base::Error mismatch(std::string what) { return base::fail(k_output_mismatch, std::move(what)); }
base::Error mismatch(const base::Error& error) { return base::fail(k_output_mismatch, error.detail); }

// The tag stands at the end: OCTET STRING, then at most the ends of indefinite containers.
std::size_t tag_size_at_end(base::ByteView tail) {
  while (tail.size() > 2 && tail.ends_with(base::ByteView("\0\0", 2)) && tail.size() > smime::k_gcm_tag + 2) {
    const base::ByteView with_tag = tail.substr(tail.size() - smime::k_gcm_tag - 2);
    if (with_tag.starts_with("\x04\x10")) break;
    tail.remove_suffix(2);
  }
  if (tail.size() < smime::k_gcm_tag + 2) return 0;
  return tail.substr(tail.size() - smime::k_gcm_tag - 2).starts_with("\x04\x10") ? smime::k_gcm_tag : 0;
}

}  // namespace

base::Result<void> CmsBodyReader::feed(base::ByteView text) {
  if (m_base64) {
    if (auto fed = m_decoder.feed(text, m_bytes); !fed) return fed;
  } else {
    m_bytes.append(text);
  }
  if (m_shape) {
    if (m_bytes.size() > 2 * k_tail) m_bytes.erase(0, m_bytes.size() - k_tail);
    return base::Done{};
  }
  if (m_bytes.size() < m_try_at) return base::Done{};
  m_try_at = 2 * m_bytes.size();
  auto head = smime::parse_cms_head(m_bytes);
  if (!head) return std::move(head).error();
  if (*head) m_shape = std::move(*head);
  if (!m_shape && m_bytes.size() > k_max_head) return base::fail(k_not_protected, "CMS: head too large");
  return base::Done{};
}

base::Result<smime::CmsShape> CmsBodyReader::finish() {
  if (m_base64)
    if (auto whole = m_decoder.finish(); !whole) return whole.error();
  if (!m_shape) {
    // still all of it: small objects are parsed whole
    return smime::parse_cms(m_bytes);
  }
  if (m_shape->kind == smime::CmsKind::auth_enveloped) m_shape->tag_size = tag_size_at_end(m_bytes);
  return std::move(*m_shape);
}

base::Result<void> OutputCheck::write(base::ByteView bytes) {
  m_hash.update(bytes);
  if (auto seen = m_in_header ? take_header(bytes) : take_body(bytes); !seen) return mismatch(seen.error());
  return m_out.write(bytes);
}

base::Result<void> OutputCheck::take_header(base::ByteView bytes) {
  const std::size_t from = m_header.size() < 3 ? 0 : m_header.size() - 3;
  m_header.append(bytes);
  const auto end = m_header.find("\r\n\r\n", from);
  if (end == std::string::npos) {
    if (m_header.size() > 2 * mail::k_max_header_bytes) return mismatch("header too large");
    return base::Done{};
  }
  m_in_header = false;
  const std::string body = m_header.substr(end + 4);
  m_header.resize(end + 4);
  const mail::MessageFacts facts = mail::inspect(m_header);
  if (facts.wrapping != m_expected.wrapping) return mismatch(std::string("wrapping: ") + mail::name_of(facts.wrapping));
  for (const char* name : {"MIME-Version", "Content-Type"})
    if (facts.header.count(name) != 1) return mismatch(std::string("count of ") + name);
  if (facts.defects.contains(mail::Defect::malformed_header)) return mismatch("malformed header");
  return take_body(body);
}

base::Result<void> OutputCheck::take_body(base::ByteView bytes) {
  if (m_expected.wrapping == mail::Wrapping::smime_encrypted) return m_cms.feed(bytes);
  if (m_expected.wrapping != mail::Wrapping::pgp_encrypted) return base::Done{};
  const std::string& before = m_expected.before_armour;
  const std::size_t n = std::min(bytes.size(), before.size() - m_before);
  if (before.compare(m_before, n, bytes.substr(0, n)) != 0) return mismatch("text before the armour");
  m_before += n;
  m_tail.append(bytes.substr(n));
  const std::size_t keep = m_expected.after_armour.size();
  if (m_tail.size() <= keep) return base::Done{};
  auto fed = m_armour.feed(base::ByteView(m_tail).substr(0, m_tail.size() - keep));
  m_tail.erase(0, m_tail.size() - keep);
  return fed;
}

base::Result<void> OutputCheck::check_cms() {
  auto shape = m_cms.finish();
  if (!shape) return mismatch(shape.error());
  const bool gcm = m_expected.cipher == "aes-256-gcm";
  if (shape->kind != (gcm ? smime::CmsKind::auth_enveloped : smime::CmsKind::enveloped)) return mismatch("CMS type");
  if (shape->cipher != m_expected.cipher) return mismatch("cipher: " + shape->cipher);
  if (gcm && shape->tag_size != smime::k_gcm_tag) return mismatch("authentication tag");
  auto want = m_expected.smime_recipients;
  std::sort(want.begin(), want.end());
  std::sort(shape->recipients.begin(), shape->recipients.end());
  if (want != shape->recipients) return mismatch("recipients");
  return base::Done{};
}

base::Result<void> OutputCheck::check_openpgp() {
  if (m_tail != m_expected.after_armour) return mismatch("text behind the armour");
  auto shape = m_armour.finish();
  if (!shape) return mismatch(shape.error());
  if (!shape->has_integrity || shape->has_password) return mismatch("no integrity, or a password");
  auto want = m_expected.openpgp_recipients;
  if (want.size() != shape->key_ids.size()) return mismatch("number of recipients");
  for (const std::string& id : shape->key_ids) {
    const auto owner = std::find_if(want.begin(), want.end(), [&](const auto& ids) { return ids.contains(id); });
    if (owner == want.end()) return mismatch("recipient " + id);
    want.erase(owner);  // each recipient once
  }
  return base::Done{};
}

base::Result<base::Sha256Digest> OutputCheck::finish() {
  if (m_in_header) return mismatch("no header");
  auto checked = m_expected.wrapping == mail::Wrapping::smime_encrypted ? check_cms()
                 : m_expected.wrapping == mail::Wrapping::pgp_encrypted ? check_openpgp()
                                                                        : base::Result<void>(base::Done{});
  if (!checked) return checked.error();
  return m_hash.finish();
}

}  // namespace crypto
