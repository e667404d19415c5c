// Promise: base64 of mail bodies as a stream: lines of 76 columns with CRLF (RFC 2045 section 6.8) out, and in again as it
// comes from outside. The decoder skips line ends and blanks; what is not of the alphabet, or stands behind the padding, is
// an error: text hidden behind a cipher text must not pass as part of it.
#pragma once

#include <string>

#include "base/core/stream.hpp"

namespace crypto::smime {

class Base64Sink : public base::ByteSink {
 public:
  explicit Base64Sink(base::ByteSink& out) : m_out(out) {}
  base::Result<void> write(base::ByteView bytes) override;
  base::Result<void> finish();  // the last, shorter line

 private:
  base::Result<void> write_lines(base::ByteView whole_lines);
  base::ByteSink& m_out;
  std::string m_rest, m_text;
};

class Base64Decoder {
 public:
  // Appends what `text` decodes to. k_not_protected.
  base::Result<void> feed(base::ByteView text, std::string& out);
  base::Result<void> finish() const;

 private:
  unsigned m_bits = 0;
  int m_count = 0;    // digits of the current group
  int m_padding = 0;
};

}  // namespace crypto::smime
