#include "policies/engine/decision.hpp"
#include "policies/engine/question.hpp"
#include "policies/engine/rule_set.hpp"

namespace policies {

const char* name_of(Direction direction) {
  switch (direction) {
    case Direction::outbound: return "outbound";
    case Direction::inbound: return "inbound";
    case Direction::internal: return "internal";
  }
  return "outbound";
}

const char* name_of(ListenerRole role) {
  switch (role) {
    case ListenerRole::submission: return "submission";
    case ListenerRole::relay: return "relay";
    case ListenerRole::mx: return "mx";
    case ListenerRole::https: return "https";
    case ListenerRole::demail: return "demail";
  }
  return "mx";
}

const char* name_of(Proof proof) {
  switch (proof) {
    case Proof::none: return "none";
    case Proof::network: return "network";
    case Proof::certificate: return "certificate";
    case Proof::account: return "account";
  }
  return "none";
}

const char* name_of(SignatureVerdict verdict) {
  switch (verdict) {
    case SignatureVerdict::none: return "none";
    case SignatureVerdict::valid: return "valid";
    case SignatureVerdict::other: return "other";
    case SignatureVerdict::invalid: return "invalid";
  }
  return "invalid";
}

const char* name_of(Truth truth) {
  switch (truth) {
    case Truth::no: return "no";
    case Truth::yes: return "yes";
    case Truth::unknown: return "unknown";
    case Truth::not_yet: return "not_yet";
  }
  return "unknown";
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::deliver: return "deliver";
    case Outcome::refuse: return "refuse";
    case Outcome::hold: return "hold";
    case Outcome::later: return "later";
  }
  return "later";
}

const char* name_of(SignMethod method) {
  switch (method) {
    case SignMethod::none: return "none";
    case SignMethod::smime: return "smime";
    case SignMethod::openpgp: return "openpgp";
    case SignMethod::keep: return "keep";
  }
  return "none";
}

const char* name_of(Transport transport) {
  switch (transport) {
    case Transport::any: return "any";
    case Transport::tls: return "tls";
    case Transport::verified: return "verified";
    case Transport::dane: return "dane";
  }
  return "verified";
}

const char* name_of(Reason reason) {
  switch (reason) {
    case Reason::none: return "none";
    case Reason::no_rule: return "no_rule";
    case Reason::no_key: return "no_key";
    case Reason::refused_by_rule: return "refused_by_rule";
    case Reason::held_by_rule: return "held_by_rule";
    case Reason::quarantined: return "quarantined";
    case Reason::lookup_unknown: return "lookup_unknown";
    case Reason::no_signing_identity: return "no_signing_identity";
    case Reason::demail_no_account: return "demail_no_account";
    case Reason::demail_not_reachable: return "demail_not_reachable";
    case Reason::demail_not_allowed: return "demail_not_allowed";
    case Reason::demail_ended: return "demail_ended";
  }
  return "none";
}

const char* name_of(Otherwise otherwise) {
  switch (otherwise) {
    case Otherwise::refuse: return "refuse";
    case Otherwise::hold: return "hold";
    case Otherwise::clear: return "clear";
    case Otherwise::demail: return "demail";
  }
  return "refuse";
}

const char* name_of(Carrier carrier) {
  switch (carrier) {
    case Carrier::smtp: return "smtp";
    case Carrier::demail: return "demail";
  }
  return "smtp";
}

const char* name_of(DeMailOption option) {
  switch (option) {
    case DeMailOption::dispatch: return "dispatch";
    case DeMailOption::receipt: return "receipt";
    case DeMailOption::retrieve: return "retrieve";
    case DeMailOption::authoritative: return "authoritative";
    case DeMailOption::personal: return "personal";
  }
  return "dispatch";
}

}  // namespace policies
