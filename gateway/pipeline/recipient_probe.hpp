// Promise: does this recipient exist? The internal server is asked (MAIL FROM:<>, RCPT, RSET; never DATA) and its answer is
// remembered for a while. A plain "no such mailbox" (5.1.x, RFC 3463) is a no; whatever else is not a yes is unknown, and
// unknown is temporary. The memory is bounded, and so are the questions under way: strangers make up addresses. One executor.
#pragma once

#include "gateway/pipeline/lanes.hpp"

namespace pipeline {

enum class Existence { known, absent, unknown };

class RecipientProbe {
 public:
  static constexpr std::size_t k_remembered = 100'000;
  static constexpr std::size_t k_most_questions = 100;  // under way; beyond it the answer is unknown
  static constexpr std::chrono::seconds k_patience{10};  // for each step: a client waits for its reply to RCPT

  RecipientProbe(Context& context, boost::asio::any_io_executor executor) : m_context(context), m_lanes(context, std::move(executor)) {}
  base::net::Awaitable<Existence> ask(SnapshotPtr snapshot, mail::Address address, config::ProbeOptions options);
  base::net::Awaitable<void> close() { return m_lanes.close_idle(); }

 private:
  struct Remembered {
    Existence existence = Existence::unknown;
    base::Steady until;
  };
  void remember(const std::string& address, Existence existence, std::chrono::milliseconds how_long);

  Context& m_context;
  Lanes m_lanes;  // of its own: a delivery of many megabytes must not keep a dialogue waiting
  std::map<std::string, Remembered> m_memory;
  std::size_t m_under_way = 0;
};

// What a reply to RCPT says.
Existence existence_of(const smtp::client::Outcome& outcome);

}  // namespace pipeline
