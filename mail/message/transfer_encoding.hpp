// Promise: content transfer encodings, written as a stream: RFC 2045 sections 6.7 and 6.8. Lines of 76 characters, CRLF.
#pragma once

#include <memory>
#include <string>

#include "base/core/bytes.hpp"

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

}  // namespace mail
