// Promise: one row for each reason why a message is not taken or not delivered: SMTP code, enhanced code, kind, the words of
// the log, and the texts in German and English. Every reply about a message comes from here.
#pragma once

#include <string>

#include "policies/engine/decision.hpp"
#include "smtp/wire/reply.hpp"

namespace pipeline {

enum class Refusal {
  // who may send
  relay_denied, own_domain_from_outside, sender_not_yours, from_not_yours, two_departments, client_not_allowed, unknown_recipient, recipient_unchecked, no_route,
  // the message
  no_from, several_from, malformed_from, malformed_header, header_too_large, too_many_keywords, loop, cannot_be_signed,
  // policy
  no_rule, no_key, by_rule, unknown_lookup, no_signing_identity,
  demail_no_account, demail_not_reachable, demail_not_allowed, demail_ended,
  // us
  disk_full, store_failed, internal,
};

// How many there are: `internal` is the last.
inline constexpr std::size_t k_refusals = static_cast<std::size_t>(Refusal::internal) + 1;

enum class Kind { temporary, permanent, policy, internal };

struct ReplyRow {
  Refusal refusal;
  int code;
  const char* enhanced;
  Kind kind;
  const char* word;        // in events and JSON
  const char* german;      // {who} is the recipient or sender, {rule} the rule
  const char* english;
};

const ReplyRow& row_of(Refusal refusal);
Refusal refusal_of(policies::Reason reason);

// The texts with their places filled.
std::string german_text(Refusal refusal, const std::string& who, const std::string& rule);
std::string english_text(Refusal refusal, const std::string& who, const std::string& rule);

// For own users: the department's language first, the other second. `language`: "de" or "en".
smtp::Reply reply_for_own(Refusal refusal, const std::string& who, const std::string& rule, const std::string& language);
// For strangers: generic, nothing of policies or keys.
smtp::Reply reply_for_stranger(Refusal refusal);

// The lines that a decision's refusal says about one recipient (with the rule's own text where it has one).
std::vector<std::string> decision_lines(const policies::PolicyDecision& decision, const std::string& who, const std::string& language);

}  // namespace pipeline
