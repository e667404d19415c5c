// Promise: a file descriptor that closes itself, and the errno of a call on a file as an error.
#pragma once

#include <unistd.h>

#include <utility>

#include "base/core/file.hpp"

namespace base {

class Descriptor {
 public:
  explicit Descriptor(int fd) : m_fd(fd) {}
  ~Descriptor() {
    if (m_fd >= 0) ::close(m_fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return m_fd; }

 private:
  int m_fd;
};

// Of the call that just failed: k_not_found, k_disk_full (no room, or no more quota), k_no_descriptors, k_io.
Error error_of_errno(const fs::path& path, const char* what);

}  // namespace base
