// Promise: content transfer encodings, written as a stream and read whole: RFC 2045 sections 6.7 and 6.8. Lines of 76
// characters, CRLF.
#pragma once

#include <memory>
#include <string>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

namespace mail {

// Takes input in pieces of any size and appends encoded output to `out`.
class TransferEncoder {
 public:
  virtual ~TransferEncoder() = default;
  virtual void feed(base::ByteView bytes, std::string& out) = 0;
  virtual void finish(std::string& out) = 0;
};

std::unique_ptr<TransferEncoder> make_base64_encoder();
// For text: CRLF stays a line end; a bare CR or LF is encoded.
std::unique_ptr<TransferEncoder> make_quoted_printable_encoder();

// The content of a part by its Content-Transfer-Encoding in lower case; 7bit, 8bit and binary are as they are. Strict: what is
// not of the alphabet, an incomplete group or escape, and an unknown encoding are k_malformed_mime.
base::Result<std::string> decode_transfer(std::string_view encoding, base::ByteView body);

}  // namespace mail
