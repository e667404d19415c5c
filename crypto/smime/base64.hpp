// Promise: base64 of mail bodies (RFC 2045 section 6.8) read as a stream, as it comes from outside. Line ends and blanks are
// skipped; what is not of the alphabet, or stands behind the padding, is an error: text hidden behind a cipher text must not
// pass as part of it.
#pragma once

#include <string>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

namespace crypto::smime {

class Base64Decoder {
 public:
  // Appends what `text` decodes to. k_not_protected.
  base::Result<void> feed(base::ByteView text, std::string& out);
  base::Result<void> finish() const;  // the last group must be whole

 private:
  base::Result<void> take(char c, std::string& out);

  unsigned m_bits = 0;
  int m_count = 0;  // digits of the current group
  int m_padding = 0;
};

}  // namespace crypto::smime
