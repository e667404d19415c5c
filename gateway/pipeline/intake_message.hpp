// One message while it arrives, and what its session knows; inside the pipeline.
#pragma once

#include "gateway/pipeline/intake.hpp"

namespace pipeline {

// Refusals of strangers beyond this many a minute and session are not written one by one.
inline constexpr int k_recorded_rejections = 20;

struct SessionState {
  SnapshotPtr snapshot;
  config::ListenerOptions listener;
  Claim claim;
  std::string principal;
  std::string department_at_rcpt;                 // from the reverse path; From decides after DATA
  std::vector<RecipientRecord> recipients;        // of the current transaction
  int rejections = 0;

  policies::Origin origin(const std::string& department) const { return {claim.role, listener.address, claim.proof, principal, department}; }
  bool may_record_rejection(base::Steady) { return claim.role != config::ListenerRole::mx || ++rejections <= k_recorded_rejections; }
};

std::unique_ptr<smtp::server::Incoming> make_incoming(Context& context, Handoff& handoff, SessionState& state, const smtp::server::SessionInfo& session,
                                                      const smtp::server::Envelope& envelope);

// "de" or "en": the department's, else the site's.
std::string language_of(const config::Options& options, const std::string& department);
// 4 or 16 bytes of an IP address; "" if it is none.
std::string address_bytes(const std::string& text);

}  // namespace pipeline
