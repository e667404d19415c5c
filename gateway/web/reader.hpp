// Promise: bytes of one HTTP/1.1 connection become requests, one after the other, without any I/O. Forms on which two parsers
// may disagree are refused, not repaired: both Content-Length and Transfer-Encoding, either of them twice, bare CR or LF and
// folded lines in the header, several Host fields (RFC 9112 sections 2.2, 5.2, 6.1, 6.3; RFC 9110 section 7.2). Every size
// has a limit. After a Fault the connection is to be closed.
#pragma once

#include <memory>
#include <variant>

#include "gateway/web/message.hpp"

namespace web {

struct ReaderLimits {
  std::size_t header = 32 * 1024;  // request line and fields
  std::size_t fields = 100;
  std::size_t chunk_line = 4096;   // size, extensions and trailer of a chunked body
};

struct NeedMore {};                // feed() more bytes
struct BodyPiece {
  base::ByteView bytes;            // valid until the next call
};
struct EndOfRequest {};            // next() goes on with the following request
struct Fault {
  int status = 400;
  const char* what = "";           // for the log and the answer: fixed words, nothing of the request
};
using ReaderStep = std::variant<NeedMore, Request, BodyPiece, EndOfRequest, Fault>;

class Reader {
 public:
  explicit Reader(ReaderLimits limits);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  void feed(base::ByteView bytes);
  ReaderStep next();
  // Whether a request has begun and is not over.
  bool within_request() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace web
