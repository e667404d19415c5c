#include "gateway/store/writer.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "base/core/errors.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

constexpr std::size_t k_max_batch = 256;   // changes of one transaction
constexpr int k_checkpoint_frames = 2000;  // 32 MiB of log: what a restart would have to read again
constexpr std::chrono::milliseconds k_full_pause{1000};

}  // namespace

Writer::Writer(Database db, LogWriter log, QueueWriter queue, const base::Clock& clock)
    : m_db(std::move(db)), m_log(std::move(log)), m_queue(std::move(queue)), m_clock(clock), m_watch(m_log.last_time()) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_wake.notify_one();
  if (m_thread.joinable()) m_thread.join();
  // so that the database file alone is complete after an orderly stop; what fails here the next start does
  (void)m_db.checkpoint().has_value();
}

void Writer::start(std::chrono::seconds heartbeat, std::function<void(const AfterCommit&, std::uint64_t)> after_commit,
                   std::function<void(const base::Error&)> on_fatal,
                   std::function<base::Result<void>(Database&, LogWriter&, base::Timestamp)> turn_epoch) {
  m_turn_epoch = std::move(turn_epoch);
  m_heartbeat = heartbeat;
  m_after_commit = std::move(after_commit);
  m_on_fatal = std::move(on_fatal);
  m_thread = std::thread([this] { run(); });
}

void Writer::push(Job job) {
  bool wake = false;
  {
    const std::lock_guard lock(m_mutex);
    m_jobs.push_back(std::move(job));
    wake = m_sleeping;
  }
  if (wake) m_wake.notify_one();
}

void Writer::run() {
  auto next_heartbeat = m_clock.steady() + m_heartbeat;
  while (true) {
    std::vector<Job> jobs;
    bool stop = false;
    {
      std::unique_lock lock(m_mutex);
      if (m_jobs.empty() && !m_stop) {
        m_sleeping = true;
        const auto until = m_kept.empty() ? next_heartbeat : m_clock.steady() + k_full_pause;
        m_wake.wait_until(lock, until, [this] { return !m_jobs.empty() || m_stop; });
        m_sleeping = false;
      }
      if (m_jobs.size() > k_max_batch) {
        jobs.assign(std::make_move_iterator(m_jobs.begin()), std::make_move_iterator(m_jobs.begin() + k_max_batch));
        m_jobs.erase(m_jobs.begin(), m_jobs.begin() + k_max_batch);
      } else {
        jobs.swap(m_jobs);
      }
      stop = m_stop && jobs.empty() && m_jobs.empty();
    }
    if (stop) return;
    if (m_clock.steady() >= next_heartbeat) {
      jobs.push_back(heartbeat());
      next_heartbeat = m_clock.steady() + m_heartbeat;
    }
    keep_outcomes(jobs);
    if (!jobs.empty()) watch_clock(jobs);
    if (!jobs.empty()) process(std::move(jobs));
    checkpoint_if_long();
  }
}

// outcomes that waited for room go before anything new
void Writer::keep_outcomes(std::vector<Job>& jobs) {
  if (m_kept.empty()) return;
  jobs.insert(jobs.begin(), std::make_move_iterator(m_kept.begin()), std::make_move_iterator(m_kept.end()));
  m_kept.clear();
}

// The leaf that tells of the step stands before the first one with the new time.
void Writer::watch_clock(std::vector<Job>& jobs) {
  const base::Timestamp now = m_clock.now();
  const auto back = m_watch.step_back(now, m_clock.steady());
  if (back.count() == 0) return;
  Job job;
  LogEntry step{base::EventId::make(now), {}};
  step.event.type = receipts::EventType::sys_clock;
  step.event.time = now;
  step.event.out = "back";
  step.event.facts.push_back({"ms", back.count()});
  job.change.events.push_back(std::move(step));
  job.handler = [](base::Result<void>) {};
  jobs.insert(jobs.begin(), std::move(job));
}

