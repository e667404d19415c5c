// Promise: step 8 for one group: from the stored message to what may leave, with the events that say what was done. Outbound:
// edits, 7-bit, sign, encrypt, re-read. Inbound: open, judge, decide once more, mark. Runs on a pool; memory for opening is
// one global budget. An error leaves nothing that could be sent.
#pragma once

#include <condition_variable>
#include <mutex>

#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/outgoing.hpp"
#include "gateway/pipeline/plan.hpp"

namespace pipeline {

// Fields that only the gateway may set (RFC 8601; docs/quirks.md).
inline constexpr const char* k_protection_field = "Amtsbote-Protection";
inline constexpr const char* k_results_field = "Authentication-Results";

// A mark of ours, or a field of De-Mail, which only its carrier may set.
bool is_mark(std::string_view field_name);

// Bytes that all openings together may take (answering: four bytes for each byte of CMS).
class OpenBudget {
 public:
  explicit OpenBudget(base::ByteCount limit) : m_left(limit.value), m_limit(limit.value) {}
  void take(std::uint64_t bytes);  // blocks until they are there; more than all is taken as all
  void give(std::uint64_t bytes);

 private:
  std::mutex m_mutex;
  std::condition_variable m_free;
  std::uint64_t m_left, m_limit;
};

struct Prepared {
  std::optional<Outgoing> mail;                    // absent: the second decision holds it
  std::optional<policies::PolicyDecision> second;  // inbound: the decision after opening
  std::string top;                                 // trace and mark fields that go in front
  std::vector<store::LogEntry> events;
  bool dot_lines = true;
  bool eight_bit = false;
};

struct PrepareInput {
  const Snapshot& snapshot;
  const store::MessageRow& message;
  const MessageRecord& record;
  const Group& group;
  std::filesystem::path scratch_directory;
  base::Timestamp now{};
};

// Whether prepare() will have to read the message; if not, it costs nothing and may run anywhere.
bool reads_body(const PrepareInput& input);

base::Result<Prepared> prepare(const PrepareInput& input, OpenBudget& budget);

// Will gpg be asked? Decides where to run: of a message from outside its form tells, and a look at it may block.
bool needs_openpgp(const PrepareInput& input);

// The same on a thread that may be lost: it owns all that it touches.
class PrepareJob {
 public:
  PrepareJob(SnapshotPtr snapshot, const PrepareInput& input, std::shared_ptr<OpenBudget> budget);
  base::Result<Prepared> operator()();

 private:
  SnapshotPtr m_snapshot;
  store::MessageRow m_message;  // without the key and the recipients' rows, which step 8 does not read
  MessageRecord m_record;
  Group m_group;
  std::filesystem::path m_scratch;
  base::Timestamp m_now;
  std::shared_ptr<OpenBudget> m_budget;
};

// Trouble that may pass by itself; anything else holds the message.
bool is_temporary(const base::Error& error);

}  // namespace pipeline
