// Promise: the committed log as tiles and a signed checkpoint in the state directory, at most once in `every` while it
// grows. Reads what is committed through a connection of its own, so signing never runs ahead of the disk. Own thread: the
// writer never waits for it. No room for tiles is temporary; any other error ends the publisher and is told as fatal. For
// gateway/store.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/core/digest.hpp"
#include "gateway/store/sqlite.hpp"
#include "receipts/log/checkpoint.hpp"
#include "receipts/log/tiles.hpp"

namespace store {

// An epoch as it is published.
struct EpochPlace {
  std::string origin;
  std::filesystem::path directory;
  std::uint64_t first = 0;                       // leaf.idx of its first entry
};

class Publisher {
 public:
  // k_rollback if the directory is ahead of `committed`, or holds another history.
  static base::Result<std::unique_ptr<Publisher>> open(Database reader, EpochPlace place, std::shared_ptr<const base::Ed25519Key> key,
                                                       const receipts::CompactRange& committed, std::chrono::milliseconds every);
  ~Publisher();  // publishes once more

  void start(std::function<void(const base::Error&)> on_fatal, std::function<void(const std::string& checkpoint)> on_checkpoint);
  void committed(std::uint64_t size);            // any thread
  base::Result<std::string> publish_now();       // any thread; blocks
  // From now on another epoch, of which `size` leaves are committed. What was published stays.
  base::Result<void> move_to(EpochPlace place, std::uint64_t size);
  std::string origin() const;                    // any thread
  // Nothing is published while `work` runs; any thread.
  base::Result<void> while_still(const std::function<base::Result<void>()>& work) {
    const std::lock_guard lock(m_work);
    return work();
  }

 private:
  Publisher(Database reader, receipts::TileWriter tiles);
  base::Result<std::string> publish();           // under m_work
  base::Result<void> grow(std::uint64_t target);
  void run();

  Database m_reader;
  receipts::TileWriter m_tiles;
  Statement m_leaves;
  std::shared_ptr<const base::Ed25519Key> m_key;
  std::chrono::milliseconds m_every{};
  std::function<void(const base::Error&)> m_on_fatal;
  std::function<void(const std::string&)> m_on_checkpoint;
  std::string m_last;                            // the newest checkpoint published; under m_work
  std::atomic<std::int64_t> m_last_size{-1};     // its size; -1 before the first
  bool m_is_late = false;                        // told once, the thread's own

  std::mutex m_work;                             // around publish() and move_to()
  mutable std::mutex m_mutex;                    // around the members below
  EpochPlace m_place;                            // changes under both
  std::condition_variable m_wake;
  std::uint64_t m_committed = 0;
  bool m_stop = false;
  std::thread m_thread;
};

}  // namespace store
