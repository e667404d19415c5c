// Promise: what happened, one line of JSON each, in the file before anybody outside can know of it: a test compares the end of
// two programs by it. docs/demail-simulator.md lists the events.
#pragma once

#include <memory>

#include "base/core/clock.hpp"
#include "base/core/descriptor.hpp"
#include "simulator/model/json.hpp"

namespace simulator {

class Journal {
 public:
  // Appends to what is there. k_io.
  static base::Result<std::unique_ptr<Journal>> open(const base::fs::path& path, const base::Clock& clock);
  // "at" and "event" stand in front of `members`.
  void write(const char* event, const JsonLine& members);

 private:
  Journal(int fd, const base::Clock& clock) : m_file(fd), m_clock(clock) {}
  base::Descriptor m_file;
  const base::Clock& m_clock;
};

}  // namespace simulator
