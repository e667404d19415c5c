// Which messages the dispatcher takes out of the store, and when it looks.
#include <boost/asio/redirect_error.hpp>

#include "base/core/log.hpp"
#include "gateway/pipeline/dispatch.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;

constexpr base::log::Event k_event_fetch{"queue.fetch_failed"};
constexpr std::chrono::seconds k_poll{30};  // at the latest: what others put into the store
// What is due and could not be begun now (it is under way, it cannot be read, the disk is full) must not keep the loop turning.
constexpr std::chrono::milliseconds k_soon{50}, k_not_yet{1000};
constexpr std::size_t k_max_unreadable = 10'000;
constexpr std::chrono::minutes k_unreadable_pause{10};

}  // namespace

// Half of the places, so that a look into the queue pays; those of destinations that have more than their share do not count.
bool Dispatch::has_room() const {
  const std::size_t held_up = std::min(m_shares.held_up(), m_active.size());
  return m_active.size() - held_up < (k_max_active - std::min(held_up, k_max_active)) / 2;
}

Awaitable<void> Dispatch::run() {
  while (!m_stopping) {
    std::size_t begun = 0;
    if (has_room()) begun = co_await fetch();
    co_await expire_holds();
    co_await watch_carriers();
    if (m_stopping) break;
    m_lanes.sweep();
    auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(k_poll);
    auto job = [this] { return m_context.store->next_due(); };
    const auto next = co_await base::net::run_on(*m_context.blocking, std::move(job));
    if (next && *next)
      wait = std::clamp(std::chrono::milliseconds(**next - m_context.clock->now()), begun > 0 ? k_soon : k_not_yet, wait);
    if (m_stopping) break;
    m_wakes_at = m_context.clock->now() + wait;
    m_timer.expires_after(wait);
    boost::system::error_code woken;
    co_await m_timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }
}

// What must wait (its destination has had its share, it cannot be read, it is under way) is passed over, and does not hide what
// comes after it.
Awaitable<std::size_t> Dispatch::fetch() {
  m_woken = false;
  std::size_t begun = 0, limit = k_lot;
  for (std::size_t looked_at = 0; looked_at < k_max_looked_at; looked_at += limit, limit = k_long_lot) {
    auto job = [this, limit] { return m_context.store->find_due(m_context.clock->now(), m_looked_at, limit); };
    const auto lot = co_await base::net::run_on(*m_context.blocking, std::move(job));
    if (!lot) {
      base::log::error(k_event_fetch, {{"error", lot.error().describe()}});
      co_return begun;
    }
    for (const store::Due& d : lot->due) {
      if (m_stopping) co_return begun;
      if (m_active.size() >= k_max_active) {
        m_woken = true;  // there is more
        m_looked_at.reset();
        co_return begun;
      }
      m_looked_at = d;
      if (!may_begin(d.id)) continue;
      const bool began = co_await load_and_begin(d.id);
      if (began) ++begun;
    }
    if (!lot->is_last) continue;
    m_looked_at.reset();
    co_return begun;
  }
  co_return begun;
}

bool Dispatch::may_begin(std::int64_t id) {
  if (const auto it = m_unreadable.find(id); it != m_unreadable.end() && m_context.clock->now() < it->second) return false;
  return !m_active.contains(id) && !m_shares.is_aside(id, free_places());
}

Awaitable<bool> Dispatch::load_and_begin(std::int64_t id) {
  m_active.emplace(id, 0);
  auto load = [this, id] { return m_context.store->load(id, true); };
  auto row = co_await base::net::run_on(*m_context.blocking, std::move(load));
  if (!row || !*row) {
    if (!row) {
      base::log::error(k_event_fetch, {{"id", id}, {"error", row.error().describe()}});
      note_unreadable(id);
    }
    m_active.erase(id);
    co_return false;
  }
  spawn(process(**std::move(row)), id);
  co_return true;
}

// It stays in the queue, is shown there, and is looked at again now and then; it must not keep the loop turning.
void Dispatch::note_unreadable(std::int64_t id) {
  if (m_unreadable.size() >= k_max_unreadable) m_unreadable.clear();
  m_unreadable[id] = m_context.clock->now() + k_unreadable_pause;
}

}  // namespace pipeline
