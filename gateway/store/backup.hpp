// Promise: a copy of the state directory that a start would take, made while everything goes on. Order makes it whole: first
// the published log (behind the database is fine, ahead is refused), then the database in one read transaction, then the spool
// files that this database names, none of which goes away meanwhile. Everything is synced before backup.json says so. Keys are
// not copied: data and what opens it never lie in one archive. For gateway/store.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/result.hpp"
#include "gateway/store/publisher.hpp"

namespace store {

// Removes spool files whose rows have gone; while somebody keeps them, later.
class SpoolKeeper {
 public:
  void drop(const std::filesystem::path& spool, const std::vector<std::string>& names);
  void keep();
  void release(const std::filesystem::path& spool);

 private:
  std::mutex m_mutex;
  int m_keepers = 0;
  std::vector<std::string> m_later;
};

struct BackupInput {
  std::filesystem::path state, into;
  Publisher& publisher;
  SpoolKeeper& spool_keeper;
  base::Timestamp now{};
};
struct BackupDone {
  std::uint64_t messages = 0, spool_files = 0, log_entries = 0, bytes = 0;
};
// k_not_empty, base::k_io, base::k_disk_full.
base::Result<BackupDone> make_backup(const BackupInput& input);

}  // namespace store
