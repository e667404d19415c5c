// Promise: step 10, pure: what an attempt's outcome means for one recipient: the next state, when it is tried again, what is
// told to the sender. After a crash an attempt that was in flight comes here as "unknown". The mirror of decide().
#pragma once

#include "gateway/options/options.hpp"
#include "gateway/pipeline/plan.hpp"
#include "mail/report/dsn.hpp"
#include "smtp/client/engine.hpp"

namespace pipeline {

struct Settlement {
  store::RecipientUpdate update;                 // without its id
  RecipientRecord record;                        // as it shall be stored, if update.record is set
  std::optional<mail::ReportKind> notice;        // for the sender
};

// How long a carrier may take before a person must ask, and how long a recipient may let a message lie.
struct CarrierTimes {
  std::chrono::milliseconds overdue{}, uncertain{}, retrieve{};
};

struct SettleInput {
  const Addressee& addressee;
  store::State from = store::State::in_flight;
  smtp::client::Outcome outcome;
  base::Timestamp received{}, now{};
  std::uint32_t jitter = 0;                      // 0 to 999, random
  bool may_notify = true;                        // false for notices and null reverse paths
  bool tells_sent = false;                       // the department wants to hear of each hand-over
  bool peer_does_dsn = false;                    // then success is the peer's to report (RFC 3461 section 5.2.2)
  std::optional<CarrierTimes> carrier{};         // set for a De-Mail: taken is not delivered, and unknown is never tried again
};

Settlement settle(const config::RetryOptions& retry, const SettleInput& input);
// Set if the recipient's message is a De-Mail.
std::optional<CarrierTimes> carrier_times(const config::Options& options, const RecipientRecord& record);

// Nothing was heard of it in time. A submitted message stays so, with a day more; one whose outcome is unknown is for a person:
// it may have been taken, is never sent again by itself, and does not fail by waiting. One that has arrived ends as delivered.
Settlement settle_overdue(const config::RetryOptions& retry, const Addressee& addressee, base::Timestamp now);

// What a confirmation or notification that counts says of one recipient of a De-Mail. lost: malware, no such recipient.
enum class CarrierWord { dispatched, received, retrieved, lost };
struct CarrierNews {
  CarrierWord word = CarrierWord::dispatched;
  std::string message_id, integrity;  // as its provider calls the De-Mail, "" where the news does not say
};
// Known already: a copy of what was heard before.
bool is_known(const Carried& carried, CarrierWord word);
// It cannot be lost and have been received.
bool contradicts(const Carried& carried, CarrierWord word);
// A De-Mail is delivered once the strongest confirmation that was asked for has come and the weaker ones too, or had their time to.
// Where none but that of dispatch was asked for, notifications have that time. Of a recipient in any state of docs/states.md that
// news may find; the caller keeps in_flight and final ones away.
Settlement settle_news(const CarrierTimes& times, const Addressee& addressee, const CarrierNews& news, base::Timestamp now);
// Nothing more needs to be heard: what was confirmed is enough, whatever else was asked for.
bool has_arrived(const RecipientRecord& record);

// Something of ours stands in the way (a key that is gone, output that is not what was asked): nothing leaves, a person decides.
// Until when a hold lasts: ours ends in time, and its sender is told; mail from outside waits until somebody decides.
base::Timestamp hold_until(const config::RetryOptions& retry, policies::Direction direction, base::Timestamp now);
Settlement settle_hold(const config::RetryOptions& retry, const Addressee& addressee, store::State from, const std::string& why, base::Timestamp now);

}  // namespace pipeline
