// Promise: events of the log from what the pipeline knows; the only place where personal data is sorted into disclosures.
#pragma once

#include "crypto/protect/open.hpp"
#include "crypto/protect/protect.hpp"
#include "gateway/pipeline/record.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "gateway/store/types.hpp"
#include "smtp/client/engine.hpp"

namespace pipeline {

struct EventTime {
  base::Timestamp now{};
  base::Sha256Digest cfg{};
};

store::LogEntry accept_event(const EventTime& at, const base::MessageId& mid, const MessageRecord& record, const std::vector<RecipientRecord>& recipients,
                             std::uint64_t size, const base::Sha256Digest& digest, const smtp::server::SessionInfo& session);
store::LogEntry decide_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const RecipientRecord& recipient);
// A refusal in the dialogue; it has no message of ours, so its chain is empty.
store::LogEntry reject_event(const EventTime& at, const policies::Origin& origin, const mail::ReversePath& path, const std::vector<std::string>& recipients,
                             const smtp::Reply& reply, const char* word, const std::string& peer);
store::LogEntry transform_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const crypto::ProtectReport& report);
store::LogEntry opened_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const crypto::Opened& opened,
                             policies::SignatureVerdict verdict, const std::string& signer);
store::LogEntry attempt_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const std::string& route, std::uint32_t attempt);
store::LogEntry outcome_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, bool mailbox, const smtp::client::Outcome& outcome,
                              const std::string& host, const std::string& tls);
// What became of a De-Mail so far: `type` one of demail_*, `out` a word.
store::LogEntry demail_event(const EventTime& at, receipts::EventType type, const base::MessageId& mid, std::uint32_t rx, const char* out);
// What was proven of an incoming De-Mail.
struct DeMailVerdict;
store::LogEntry demail_opened_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const DeMailVerdict& verdict);
store::LogEntry hold_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const char* actor, const std::string& reason);
store::LogEntry notice_event(const EventTime& at, const base::MessageId& about, const base::MessageId& notice, const char* kind);
// An administrator did something: who and why are disclosures.
store::LogEntry person_event(const EventTime& at, receipts::EventType type, const base::MessageId& mid, std::uint32_t rx, const std::string& who,
                             const std::string& reason);

}  // namespace pipeline
