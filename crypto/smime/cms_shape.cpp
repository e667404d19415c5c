#include "crypto/smime/cms_shape.hpp"

#include <array>
#include <utility>

#include "crypto/protect/errors.hpp"
#include "crypto/smime/openssl.hpp"

namespace crypto::smime {
namespace {

using base::ByteView;
using namespace std::string_view_literals;

constexpr std::size_t k_max_depth = 16;
constexpr std::size_t k_open_end = SIZE_MAX;  // the end of a container of indefinite length, or beyond the prefix

enum class Trouble { none, need_more, malformed };

struct Head {
  unsigned char tag = 0;
  bool indefinite = false;
  std::size_t length = 0;  // definite only
};

// Walks over BER from left to right. After the first trouble every call does nothing, so that callers test once.
class Walker {
 public:
  explicit Walker(ByteView bytes, bool is_prefix) : m_bytes(bytes), m_prefix(is_prefix) {}

  Trouble trouble() const { return m_trouble; }
  std::size_t at() const { return m_at; }
  bool ok() const { return m_trouble == Trouble::none; }

  // The tag of the next element, 0 at the end of the container or of the bytes.
  unsigned char peek(std::size_t end) {
    if (!ok() || m_at >= end) return 0;
    if (m_at >= m_bytes.size()) {
      if (m_prefix) m_trouble = Trouble::need_more;
      return 0;
    }
    return static_cast<unsigned char>(m_bytes[m_at]);
  }

  // Steps into a container of that tag; gives its end.
  std::size_t enter(unsigned char tag, std::size_t parent_end) {
    const Head head = read_head();
    if (!ok()) return 0;
    if (head.tag != tag || (tag & 0x20) == 0) return malformed();
    if (head.indefinite) return k_open_end;
    const std::size_t end = m_at + head.length;
    if (end > parent_end || (!m_prefix && end > m_bytes.size())) return malformed();
    return end;
  }

  // Steps out of a container whose elements were all read.
  void leave(std::size_t end) {
    if (!ok()) return;
    if (end != k_open_end) {
      if (m_at != end) malformed();
      return;
    }
    const Head head = read_head();
    if (ok() && (head.tag != 0 || head.length != 0)) malformed();
  }

  // The whole next element with its head; empty after trouble.
  ByteView take(std::size_t end) {
    const std::size_t begin = m_at;
    std::size_t open = 0;
    do {
      const Head head = read_head();
      if (!ok()) return {};
      if (head.tag == 0) {  // end of contents
        if (open == 0 || head.length != 0) return void(malformed()), ByteView{};
        --open;
      } else if (head.indefinite) {
        if (++open > k_max_depth) return void(malformed()), ByteView{};
      } else {
        skip(head.length);
      }
      if (!ok()) return {};
    } while (open > 0);
    if (m_at > end) return void(malformed()), ByteView{};
    return m_bytes.substr(begin, m_at - begin);
  }

  // Contents of a primitive element of that tag.
  ByteView take_primitive(unsigned char tag, std::size_t end) {
    const Head head = read_head();
    if (!ok()) return {};
    if (head.tag != tag || head.indefinite || m_at + head.length > end) return void(malformed()), ByteView{};
    const std::size_t begin = m_at;
    skip(head.length);
    return ok() ? m_bytes.substr(begin, head.length) : ByteView{};
  }

  std::size_t malformed() {
    if (ok()) m_trouble = Trouble::malformed;
    return 0;
  }

 private:
  void skip(std::size_t n) {
    if (n > m_bytes.size() - m_at) {
      m_trouble = m_prefix ? Trouble::need_more : Trouble::malformed;
      return;
    }
    m_at += n;
  }

  unsigned next() {
    if (m_at >= m_bytes.size()) {
      if (ok()) m_trouble = m_prefix ? Trouble::need_more : Trouble::malformed;
      return 0;
    }
    return static_cast<unsigned char>(m_bytes[m_at++]);
  }

  Head read_head() {
    Head head;
    if (!ok()) return head;
    head.tag = static_cast<unsigned char>(next());
    if ((head.tag & 0x1f) == 0x1f) malformed();  // CMS has no tag beyond 30
    const unsigned first = next();
    if (!ok()) return head;
    if (first < 0x80) {
      head.length = first;
    } else if (first == 0x80) {
      if ((head.tag & 0x20) == 0) malformed();
      head.indefinite = true;
    } else {
      const unsigned count = first & 0x7f;
      if (count > 4) malformed();  // more than 4 GiB
      for (unsigned i = 0; ok() && i < count; ++i) head.length = (head.length << 8) | next();
    }
    return head;
  }

