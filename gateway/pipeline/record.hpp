// Promise: what the queue must remember of a message and of each recipient, as values with one stored form each. The stored
// form is sealed by the store; here it is plain. A form that encode did not make is refused.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/id.hpp"
#include "policies/engine/decision.hpp"
#include "smtp/server/sink.hpp"

namespace pipeline {

struct MessageRecord {
  policies::Origin origin;
  mail::ReversePath reverse_path;
  smtp::MailParameters parameters;
  std::string from;                 // address of the one From mailbox; "" if there is none (inbound)
  std::string subject;              // decoded; for notices and people, untrusted
  std::string message_id;
  std::string extra_header;         // fields that we add on top (Message-ID, Date)
  std::string received_from;        // "helo ([192.0.2.1])" for Received; "" for our own users
  std::string protocol;             // "ESMTPSA"
  base::EventId receipt;            // of the acceptance
  bool own_notice = false;          // made by us, without foreign content
  bool eight_bit = false, dot_lines = true, has_bcc = false;
  bool has_marks = false;           // its header says what only we, or a carrier, may say
  bool internal_sender = false;     // a department of ours: notices may speak of policy
  std::string language;             // of the sender's department
};

// Of a De-Mail, beyond its state: which confirmations counted so far, and what its provider calls it.
struct Carried {
  std::uint32_t group = 0;          // "mid.g", its private-id
  bool dispatched = false, received = false, retrieved = false;
  std::string message_id, integrity;  // x-de-mail-message-id and -integrity, from the first confirmation that counted
  friend bool operator==(const Carried&, const Carried&) = default;
};

struct RecipientRecord {
  mail::Address address;
  policies::Direction direction = policies::Direction::outbound;
  std::set<smtp::Notify> notify;
  std::string orcpt;
  policies::PolicyDecision decision;
  bool visible = true;              // stands in To or Cc
  bool delay_told = false;
  bool hold_told = false;
  bool released = false;            // a person released it: no quarantine holds it again
  base::Timestamp expires{};
  std::string last_error;           // escaped already
  std::optional<Carried> carried;   // once a De-Mail was begun to be submitted
};

base::Bytes encode(const MessageRecord& record);
base::Result<MessageRecord> decode_message(base::ByteView bytes);
base::Bytes encode(const RecipientRecord& record);
base::Result<RecipientRecord> decode_recipient(base::ByteView bytes);

}  // namespace pipeline
