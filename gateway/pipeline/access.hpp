// Promise: who may send as whom, as pure functions of the listener, the proof and the addresses; the spoof table of the
// tests walks all cells. From and a non-null reverse path must both belong to the account, or on a relay listener to one
// department that it names; strangers may use no address of ours. A provider of De-Mail shows a certificate, may bring mail for De-Mail
// addresses of ours alone, and may say of it what he likes: what a De-Mail proves is not in From.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/options/options.hpp"
#include "gateway/pipeline/reply_table.hpp"

namespace pipeline {

struct Denied {
  Refusal refusal;
  std::string who;
};

// Who stands behind the connection.
struct Claim {
  config::ListenerRole role = config::ListenerRole::mx;
  policies::Proof proof = policies::Proof::none;
  std::vector<std::string> account_addresses;       // patterns of the account, submission only
  const config::ListenerOptions* listener = nullptr;
  bool trusted_network = false;                     // mx: the peer may use our own domains; demail: always
};

std::optional<Denied> check_reverse_path(const config::Options& options, const Claim& claim, const mail::ReversePath& path);

// After DATA, with the one From mailbox. Gives the department of an own sender ("" for strangers).
struct Sender {
  std::optional<Denied> denied;
  std::string department;
};
Sender check_from(const config::Options& options, const Claim& claim, const mail::ReversePath& path, const mail::MessageFacts& facts);

// Direction of one recipient, or why not.
struct Direction {
  std::optional<Denied> denied;
  policies::Direction direction = policies::Direction::outbound;
};
Direction check_recipient(const config::Options& options, const Claim& claim, const mail::Address& recipient);

// Faults of the message that no policy can heal. Strangers' mail may be odd, not endless.
std::optional<Denied> check_message(const config::Options& options, const Claim& claim, const mail::MessageFacts& facts);

// "amt53@stadt.example", "*@gesundheit.stadt.example"; compared folded.
bool covers(const std::string& pattern, const mail::Address& address);

}  // namespace pipeline
