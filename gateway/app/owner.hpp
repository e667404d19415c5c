// Promise: what root's commands do in the state directory is done as the user to whom it belongs, so that the daemon can read
// what they leave and root obeys nothing that the daemon's user wrote. Secrets are still read as root (config::load_secret).
// One at a time, in a process without other threads at work on files. For anybody but root it does nothing.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

namespace app {

class AsOwner {
 public:
  // Where the directory is not there yet, or belongs to root, nothing changes.
  explicit AsOwner(const std::filesystem::path& state_directory);
  ~AsOwner();
  AsOwner(const AsOwner&) = delete;
  AsOwner& operator=(const AsOwner&) = delete;

 private:
  bool m_has_changed = false;
  std::vector<gid_t> m_groups;  // root's
};

}  // namespace app
