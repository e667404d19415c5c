#include "base/core/random.hpp"

#include <array>
#include <cstdlib>
#include <cstring>

#include <sodium.h>
#include <sys/random.h>

namespace base {
namespace {

// libsodium asks the kernel for 256 bytes at a time; one call for the whole block costs a sixteenth.
void refill(unsigned char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::getrandom(into, size, 0);
    if (n <= 0) {  // interrupted, or a kernel without the call: libsodium knows other ways
      randombytes_buf(into, size);
      return;
    }
    into += n;
    size -= static_cast<std::size_t>(n);
  }
}

}  // namespace

void init_crypto() {
  if (sodium_init() < 0) std::abort();
}

void fill_random(void* into, std::size_t size) {
  // A block per thread: getrandom once per 4 KiB instead of once per id. Used bytes are wiped, so that a later look
  // into memory tells nothing of earlier draws.
  thread_local std::array<unsigned char, 4096> pool;
  thread_local std::size_t left = 0;
  if (size > pool.size() / 4) {
    randombytes_buf(into, size);
    return;
  }
  if (left < size) {
    refill(pool.data(), pool.size());
    left = pool.size();
  }
  unsigned char* from = pool.data() + (left - size);
  std::memcpy(into, from, size);
  sodium_memzero(from, size);
  left -= size;
}

Bytes random_bytes(std::size_t size) {
  Bytes out(size, '\0');
  fill_random(out.data(), size);
  return out;
}

}  // namespace base
