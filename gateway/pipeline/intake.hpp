// Promise: the gateway's side of smtp::server: each session's proof of who speaks, the answers at MAIL and RCPT, and the way
// of a message from its first byte to the commit. A 250 is given only after message, decisions and receipts are durable.
#pragma once

#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/login.hpp"

namespace pipeline {

// A message as the commit left it: what the store would give back, and its records before they were encoded. The row's own
// records are empty; `row.body` is readable.
struct Accepted {
  store::MessageRow row;
  MessageRecord record;
  std::vector<RecipientRecord> recipients;  // of row.recipients, in order
};

// Gets each accepted message for delivery from memory.
class Handoff {
 public:
  virtual ~Handoff() = default;
  // Before the commit: from now on only the receiver of taken() works on this message. False: too busy, leave it in the store.
  virtual bool reserve(std::int64_t id) = 0;
  virtual void taken(Accepted message) = 0;   // after the commit
  virtual void dropped(std::int64_t id) = 0;  // the commit failed
  virtual void wake() = 0;                    // something waits in the store
};

class Intake : public smtp::server::MailSink {
 public:
  // `listener`: an index into the options' listeners; the session keeps the snapshot that it began with.
  Intake(Context& context, Login& login, Handoff& handoff, std::size_t listener);
  std::unique_ptr<smtp::server::SessionSink> connect(const smtp::server::SessionInfo& session,
                                                     std::optional<smtp::Reply>& refusal) override;

 private:
  Context& m_context;
  Login& m_login;
  Handoff& m_handoff;
  std::size_t m_listener;
};

}  // namespace pipeline
