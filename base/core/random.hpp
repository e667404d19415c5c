// Promise: random bytes from libsodium, drawn in blocks so that an id costs no system call.
#pragma once

#include <cstddef>

#include "base/core/bytes.hpp"

namespace base {

// Once, first thing in main and in each test binary: readies libsodium. Aborts if the system has no randomness.
void init_crypto();

void fill_random(void* into, std::size_t size);
Bytes random_bytes(std::size_t size);

}  // namespace base
