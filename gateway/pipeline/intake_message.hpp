// One message while it arrives, and what its session knows; inside the pipeline.
#pragma once

#include <functional>
#include <variant>

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
  std::string protocol;                           // how messages come here ("IMAP"), where it is not SMTP; for Received

  policies::Origin origin(const std::string& department) const { return {claim.role, listener.address, claim.proof, principal, department}; }
  bool may_record_rejection(base::Steady) { return claim.role != config::ListenerRole::mx || ++rejections <= k_recorded_rejections; }
};

// A message that was taken, while it was written down with its receipts.
struct Taken {
  base::MessageId mid;
  base::EventId receipt;
  const std::vector<RecipientRecord>* refused = nullptr;  // who gets nothing of it (site.partial); for Amend only
};

struct NotTaken {
  smtp::Reply reply;               // what SMTP says
  std::string word;                // of the reply table
  std::optional<Denied> denied;    // absent: the decisions say why
  bool repeated = false;           // a Change.request that was there before
};
using Verdict = std::variant<Taken, NotTaken>;

// More for the change that accepts the message; the recipients hold their decisions.
using Amend = std::function<void(const Taken&, const std::vector<RecipientRecord>&, store::Change&)>;

// Steps 2 to 6 for one message, whichever door it came by: what is said of it comes after the commit. `state` outlives it and
// holds the recipients, which are gone once the message is taken.
class Submission {
 public:
  virtual ~Submission() = default;
  // The reply if the bytes cannot be kept; nothing more may be written then.
  virtual std::optional<NotTaken> write(base::ByteView bytes) = 0;
  virtual base::net::Awaitable<Verdict> commit(Amend amend) = 0;
};
std::unique_ptr<Submission> make_submission(Context& context, Handoff& handoff, SessionState& state, const smtp::server::SessionInfo& session,
                                            const smtp::server::Envelope& envelope);

// The SMTP door.
std::unique_ptr<smtp::server::Incoming> make_incoming(Context& context, Handoff& handoff, SessionState& state, const smtp::server::SessionInfo& session,
                                                      const smtp::server::Envelope& envelope);

// "de" or "en": the department's, else the site's.
std::string language_of(const config::Options& options, const std::string& department);
// 4 or 16 bytes of an IP address; "" if it is none.
std::string address_bytes(const std::string& text);

}  // namespace pipeline
