// Promise: an event is something that happened to a message or to the log, as one value. Its plain members can hold nothing
// that tells of a person: words are limited to letters, digits and a few signs (no "@", no blank), the rest are numbers,
// digests and random ids. Whatever could be personal (addresses, subjects, file numbers, peers, reply texts, digests of
// content) goes into `disclosures` and nowhere else.
// Must never: grow a free text member. A value that is not a word makes compose() fail, it is never cut or changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/digest.hpp"
#include "base/core/id.hpp"

namespace receipts {

// The closed list. Names on the left in the log: name_of.
enum class EventType {
  msg_accept,      // from a department, before the 250
  msg_accept_ext,  // from the Internet, before the 250
  msg_decide,      // one a recipient; the trail is a disclosure of class dec
  msg_reject,      // before the refusal; floods are counted together (fact "count")
  msg_transform,   // decrypt, verify, sign, encrypt, strip
  msg_hold,
  msg_release,
  msg_cancel,
  msg_closed,      // every recipient is final; the word `out` is "cancelled" where an administrator ended it
  relay_attempt,   // before the final dot is sent
  relay_ok,        // a foreign 250: handed over, not delivered
  relay_defer,
  relay_fail,
  relay_unknown,   // the outcome of an attempt is not known
  mbox_ok,         // our mailbox server took it
  mbox_fail,
  dsn_sent,
  demail_submit,     // the provider took a De-Mail
  demail_dispatch,   // confirmations of it, as they were verified
  demail_receipt,
  demail_retrieve,
  demail_malware,
  demail_notice,     // a notification: it did not arrive
  demail_overdue,    // nothing was heard in time
  demail_uncertain,  // it may have been taken; for a person
  log_open,
  log_close,
  log_heartbeat,
  log_balance,     // see balance.hpp
  log_anchor,
  log_witness,
  sys_start,
  sys_stop,
  sys_clock,
  sys_config,
  sys_key,
  audit_query,
  audit_export,
};
inline constexpr int k_event_types = static_cast<int>(EventType::audit_export) + 1;

const char* name_of(EventType type);                             // "msg.accept.ext"
std::optional<EventType> parse_event_type(std::string_view name);
// The event of ETSI EN 319 522 that comes nearest ("A.1"), "" where there is none. Informative, never a claim.
const char* etsi_of(EventType type);

enum class DisclosureClass { env, msg, peer, att, dec };
const char* name_of(DisclosureClass cls);
std::optional<DisclosureClass> parse_disclosure_class(std::string_view name);

struct Disclosure {
  DisclosureClass cls = DisclosureClass::env;
  std::string name;   // [a-z0-9_]{1,32}
  std::string value;  // any bytes, up to k_max_disclosure_value
};

struct ReplyCode {
  std::uint16_t code = 0;  // 200 to 599
  std::string enhanced;    // "2.0.0" or ""
  friend bool operator==(const ReplyCode&, const ReplyCode&) = default;
};

// A small fact of the event: a count, a size, a group.
struct Fact {
  std::string name;                             // [a-z0-9_]{1,32}
  std::variant<std::int64_t, std::string> value;  // |n| < 2^53 (RFC 8785: what every reader of JSON keeps exact), or a word
  friend bool operator==(const Fact&, const Fact&) = default;
};

struct Event {
  EventType type = EventType::log_heartbeat;
  std::optional<base::MessageId> mid;
  base::Timestamp time{};
  std::string out;                    // the outcome, a word
  std::optional<ReplyCode> rc;
  std::optional<std::uint32_t> rx;    // ordinal of the recipient
  std::string ch;                     // channel: "smtp", "https", "lmtp", …
  std::string ret;                    // retention class
  std::string actor;                  // "policy", "gateway" or "person"; who it was is a disclosure
  std::optional<base::Sha256Digest> cfg;  // of config and policy
  std::vector<Fact> facts;            // any order; names once
  std::vector<Disclosure> disclosures;
};

inline constexpr std::size_t k_max_word = 96;
inline constexpr std::size_t k_max_facts = 16;
inline constexpr std::size_t k_max_disclosures = 48;                   // 48 digests of 46 octets fit beside the rest in 4 KiB
inline constexpr std::size_t k_max_disclosure_value = 256 * 1024;      // a trail of a long rule set

// [A-Za-z0-9._:+/=-]{1,96}: the only text that may stand in a leaf.
bool is_word(std::string_view text);

}  // namespace receipts
