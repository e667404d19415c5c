// Promise: what providers keep for us in mailboxes comes in by the same door as what they bring: each account with `poll` is
// looked at every `poll_every`, and each message there is taken once. That it was taken is committed with the message, in one
// transaction. Nothing is removed at the provider. What cannot be taken stays there, is told once, and does not stand in the way
// of others; what cannot be taken now ends the look, and is tried again at the next one. An account that hangs holds up no other.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include <boost/asio/steady_timer.hpp>

#include "gateway/pipeline/intake.hpp"
#include "gateway/pipeline/poll_state.hpp"

namespace pipeline {

class Submission;
struct SessionState;

// What monitoring and people hear of one account.
struct PollLine {
  std::string account;
  std::uint64_t taken = 0, refused = 0, failed = 0;  // messages, messages, looks
  std::chrono::seconds age{};                        // since the last look that came to its end, or since the first began
  std::uint64_t listed = 0;                          // POP3: messages at the server, at the last look
  std::optional<base::Timestamp> looked;             // when the last look came to its end
  std::optional<base::Timestamp> down_since;         // every look since then failed
  std::string why;                                   // of the newest that did
};

class DeMailPoll {
 public:
  static constexpr std::size_t k_threads = 4;             // looks at once; others wait for their turn
  static constexpr int k_most_tries = 5;                  // at a message that the server lists and does not give
  static constexpr std::chrono::seconds k_look_after{1};  // accounts of a new configuration

  // All outlive this; one executor.
  DeMailPoll(Context& context, Handoff& handoff, boost::asio::any_io_executor executor);
  ~DeMailPoll();

  void start();
  // Nothing more begins; what is under way ends within a second or two, wherever it is.
  void stop();
  base::net::Awaitable<void> drain(std::chrono::milliseconds at_most);
  void join();  // the threads; after stop()
  std::size_t active() const { return m_active; }

  std::vector<PollLine> lines() const;  // from any thread

 private:
  struct Look;
  struct Account {
    PollLine line;
    bool is_running = false, is_down = false;
    base::Steady due{}, ended{}, last_good{};
    std::map<std::string, int> tries;  // of messages that are not to be had
  };
  struct Brought {
    std::string word, detail;  // why it is passed over; "": it is not
  };
  enum class Step { taken, passed, again };  // again: the session is over, and something was done

  base::net::Awaitable<void> watch();
  void begin(const SnapshotPtr& snapshot, const config::DeMailAccountOptions& account);
  base::net::Awaitable<void> look(SnapshotPtr snapshot, std::string name);
  base::net::Awaitable<base::Result<bool>> look_into(Look& look);
  base::net::Awaitable<base::Result<void>> prepare(Look& look);
  base::net::Awaitable<base::Result<std::vector<base::net::MailboxEntry>>> find_new(Look& look);
  base::net::Awaitable<base::Result<Brought>> bring(Look& look, const base::net::MailboxEntry& entry, Submission& submission,
                                                    SessionState& state);
  base::net::Awaitable<base::Result<Step>> take(Look& look, base::net::MailboxEntry entry);
  base::net::Awaitable<base::Result<Step>> pass_over(Look& look, base::net::MailboxEntry entry, std::string word,
                                                     std::string detail, bool is_recorded);
  void ended(const std::string& name, const base::Result<bool>& result);

  Context& m_context;
  Handoff& m_handoff;
  boost::asio::any_io_executor m_executor;
  boost::asio::steady_timer m_timer;
  std::optional<base::net::Pool> m_pool;  // made when the first account is looked at
  std::shared_ptr<std::atomic<bool>> m_stop = std::make_shared<std::atomic<bool>>(false);
  std::size_t m_active = 0;
  mutable std::mutex m_mutex;  // of the lines; all else belongs to the executor
  std::map<std::string, Account> m_accounts;
};

}  // namespace pipeline
