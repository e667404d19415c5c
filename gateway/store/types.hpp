// Promise: what stands in the queue, as values. States and their arrows: docs/states.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/id.hpp"
#include "base/core/secret.hpp"
#include "base/core/stream.hpp"
#include "receipts/log/event.hpp"

namespace store {

// The numbers stand in the database.
// submitted: a carrier has it and will report what becomes of it.
enum class State { held = 0, due = 1, in_flight = 2, unknown = 3, delivered = 4, failed = 5, cancelled = 6, submitted = 7 };
const char* name_of(State state);
inline bool is_final(State state) { return state >= State::delivered && state <= State::cancelled; }
// The arrows of docs/states.md.
bool may_follow(State from, State to);

// Bodies up to this size stand in the row and share the group commit; above it one message would make the batch wait.
inline constexpr std::size_t k_max_inline_body = 128 * 1024;

// A body at rest: sealed bytes, or the name of a sealed file in the spool directory that is durable already.
struct StoredBody {
  base::Bytes sealed;        // empty if spooled
  std::string spool_file;
  std::uint64_t size = 0;    // plain bytes
};

struct NewRecipient {
  State state = State::due;
  base::Timestamp due{};
  std::string route;         // clear column
  int reason = 0;            // clear column: policies::Reason
  base::Bytes record;        // plain here, sealed by the store: address, decision, DSN wishes
  std::string domain{};      // of the address, folded; stored as a keyed hash, for lists
};

struct NewMessage {
  std::int64_t id = 0;                       // from Store::reserve_id()
  base::MessageId mid;
  base::SecretBytes key;                     // the message's own key
  base::Timestamp received{};
  StoredBody body;
  base::Bytes record;                        // plain here: envelope, origin, sender, what a notice needs
  std::vector<NewRecipient> recipients;      // rx is the index
  std::vector<base::Bytes> tags;             // plain search words; stored as keyed hashes
  std::string department, account;           // of the sender, "" for none; stored as keyed hashes, for lists
};

struct RecipientUpdate {
  std::int64_t id = 0;                       // of the message
  std::uint32_t rx = 0;
  State from = State::due, to = State::due;
  std::optional<base::Timestamp> from_due;   // it must still be due then: nobody changed it since it was read
  base::Timestamp due{};
  std::uint32_t attempts = 0;
  int reason = 0;
  std::optional<base::Bytes> record;         // a new one; plain here
  std::optional<bool> overdue;               // submitted: whether it was told as overdue; without one it stays as it is
};

// An event for the log; its id was made by the caller, who may have told it already.
struct LogEntry {
  base::EventId eid;
  receipts::Event event;
};

// A person opens a new epoch of the log because the published one is ahead of the database.
struct Recovery {
  std::string reason;        // why, in that person's words
  std::string who;
};

struct Account {
  std::string name;
  std::string password_hash;
  std::vector<std::string> addresses;   // patterns: "amt53@stadt.example", "*@gesundheit.stadt.example"
  base::Timestamp created{};
};

// A key to the API that an account holds; the secret itself is nowhere.
struct ApiToken {
  std::string id;                       // public: in lists, logs and receipts
  base::Sha256Digest hash{};            // of the secret
  std::string account;
  std::string scope;                    // words: "submit", "read"
  base::Timestamp created{}, expires{};
  std::optional<base::Timestamp> last_used;
};

// What was answered to a request that named a key of its own, so that repeating it does nothing twice.
struct ApiRequest {
  base::Bytes key;                      // a keyed hash of the account and its key
  base::Sha256Digest content{};         // of what was asked for
  base::MessageId mid;
  base::Bytes answer;                   // plain here
  base::Timestamp until{};              // forgotten afterwards
};

// What came from outside about a message and must be there as it came, years later: sealed by the message's own key, so that it
// can be read as long as the message's disclosures can.
struct EvidenceFile {
  std::string name;                     // "message.eml"
  base::Bytes bytes;                    // plain here
};
struct NewEvidence {
  base::EventId eid;                    // of the event that tells of it
  base::MessageId mid;                  // of the message that it is about, which the same change touches
  std::string id;                       // its own id at whoever sent it; stored as a keyed hash
  std::string about;                    // what he calls the message, "" where he does not say; stored as a keyed hash
  std::vector<EvidenceFile> files;
};
struct StoredEvidence {
  base::EventId eid;
  std::vector<EvidenceFile> files;
};

// One transaction. Either all of it is durable or nothing happened.
struct Change {
  std::vector<NewMessage> inserts;
  std::vector<RecipientUpdate> updates;
  std::vector<LogEntry> events;
  std::vector<NewEvidence> evidence;
  // Config and policy texts by name, archived under event.cfg of sys.config.
  std::vector<std::pair<std::string, base::Bytes>> archive;
  std::vector<Account> put_accounts;
  std::vector<std::string> remove_accounts;  // with their tokens
  std::vector<ApiToken> put_tokens;
  std::vector<std::string> remove_tokens;
  std::vector<std::pair<std::string, base::Timestamp>> used_tokens;
  std::vector<std::pair<std::string, std::string>> marks;  // small state by name, such as the day of the last digest
  std::optional<ApiRequest> request;         // k_repeated if its key is known and not forgotten
  bool is_outcome = false;   // an outcome that is known already: kept in memory and tried again while the disk is full
};

// What the queue knows of one recipient.
struct RecipientRow {
  std::uint32_t rx = 0;
  State state = State::due;
  base::Timestamp due{};
  std::uint32_t attempts = 0;
  std::string route;
  int reason = 0;
  base::Bytes record;        // plain
};

struct MessageRow {
  std::int64_t id = 0;
  base::MessageId mid;
  base::SecretBytes key;
  base::Timestamp received{};
  std::uint64_t size = 0;
  base::Bytes record;        // plain
  std::vector<RecipientRow> recipients;
  base::ContentPtr body;     // null if only the rows were asked for
};

struct Due {
  std::int64_t id = 0;
  base::Timestamp due{};
};

// A part of what is due, the earliest first.
struct DueLot {
  std::vector<Due> due;  // no message twice in a row
  bool is_last = true;   // nothing comes after it
};

struct Counters {
  std::uint64_t held = 0, due = 0, in_flight = 0, unknown = 0, submitted = 0;  // recipients
  std::uint64_t messages = 0;
  std::uint64_t log_size = 0;
  std::optional<base::Timestamp> oldest;                        // of the waiting messages
  std::optional<base::Timestamp> oldest_held, oldest_moving;    // with a recipient that is held; with one that is not
};

}  // namespace store