  ByteView m_bytes;
  std::size_t m_at = 0;
  bool m_prefix;
  Trouble m_trouble = Trouble::none;
};

CmsKind kind_of(ByteView oid) {
  static constexpr std::array<std::pair<std::string_view, CmsKind>, 5> k_kinds{{
      {"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"sv, CmsKind::data},
      {"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"sv, CmsKind::signed_data},
      {"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"sv, CmsKind::enveloped},
      {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"sv, CmsKind::auth_enveloped},
      {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"sv, CmsKind::compressed},
  }};
  for (const auto& [bytes, kind] : k_kinds)
    if (bytes == oid) return kind;
  return CmsKind::other;
}

std::string cipher_of(ByteView oid) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 8> k_ciphers{{
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x02"sv, "aes-128-cbc"},
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x16"sv, "aes-192-cbc"},
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x2a"sv, "aes-256-cbc"},
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x06"sv, "aes-128-gcm"},
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x1a"sv, "aes-192-gcm"},
      {"\x60\x86\x48\x01\x65\x03\x04\x01\x2e"sv, "aes-256-gcm"},
      {"\x2a\x86\x48\x86\xf7\x0d\x03\x07"sv, "des-ede3-cbc"},
      {"\x2a\x86\x48\x86\xf7\x0d\x03\x02"sv, "rc2-cbc"},
  }};
  for (const auto& [bytes, name] : k_ciphers)
    if (bytes == oid) return name;
  return {};
}

void read_recipient_id(Walker& in, std::size_t end, bool agreement, std::vector<RecipientId>& out) {
  RecipientId id;
  const unsigned char tag = in.peek(end);
  if (tag == 0x30) {
    id.issuer_and_serial = in.take(end);
  } else if (!agreement && tag == 0x80) {
    id.key_id = in.take_primitive(0x80, end);
  } else if (agreement && tag == 0xa0) {  // RecipientKeyIdentifier
    const std::size_t inner = in.enter(0xa0, end);
    id.key_id = in.take_primitive(0x04, inner);
    while (in.ok() && in.peek(inner) != 0) in.take(inner);
    in.leave(inner);
  } else {
    in.malformed();
  }
  out.push_back(std::move(id));
}

// One RecipientInfo that lies whole in `element` (RFC 5652 section 6.2).
bool read_recipient(ByteView element, std::vector<RecipientId>& out) {
  Walker in(element, false);
  const unsigned char tag = in.peek(k_open_end);
  if (tag == 0x30) {  // KeyTransRecipientInfo
    const std::size_t end = in.enter(0x30, element.size());
    in.take_primitive(0x02, end);
    read_recipient_id(in, end, false, out);
  } else if (tag == 0xa1) {  // KeyAgreeRecipientInfo
    const std::size_t end = in.enter(0xa1, element.size());
    in.take_primitive(0x02, end);
    in.take(end);                               // originator
    if (in.peek(end) == 0xa1) in.take(end);     // ukm
    in.take(end);                               // key encryption algorithm
    const std::size_t keys = in.enter(0x30, end);
    while (in.ok() && in.peek(keys) != 0 && out.size() <= k_max_recipients) {
      const std::size_t key = in.enter(0x30, keys);
      read_recipient_id(in, key, true, out);
      in.take(key);
      in.leave(key);
    }
  } else if (tag == 0xa2 || tag == 0xa3 || tag == 0xa4) {
    out.emplace_back();
  } else {
    return false;
  }
  return in.ok();
}

void read_cipher(ByteView algorithm, CmsShape& shape, Walker& outer) {
  Walker in(algorithm, false);
  const std::size_t end = in.enter(0x30, algorithm.size());
  shape.cipher = cipher_of(in.take_primitive(0x06, end));
  if (shape.cipher.ends_with("-gcm")) {
    const std::size_t parameters = in.enter(0x30, end);
    shape.nonce_size = in.take_primitive(0x04, parameters).size();
  }
  if (!in.ok()) outer.malformed();
}

// Up to the algorithm of the encrypted content; `content_end` is then the end of EncryptedContentInfo.
void read_enveloped_head(Walker& in, std::size_t end, CmsShape& shape, std::size_t& content_end) {
  in.take_primitive(0x02, end);
  if (in.peek(end) == 0xa0) in.take(end);  // originatorInfo
  const std::size_t set = in.enter(0x31, end);
  while (in.ok() && in.peek(set) != 0) {
    if (shape.recipients.size() >= k_max_recipients || !read_recipient(in.take(set), shape.recipients)) in.malformed();
  }
  in.leave(set);
  content_end = in.enter(0x30, end);
  in.take_primitive(0x06, content_end);
  const ByteView algorithm = in.take(content_end);
  if (in.ok()) read_cipher(algorithm, shape, in);
}

void read_enveloped_rest(Walker& in, std::size_t end, std::size_t content_end, CmsShape& shape) {
  const unsigned char tag = in.peek(content_end);
  if (tag == 0x80 || tag == 0xa0) {
    in.take(content_end);
    shape.has_content = true;
  }
  in.leave(content_end);
  if (in.peek(end) == 0xa1) in.take(end);  // attributes
  if (shape.kind == CmsKind::auth_enveloped) shape.tag_size = in.take_primitive(0x04, end).size();
  if (in.peek(end) == 0xa2) in.take(end);
  in.leave(end);
}

void read_signed(Walker& in, std::size_t end, CmsShape& shape) {
  in.take_primitive(0x02, end);
  in.take(end);  // digest algorithms
  const std::size_t content = in.enter(0x30, end);
  in.take_primitive(0x06, content);
  shape.has_content = in.peek(content) == 0xa0;
  if (shape.has_content) in.take(content);
  in.leave(content);
  while (in.ok() && in.peek(end) != 0) in.take(end);
  in.leave(end);
}

Trouble read(ByteView bytes, bool is_prefix, CmsShape& shape) {
  Walker in(bytes, is_prefix);
  const std::size_t outer = in.enter(0x30, k_open_end);
  shape.kind = kind_of(in.take_primitive(0x06, outer));
  const std::size_t explicit_end = in.enter(0xa0, outer);
  if (!in.ok()) return in.trouble();
  if (shape.kind == CmsKind::enveloped || shape.kind == CmsKind::auth_enveloped) {
    const std::size_t end = in.enter(0x30, explicit_end);
    std::size_t content_end = 0;
    read_enveloped_head(in, end, shape, content_end);
    if (is_prefix || !in.ok()) return in.trouble();
    read_enveloped_rest(in, end, content_end, shape);
  } else if (is_prefix) {
    return in.trouble();
  } else if (shape.kind == CmsKind::signed_data) {
    const std::size_t end = in.enter(0x30, explicit_end);
    read_signed(in, end, shape);
  } else {
    in.take(explicit_end);
  }
  in.leave(explicit_end);
  in.leave(outer);
  if (in.ok() && in.at() != bytes.size()) return Trouble::malformed;
  return in.trouble();
}

}  // namespace

base::Result<CmsShape> parse_cms(ByteView ber) {
  CmsShape shape;
  if (read(ber, false, shape) != Trouble::none) return base::fail(k_not_protected, "CMS structure");
  return shape;
}

base::Result<std::optional<CmsShape>> parse_cms_head(ByteView prefix) {
  CmsShape shape;
  switch (read(prefix, true, shape)) {
    case Trouble::none: return std::optional(std::move(shape));
    case Trouble::need_more: return std::optional<CmsShape>();
    case Trouble::malformed: break;
  }
  return base::fail(k_not_protected, "CMS structure");
}

RecipientId recipient_id_of(const Certificate& certificate) {
  using IasnPtr = std::unique_ptr<PKCS7_ISSUER_AND_SERIAL, Freed<PKCS7_ISSUER_AND_SERIAL_free>>;
  const IasnPtr id(PKCS7_ISSUER_AND_SERIAL_new());
  RecipientId out;
  X509_NAME_set(&id->issuer, X509_get_issuer_name(certificate.x509()));
  ASN1_INTEGER_free(id->serial);
  id->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(certificate.x509()));
  unsigned char* der = nullptr;
  const int size = i2d_PKCS7_ISSUER_AND_SERIAL(id.get(), &der);
  if (size > 0) out.issuer_and_serial.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace crypto::smime
