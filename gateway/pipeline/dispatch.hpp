// Promise: steps 7 to 11 for every message that is due: plan, prepare, begin the attempt (one commit), deliver, settle (one
// commit). Fresh messages come from memory right after their commit; the rest is fetched from the store in small lots, so
// that the queue may be any length. A poisonous message is held or postponed; it never stops the others.
#pragma once

#include <unordered_map>

#include "gateway/pipeline/day_count.hpp"
#include "gateway/pipeline/demail_in.hpp"
#include "gateway/pipeline/intake.hpp"
#include "gateway/pipeline/lanes.hpp"
#include "gateway/pipeline/prepare.hpp"
#include "gateway/pipeline/shares.hpp"

namespace pipeline {

class Dispatch : public Handoff {
 public:
  static constexpr std::size_t k_max_active = 200;        // messages in memory at once
  static constexpr std::size_t k_lot = 200;               // asked of the store at once
  static constexpr std::size_t k_long_lot = 2000;         // and then, while all that is found must wait
  static constexpr std::size_t k_max_looked_at = 40'000;  // in one look; the next one goes on from there
  static constexpr std::size_t k_groups_at_once = 4;      // of one message: a silent host must not keep its mail from the others
  static constexpr base::ByteCount k_open_budget = base::mib(256);

  Dispatch(Context& context, boost::asio::any_io_executor executor);

  // Settles what a crash left in flight, then starts. Blocks; before the executor runs.
  base::Result<void> recover();
  void start();
  // No new attempts; done when those under way have ended.
  base::net::Awaitable<void> drain(std::chrono::seconds at_most);

  bool reserve(std::int64_t id) override;
  void taken(Accepted message) override;
  void dropped(std::int64_t id) override;
  void wake() override;
  std::size_t active() const { return m_active.size(); }

 private:
  base::net::Awaitable<void> run();
  bool has_room() const;
  std::size_t free_places() const { return k_max_active - std::min(k_max_active, m_active.size()); }
  base::net::Awaitable<std::size_t> fetch();  // how many it began
  bool may_begin(std::int64_t id);
  base::net::Awaitable<bool> load_and_begin(std::int64_t id);
  void note_unreadable(std::int64_t id);
  base::net::Awaitable<void> expire_holds();
  base::net::Awaitable<void> watch_carriers();
  // Whether the account may send it today; then it is counted, and its recipients carry the name by which its provider may know
  // it from now on. An unreadable count is temporary: false.
  base::net::Awaitable<bool> count_demail(const Snapshot& snapshot, Group& group);
  // Not taken: it counts no more. Adds what the store must know to the change.
  void uncount_demail(const Group& group, const Delivery& delivery, store::Change& change);
  // Of what a provider of De-Mail brought: true if it ends, waits or is held here; false if it is mail for its mailbox.
  base::net::Awaitable<bool> take_news(const Snapshot& snapshot, const store::MessageRow& row, const std::vector<Addressee>& due);
  base::net::Awaitable<void> hold_news(const Snapshot& snapshot, const store::MessageRow& row, const std::vector<Addressee>& due,
                                       const Doubtful& doubtful);
  base::net::Awaitable<void> postpone_news(const store::MessageRow& row, const std::vector<Addressee>& due);
  base::net::Awaitable<void> process(store::MessageRow row);
  base::net::Awaitable<void> carry(store::MessageRow row, MessageRecord record, std::vector<Addressee> due);
  struct Carried;
  void set_aside(const store::MessageRow& row, const Group& group, const std::string& lane);
  base::net::Awaitable<void> deliver_groups(std::shared_ptr<Carried> carried);
  base::net::Awaitable<void> deliver_group(SnapshotPtr snapshot, const store::MessageRow& row, const MessageRecord& record,
                                           Group group);
  base::net::Awaitable<std::optional<Prepared>> prepare_or_end(SnapshotPtr snapshot, const store::MessageRow& row, const MessageRecord& record, Group& group);
  base::net::Awaitable<base::Result<Prepared>> make_ready(SnapshotPtr snapshot, const store::MessageRow& row,
                                                          const MessageRecord& record, const Group& group);
  base::net::Awaitable<void> put_off(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                     const Group& group, std::vector<store::LogEntry> events, const char* enhanced,
                                     const char* why);
  base::net::Awaitable<bool> begin(const Snapshot& snapshot, const store::MessageRow& row, const Group& group,
                                   std::vector<store::LogEntry> events);
  base::net::Awaitable<void> settle_group(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                          const Group& group, store::State from, Delivery delivery,
                                          std::vector<store::LogEntry> events);
  base::net::Awaitable<void> hold_group(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                        Group group, std::vector<store::LogEntry> events, std::string why, int reason);
  base::net::Awaitable<void> commit_outcome(const base::MessageId& mid, store::Change change);
  void spawn(base::net::Awaitable<void> work, std::int64_t id);
  void finish(std::int64_t id);
  Parcel parcel_of(const MessageRecord& record, const Group& group, const Prepared& prepared,
                   const base::ContentPtr& content) const;

  Context& m_context;
  boost::asio::any_io_executor m_executor;
  Lanes m_lanes;
  std::shared_ptr<OpenBudget> m_budget = std::make_shared<OpenBudget>(k_open_budget);
  boost::asio::steady_timer m_timer;
  std::unordered_map<std::int64_t, std::size_t> m_active;  // messages, and how many coroutines work on each
  Shares m_shares;
  std::optional<store::Due> m_looked_at;                           // where the last look into the queue stopped before its end
  std::unordered_map<std::int64_t, base::Timestamp> m_unreadable;  // messages that cannot be read, and until when nobody tries
  std::map<std::string, DayCount> m_today;                         // by De-Mail account
  base::Timestamp m_wakes_at{};
  bool m_stopping = false, m_woken = true;
};

}  // namespace pipeline
