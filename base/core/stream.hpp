// Promise: bytes that may be too many for memory are read from a ByteSource and written to a ByteSink, piece by piece.
// A source is read once, from its start to its end; who needs it twice asks its Content for another.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

namespace base {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills at most `into.size()` bytes and returns how many; 0 is the end. An error is final.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `bytes` or fails; after a failure nothing more may be written.
  virtual Result<void> write(ByteView bytes) = 0;
};

// Bytes that lie somewhere and can be read any number of times, also from several threads at once.
class Content {
 public:
  virtual ~Content() = default;
  virtual ByteCount size() const = 0;
  virtual Result<std::unique_ptr<ByteSource>> open() const = 0;
};
using ContentPtr = std::shared_ptr<const Content>;

// A Content that owns its bytes.
ContentPtr make_content(Bytes bytes);

// The whole content in memory; k_too_large if it is larger than `limit`.
Result<Bytes> read_all(const Content& content, ByteCount limit);

// Pumps everything from `from` into `to`.
Result<void> copy(ByteSource& from, ByteSink& to);

class StringSink : public ByteSink {
 public:
  explicit StringSink(ByteCount limit = {UINT64_MAX}) : m_limit(limit) {}
  Result<void> write(ByteView bytes) override;
  Bytes& bytes() { return m_bytes; }

 private:
  ByteCount m_limit;
  Bytes m_bytes;
};

}  // namespace base
