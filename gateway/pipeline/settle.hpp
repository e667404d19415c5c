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

// How long a carrier may take before a person must ask.
struct CarrierTimes {
  std::chrono::milliseconds overdue{}, uncertain{};
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
// it may have been taken, is never sent again by itself, and does not fail by waiting.
Settlement settle_overdue(const config::RetryOptions& retry, const Addressee& addressee, base::Timestamp now);

// Something of ours stands in the way (a key that is gone, output that is not what was asked): nothing leaves, a person decides.
// Until when a hold lasts: ours ends in time, and its sender is told; mail from outside waits until somebody decides.
base::Timestamp hold_until(const config::RetryOptions& retry, policies::Direction direction, base::Timestamp now);
Settlement settle_hold(const config::RetryOptions& retry, const Addressee& addressee, store::State from, const std::string& why, base::Timestamp now);

}  // namespace pipeline