Writer::Job Writer::heartbeat() {
  Job job;
  const base::Timestamp now = m_clock.now();
  LogEntry beat{base::EventId::make(now), {}};
  beat.event.type = receipts::EventType::log_heartbeat;
  beat.event.time = now;
  beat.event.out = "ok";
  beat.event.facts.push_back({"size", static_cast<std::int64_t>(m_log.size())});
  job.change.events.push_back(std::move(beat));
  if (std::chrono::floor<std::chrono::days>(now) != std::chrono::floor<std::chrono::days>(m_log.balance_time())) {
    LogEntry balance{base::EventId::make(now), {}};
    balance.event.type = receipts::EventType::log_balance;
    balance.event.time = now;
    balance.event.out = "ok";
    job.change.events.push_back(std::move(balance));
  }
  job.handler = [](base::Result<void>) {};
  return job;
}

void Writer::process(std::vector<Job> jobs) {
  std::vector<std::pair<Job*, base::Result<void>>> answers;
  if (m_failed) {
    for (Job& job : jobs) answers.emplace_back(&job, base::fail(k_stopped));
    return answer(std::move(answers));
  }
  std::vector<Job*> all;
  for (Job& job : jobs) all.push_back(&job);
  AfterCommit after;
  const auto done = write_all(all, after);
  if (done) {
    m_after_commit(after, m_log.size());
    for (Job* job : all) answers.emplace_back(job, base::Done{});
    return answer(std::move(answers));
  }
  // one change at fault must not fail its neighbours
  for (Job* job : all) {
    AfterCommit own;
    base::Result<void> result = all.size() == 1 || m_failed || done.error().code == k_full ? done : write_all({job}, own);
    if (!result && result.error().code == k_full && job->change.is_outcome) {
      m_kept.push_back(std::move(*job));
      continue;
    }
    if (result) m_after_commit(own, m_log.size());
    answers.emplace_back(job, std::move(result));
  }
  answer(std::move(answers));
}

base::Result<void> Writer::write_all(const std::vector<Job*>& jobs, AfterCommit& after) {
  const base::Steady begun = m_clock.steady();
  auto done = m_turn_epoch(m_db, m_log, m_clock.now());
  if (done) {
    m_log.begin();
    done = transaction(jobs, after);
    if (m_metrics != nullptr) m_metrics->tried(done, m_clock.steady() - begun, jobs.size());
    if (done) return done;
    m_log.rollback();
    m_queue.rollback();
  }
  if (m_db.in_transaction())  // SQLite has rolled back by itself where the disk was full
    if (auto rolled = m_db.execute("ROLLBACK"); !rolled) m_failed = true;
  // what a failed sync left on the disk nobody can say: stop, and let the next start read what is there
  if (done.error().code == base::k_io) m_failed = true;
  if (m_failed && m_on_fatal) m_on_fatal(done.error());
  return done;
}

base::Result<void> Writer::transaction(const std::vector<Job*>& jobs, AfterCommit& after) {
  if (auto begun = m_db.execute("BEGIN IMMEDIATE"); !begun) return begun;
  const base::Timestamp now = m_clock.now();
  for (const Job* job : jobs)
    if (auto done = m_queue.apply(m_db, m_log, job->change, now, after); !done) return done;
  if (auto saved = m_log.save(m_db); !saved) return saved;
  return m_db.execute("COMMIT");
}

// one post for each executor and batch, not one for each change
void Writer::answer(std::vector<std::pair<Job*, base::Result<void>>> answers) {
  struct Ready {
    Handler handler;
    base::Result<void> result;
    Change spent;  // ends on the thread that made it: freeing it here would have both threads wait for one lock of malloc
  };
  std::vector<std::pair<boost::asio::any_io_executor, std::vector<Ready>>> groups;
  for (auto& answered : answers) {
    Job* job = answered.first;
    base::Result<void>& result = answered.second;
    if (!job->executor) {
      job->handler(std::move(result));
      continue;
    }
    auto it = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == job->executor; });
    if (it == groups.end()) it = groups.emplace(groups.end(), job->executor, std::vector<Ready>());
    it->second.push_back({std::move(job->handler), std::move(result), std::move(job->change)});
  }
  for (auto& [executor, ready] : groups)
    boost::asio::post(executor, [r = std::move(ready)]() mutable {
      for (Ready& one : r) one.handler(std::move(one.result));
    });
}

void Writer::checkpoint_if_long() {
  if (m_db.log_frames() < k_checkpoint_frames) return;
  // without room the log only grows for now: nothing of it is lost
  if (auto done = m_db.checkpoint(); !done && done.error().code != k_full) m_on_fatal(done.error());
}

}  // namespace store
