// Promise: the log goes from one epoch to the next without a gap: the old one is closed and its last checkpoint published
// before the new one holds that checkpoint in its first leaf. Each step is a commit of its own, so a kill between two of them
// leaves a log that the next start goes on with. An epoch opened because the published log was ahead of the database (a
// restored backup) says so and how much was lost; the older one is never continued.
// Must never: go back to an older epoch, or use a name that something published bears already. For gateway/store.
#pragma once

#include <filesystem>
#include <functional>
#include <map>

#include "gateway/store/log_writer.hpp"
#include "gateway/store/publisher.hpp"

namespace store {

// What lies published in a log directory, by epoch. A log from before there were epochs lies in the directory itself.
struct Published {
  std::filesystem::path directory;
  std::string note;                    // its checkpoint as it stands there
  receipts::Checkpoint checkpoint;
};
using PublishedLog = std::map<receipts::EpochName, Published>;
// Directories without a readable checkpoint are left out: they can be made again from the database.
PublishedLog find_published(const std::filesystem::path& log_directory);

// Is something published that the database does not know? Reads only; any schema. k_rollback.
base::Result<void> check_published(Database& db, int schema, const PublishedLog& published);

// A log from before there were epochs moves into a directory of its own, named as its checkpoint says, or `fallback`; may be
// repeated after a kill.
base::Result<void> move_flat_log(const std::filesystem::path& log_directory, const std::string& fallback);

// Closes and opens epochs by the clock; the writer thread asks before each of its transactions.
class EpochTurner {
 public:
  EpochTurner(Publisher& publisher, std::filesystem::path log_directory) : m_publisher(publisher), m_directory(std::move(log_directory)) {}
  base::Result<void> turn(Database& db, LogWriter& log, base::Timestamp now);

 private:
  base::Result<void> step(Database& db, LogWriter& log, const std::function<base::Result<void>()>& change);

  Publisher& m_publisher;
  std::filesystem::path m_directory;
};

// Opens a new epoch on a database that is behind `published`. k_not_needed if nothing is published.
base::Result<void> recover_log(Database& db, LogWriter& log, const PublishedLog& published, const Recovery& recovery, base::Timestamp now);

// The leaf that begins an epoch. `out`: receipts::k_out_opened, k_out_recovered.
LogEntry open_entry(const char* out, base::Timestamp now);

}  // namespace store
