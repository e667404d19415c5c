// Promise: nothing becomes a Protected unless its own bytes say so: this sink stands in front of the Scratch, reads every
// byte that goes there as a stranger would, and compares with what was asked. Memory stays bounded. The same readers judge
// messages that somebody else protected. Inside crypto/protect only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/core/digest.hpp"
#include "base/core/stream.hpp"
#include "crypto/openpgp/packets.hpp"
#include "crypto/smime/base64.hpp"
#include "crypto/smime/cms_shape.hpp"
#include "mail/message/facts.hpp"

namespace crypto {

// Reads the body of an application/pkcs7-mime entity: base64 or binary, all of it CMS, no text beside it.
class CmsBodyReader {
 public:
  explicit CmsBodyReader(bool base64) : m_base64(base64) {}
  base::Result<void> feed(base::ByteView text);
  base::Result<smime::CmsShape> finish();  // k_not_protected; tag_size is 16 where the tag stands whole at the end

 private:
  bool m_base64;
  smime::Base64Decoder m_decoder;
  std::string m_bytes;                     // decoded: the head until its shape is known, then the last few bytes
  std::size_t m_try_at = 512;              // the head is parsed again at twice the size: linear in all
  std::optional<smime::CmsShape> m_shape;
};

// What the output must be.
struct Expected {
  mail::Wrapping wrapping = mail::Wrapping::none;
  std::string cipher;                                // S/MIME encrypted
  std::vector<smime::RecipientId> smime_recipients;
  std::vector<std::set<std::string>> openpgp_recipients;  // for each recipient the key ids of his encryption subkeys
  std::string before_armour, after_armour;           // OpenPGP encrypted: the text around the armour, to the byte
};

class OutputCheck : public base::ByteSink {
 public:
  OutputCheck(base::ByteSink& out, Expected expected) : m_out(out), m_expected(std::move(expected)) {}
  base::Result<void> write(base::ByteView bytes) override;
  // All was as expected; the digest of the output. k_output_mismatch.
  base::Result<base::Sha256Digest> finish();

 private:
  base::Result<void> take_header(base::ByteView bytes);
  base::Result<void> take_body(base::ByteView bytes);
  base::Result<void> check_cms();
  base::Result<void> check_openpgp();

  base::ByteSink& m_out;
  Expected m_expected;
  base::Sha256 m_hash;
  std::string m_header;
  bool m_in_header = true;
  CmsBodyReader m_cms{true};
  openpgp::ArmourReader m_armour;
  std::size_t m_before = 0;   // bytes of before_armour that were seen
  std::string m_tail;         // the last bytes, as many as after_armour has
};

}  // namespace crypto
