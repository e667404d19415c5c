#include "simulator/provider/journal.hpp"

#include <fcntl.h>

#include <cstdio>
#include <cstdlib>

namespace simulator {

base::Result<std::unique_ptr<Journal>> Journal::open(const base::fs::path& path, const base::Clock& clock) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return base::error_of_errno(path, "open");
  return std::unique_ptr<Journal>(new Journal(fd, clock));
}

void Journal::write(const char* event, const JsonLine& members) {
  JsonLine head;
  head.add("at", base::format_utc(m_clock.now())).add("event", event);
  const std::string rest = members.text();
  const std::string line = head.text().substr(0, head.text().size() - 1) + (rest == "{}" ? "" : ", ") + rest.substr(1) + "\n";
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t n = ::write(m_file.get(), left.data(), left.size());
    if (n <= 0) {
      // a journal with a hole would make tests believe the wrong thing
      std::perror("amtsbote-demail-sim: journal");
      std::abort();
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace simulator
