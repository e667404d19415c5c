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

enum class ListenerRole { submission, relay, mx, https };
const char* name_of(ListenerRole role);

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

// One recipient and what gather found for him. A method that was not asked for has no entry.
struct RecipientFacts {
  mail::Address address;
  Direction direction = Direction::outbound;
  std::map<certs::Method, certs::KeyFacts> keys;
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
  bool released = false;                        // a person looked at it and let it go: no rule sets it aside again
  RecipientFacts recipient;
  SignerFacts signer;
};

}  // namespace policies
