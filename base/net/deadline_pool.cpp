#include "base/net/deadline_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace base::net {

struct DeadlinePool::Task {
  std::function<void()> work;
  enum class Stage { waiting, running, lost, done } stage = Stage::waiting;
};

struct DeadlinePool::State {
  explicit State(const Options& o) : options(o) {}
  const Options options;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Task>> waiting;
  std::size_t threads = 0;  // that take work: the lost ones are not among them
  std::size_t running = 0, lost = 0;
  std::uint64_t late = 0;
  bool stop = false;
};

DeadlinePool::DeadlinePool(Options options) : m_options(options), m_state(std::make_shared<State>(options)) {
  const std::lock_guard lock(m_state->mutex);
  for (std::size_t i = 0; i < options.threads; ++i) start_thread(m_state);
}

DeadlinePool::~DeadlinePool() {
  {
    const std::lock_guard lock(m_state->mutex);
    m_state->stop = true;
    m_state->waiting.clear();
  }
  m_state->wake.notify_all();
}

DeadlinePool::Counts DeadlinePool::counts() const {
  const std::lock_guard lock(m_state->mutex);
  return {m_state->running, m_state->waiting.size(), m_state->lost, m_state->late};
}

// Detached, since a lost one could never be joined; each holds the state.
void DeadlinePool::start_thread(const std::shared_ptr<State>& state) {
  ++state->threads;
  std::thread([state] { serve(state); }).detach();
}

void DeadlinePool::serve(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->wake.wait(lock, [&] { return state->stop || !state->waiting.empty(); });
    if (state->stop) return;
    const std::shared_ptr<Task> task = std::move(state->waiting.front());
    state->waiting.pop_front();
    task->stage = Task::Stage::running;
    ++state->running;
    lock.unlock();
    task->work();
    task->work = nullptr;
    lock.lock();
    const bool was_lost = std::exchange(task->stage, Task::Stage::done) == Task::Stage::lost;
    if (!was_lost) {
      --state->running;
      continue;
    }
    // back after all: superfluous if it was replaced
    --state->lost;
    if (state->threads >= state->options.threads) return;
    ++state->threads;
  }
}

std::shared_ptr<DeadlinePool::Task> DeadlinePool::submit(std::function<void()> work) {
  auto task = std::make_shared<Task>();
  task->work = std::move(work);
  {
    const std::lock_guard lock(m_state->mutex);
    if (m_state->stop || m_state->lost >= m_options.max_lost) return nullptr;
    m_state->waiting.push_back(task);
  }
  m_state->wake.notify_one();
  return task;
}

void DeadlinePool::give_up(const std::shared_ptr<Task>& task) {
  const std::lock_guard lock(m_state->mutex);
  if (task->stage == Task::Stage::done) return;
  ++m_state->late;
  if (task->stage == Task::Stage::waiting) {
    std::erase(m_state->waiting, task);
    return;
  }
  task->stage = Task::Stage::lost;
  --m_state->running;
  --m_state->threads;
  ++m_state->lost;
  if (m_state->lost < m_options.max_lost && !m_state->stop) start_thread(m_state);
}

}  // namespace base::net
