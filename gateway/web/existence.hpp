// Promise: what SMTP learns at RCPT where a domain says `recipients = { probe = true }`: its server is asked whether a recipient
// exists (recipient_probe.hpp). Unknown is temporary. A request has many recipients and one answer: after k_time together, those
// that are left stay unknown, and what was learned is remembered for the next try.
#pragma once

#include "gateway/pipeline/access.hpp"
#include "gateway/pipeline/context.hpp"

namespace web {

inline constexpr std::chrono::seconds k_time_for_questions{30};

// unknown_recipient or recipient_unchecked for each that stands in the way, `who` its address; none for domains that are not asked.
base::net::Awaitable<std::vector<pipeline::Denied>> look_for(pipeline::Context& context, pipeline::SnapshotPtr snapshot, std::vector<mail::Address> addresses);

// The one that speaks for all: a firm no before "later", which cannot heal it. `denied` is not empty.
const pipeline::Denied& weightiest(const std::vector<pipeline::Denied>& denied);

}  // namespace web
