// Promise: all that a decision may depend on, as plain values. What is not here cannot influence it; nothing here looks
// anything up.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "certs/model/key.hpp"
#include "mail/address/address.hpp"
#include "mail/message/facts.hpp"

namespace policies {

enum class Direction { outbound, inbound, internal };
const char* name_of(Direction direction);

enum class ListenerRole { submission, relay, mx, https, demail };
const char* name_of(ListenerRole role);
// Where others bring mail, the Internet or a provider of De-Mail: nobody there is a sender of ours.
inline bool is_from_outside(ListenerRole role) { return role == ListenerRole::mx || role == ListenerRole::demail; }

// How we know who is asking; receipts keep these apart.
enum class Proof { none, network, certificate, account };
const char* name_of(Proof proof);

struct Origin {
  ListenerRole role = ListenerRole::mx;
  std::string listener;  // its address as configured
  Proof proof = Proof::none;
  std::string principal;   // account name, certificate name or network; "" for none
  std::string department;  // of the sender, if he is ours
};

// The verdict about a signature of an opened message, as a condition sees it.
enum class SignatureVerdict { none, valid, other, invalid };  // other: valid, but not by the From address
const char* name_of(SignatureVerdict verdict);

// What opening found; only known after the commit (answers: "not yet" before it).
struct OpenedFacts {
  bool was_encrypted = false;
  bool opened = false;  // false: could not be opened
  SignatureVerdict signature = SignatureVerdict::none;
  std::string signer;  // address of the signer's certificate, if valid or other
};

// How this sender may reach this recipient by De-Mail: plain facts of the configuration.
struct DeMailFacts {
  bool is_demail_address = false;  // the recipient's domain is one of De-Mail: no other carrier reaches it
  std::string account;             // that sends for this sender; "": none does
  std::string sender;              // his De-Mail address
  bool may_high = false;           // the account logs in at the level "high"
  bool may_retrieve = false;       // it belongs to a body that may ask for retrieve confirmations
  bool has_ended = false;          // its last day is over
};

// One recipient and what gather found for him. A method that was not asked for has no entry.
struct RecipientFacts {
  mail::Address address;
  Direction direction = Direction::outbound;
  std::map<certs::Method, certs::KeyFacts> keys;
  DeMailFacts demail;
};

// An identity of ours that can sign for the sender; unknown while its store cannot be read.
struct SignerFacts {
  std::map<certs::Method, certs::KeyFacts> keys;  // keyed by method; chosen = the certificate that would sign
};

struct Question {
  Origin origin;
  mail::ReversePath reverse_path;
  const mail::MessageFacts* message = nullptr;  // null at RCPT: the message is unknown
  const OpenedFacts* opened = nullptr;          // null before opening
  base::Timestamp now{};
  bool released = false;  // a person looked at it and let it go: no rule sets it aside again
  RecipientFacts recipient;
  SignerFacts signer;
};

}  // namespace policies
