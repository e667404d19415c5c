// Promise: MessageFacts from bytes in one pass, with memory bounded by the limits of facts.hpp however large the message.
#pragma once

#include <memory>

#include "base/core/stream.hpp"
#include "mail/message/facts.hpp"

namespace mail {

// Push: feed the message's bytes (CRLF line ends, unstuffed) in pieces of any size, then finish once.
class Inspector {
 public:
  Inspector();
  ~Inspector();
  Inspector(Inspector&&) noexcept;
  Inspector& operator=(Inspector&&) noexcept;
  void feed(base::ByteView bytes);
  MessageFacts finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

MessageFacts inspect(base::ByteView message);
base::Result<MessageFacts> inspect(const base::Content& message);

}  // namespace mail
