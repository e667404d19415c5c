// Promise: secrets live in one locked arena that is kept out of core dumps and swap, are wiped when released, and have no
// way into a log. One arena, because libsodium's guarded allocations end at some 16,000 objects a process.
#pragma once

#include <cstddef>

#include "base/core/bytes.hpp"

namespace base {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);   // zeroed
  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes random(std::size_t size);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  SecretBytes clone() const { return copy_of(view()); }
  // The view must not outlive the object nor be copied into anything that lives longer than a call.
  ByteView view() const { return {m_data, m_size}; }
  unsigned char* data() { return reinterpret_cast<unsigned char*>(m_data); }
  const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(m_data); }
  std::size_t size() const { return m_size; }
  bool empty() const { return m_size == 0; }

 private:
  char* m_data = nullptr;
  std::size_t m_size = 0;
};

// Compares without telling by its time where the difference is.
bool equal_secrets(ByteView a, ByteView b);
void wipe(Bytes& bytes);

}  // namespace base
