// Promise: what goes wrong is drawn from a seed, so that a run can be repeated, and every draw is a value that the journal
// names: a test can compare what came of it exactly.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"

namespace simulator {

// What becomes of one confirmation or notification.
enum class Fate {
  good,
  late,     // good, after `delay`
  lost,     // made, and never sent
  doubled,  // the same message twice
  // the forged one goes instead of the good one
  wrong_hash,        // Hash is not the integrity of the message; signed as it should be
  wrong_signer,      // all signatures by another authority's keys of the same name
  altered_xml,       // the XML changed after it was signed, the message sealed after that
  altered_mail,      // a hashed header field changed after the message was sealed
  unsigned_xml,      // no signature in the XML, the header hashed only
  wrapped,           // the signed element moved below another root that says something else
  wrong_private_id,  // names another message of the sender
  other_recipient,   // confirms for somebody to whom nothing was sent
  expired,           // signed with a certificate whose time is over
  unknown_version,   // x-de-mail-version: 9.9
  // a forged one (wrong_signer) goes first, the good one behind it
  spoofed,
};
const char* name_of(Fate fate);  // "wrong-hash"
const std::vector<Fate>& all_fates();
bool is_forged(Fate fate);  // nothing that a receiver may believe goes out for it

struct Misbehaviour {
  std::map<Fate, unsigned> percent;    // the rest to 100 is good
  std::chrono::milliseconds delay{0};  // of what is late
  unsigned shuffle = 0;                // so many are held back, then go in an order that the seed draws; 0: none
  unsigned malware = 0;                // percent of the messages that are found to hold malware at their recipient
  unsigned drop_private_id = 0;        // percent of the messages whose private-id reaches the confirmation of dispatch alone
  std::uint64_t seed = 1;
};
// Words "lost=10 late=20 delay=500 shuffle=5 malware=3 seed=7 forged=30" onto what is there; "none" puts all back but the
// seed. "forged" spreads its percentage over all forged fates evenly, the rest of the division going to the first. k_malformed.
base::Result<Misbehaviour> parse_misbehaviour(Misbehaviour from, std::string_view words);

// The nth draw of a purpose: equal for equal arguments, whatever was drawn before.
std::uint64_t draw(std::uint64_t seed, std::string_view purpose, std::uint64_t nth);
Fate draw_fate(const Misbehaviour& misbehaviour, std::uint64_t nth);

// Where the submission door fails, and how.
enum class Step { connect, mail, rcpt, data, dot };
const char* name_of(Step step);
enum class Failing {
  reply,        // with the code
  close,        // without a word
  hang,         // silent until the client gives up
  close_taken,  // at the dot: the message was taken, no answer
  hang_taken,
};
struct Fault {
  Failing failing = Failing::reply;
  int code = 451;
  std::optional<unsigned> times;  // then all is well again; without it always
};
using SmtpFaults = std::map<Step, Fault>;
// Words "dot=451:2 rcpt=550 connect=hang:1 data=close dot=close-taken:1" onto what is there; "none". k_malformed.
base::Result<SmtpFaults> parse_faults(SmtpFaults from, std::string_view words);
// The fault that happens now at this step; counts it.
std::optional<Fault> take_fault(SmtpFaults& faults, Step step);

}  // namespace simulator
