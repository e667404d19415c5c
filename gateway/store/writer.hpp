// Promise: the one thread that writes. Takes all that waits, makes one transaction of it, answers each; retries one by one
// where a single change is at fault; keeps outcomes that found the disk full. For gateway/store.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "gateway/store/clock_watch.hpp"
#include "gateway/store/metrics.hpp"
#include "gateway/store/log_writer.hpp"
#include "gateway/store/queue_writer.hpp"

namespace store {

class Writer {
 public:
  using Handler = std::function<void(base::Result<void>)>;
  struct Job {
    Change change;
    boost::asio::any_io_executor executor;   // empty: the handler runs on the writer thread
    Handler handler;
  };

  Writer(Database db, LogWriter log, QueueWriter queue, const base::Clock& clock);
  ~Writer();                                  // ends after what waits is written
  void push(Job job);
  void measure(Metrics& metrics) { m_metrics = &metrics; }  // before start()
  void start(std::chrono::seconds heartbeat, std::function<void(const AfterCommit&, std::uint64_t log_size)> after_commit,
             std::function<void(const base::Error&)> on_fatal, std::function<base::Result<void>(Database&, LogWriter&, base::Timestamp)> turn_epoch);

 private:
  void run();
  void process(std::vector<Job> jobs);
  base::Result<void> write_all(const std::vector<Job*>& jobs, AfterCommit& after);
  base::Result<void> transaction(const std::vector<Job*>& jobs, AfterCommit& after);
  void answer(std::vector<std::pair<Job*, base::Result<void>>> answers);
  void keep_outcomes(std::vector<Job>& jobs);
  Job heartbeat();
  void watch_clock(std::vector<Job>& jobs);
  void checkpoint_if_long();

  Database m_db;
  LogWriter m_log;
  QueueWriter m_queue;
  const base::Clock& m_clock;
  std::chrono::seconds m_heartbeat{60};
  std::function<void(const AfterCommit&, std::uint64_t)> m_after_commit;
  std::function<void(const base::Error&)> m_on_fatal;

  std::mutex m_mutex;
  std::condition_variable m_wake;
  std::vector<Job> m_jobs;                    // guarded by m_mutex, as m_stop and m_sleeping
  bool m_stop = false, m_sleeping = false;
  std::vector<Job> m_kept;                    // outcomes that found the disk full; the writer thread's own
  bool m_failed = false;                      // after an I/O error: nothing is written any more
  Metrics* m_metrics = nullptr;
  ClockWatch m_watch;
  std::function<base::Result<void>(Database&, LogWriter&, base::Timestamp)> m_turn_epoch;
  std::thread m_thread;
};

}  // namespace store
