// Promise: one transactional door for queue and log. A change is durable, with its leaves, before its commit() returns; many
// changes that wait together share one transaction and one sync (natural batching, nobody waits for others to come). One
// thread writes. An error of the disk that could mean a lost write stops the store for good: better no mail than a lie.
// A full disk is temporary: new mail is refused, outcomes wait in memory and go first.
// Must never: run two writers on one directory, or go on under tiles that are ahead of the database.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "base/core/digest.hpp"
#include "base/net/asio.hpp"
#include "crypto/seal/seal.hpp"
#include "gateway/store/metrics.hpp"
#include "gateway/store/types.hpp"
#include "receipts/log/checkpoint.hpp"

namespace store {

struct Options {
  std::filesystem::path directory;                    // the state directory
  std::shared_ptr<const crypto::seal::RootKey> root;
  std::shared_ptr<const base::Ed25519Key> log_key;
  std::string origin;                                 // "gw.stadt.example/receipts/a"; an epoch's own has "/2026" behind it
  std::string node;
  const base::Clock* clock = &base::system_clock();
  std::chrono::milliseconds publish_every{1000};
  std::chrono::seconds heartbeat_every{60};
  std::optional<Recovery> new_epoch{};                // asked for by a person, after k_rollback refused the start
};

struct StoredLeaf {
  std::string epoch;
  std::uint64_t index = 0;                            // in its epoch
  base::Bytes bytes;
  std::vector<std::string> disclosures;               // opened; empty if the caller did not ask or the key is gone
};

// What all must hold of a recipient; an empty text or absent value asks for nothing.
struct ListFilter {
  std::optional<State> state;
  std::size_t limit = 1000;                           // recipients
  std::string route, domain, department, account;
  std::optional<int> reason;
  std::optional<base::Timestamp> received_before;
  std::int64_t after_id = 0;                          // a cursor: messages behind this one
};

struct SearchQuery {
  std::vector<base::Bytes> words;                     // all must be there
  std::optional<base::Timestamp> from, until;
  std::optional<base::MessageId> before;              // a cursor: older than this one; instead of `until`
  std::size_t limit = 1000;
};
struct SearchHit {
  base::MessageId mid;
  bool closed = false;
};

class Store {
 public:
  // k_locked, k_newer_schema, k_foreign_key, k_rollback, k_database; k_not_needed if a new epoch is asked for in vain.
  static base::Result<std::unique_ptr<Store>> open(Options options);
  ~Store();                                           // writes what waits, publishes the last checkpoint

  std::int64_t reserve_id();                          // for a NewMessage; never given twice
  base::net::Awaitable<base::Result<void>> commit(Change change);
  base::Result<void> commit_and_wait(Change change);  // for start, stop and commands; blocks
  // The disk failed: nothing more may be acknowledged, the process must end. Called once, from any thread; at once if it was so
  // before.
  void on_fatal(std::function<void(const base::Error&)> handler);
  // What a spool file met. A failed write or sync (k_io) is as fatal as one of the database; anything else is temporary.
  void report_failure(const base::Error& error);

  // Reading; blocks on the disk, from any thread.
  base::Result<DueLot> find_due(base::Timestamp now, const std::optional<Due>& after, std::size_t limit);  // of so many recipients
  base::Result<std::optional<base::Timestamp>> next_due();          // of the earliest recipient that waits
  base::Result<std::vector<std::int64_t>> find_in_state(State state, std::size_t limit);
  // Messages with a recipient that is submitted or unknown, of whom something should have been heard by now.
  base::Result<std::vector<std::int64_t>> find_overdue(base::Timestamp now, std::size_t limit);
  base::Result<std::vector<std::int64_t>> find_expired_holds(base::Timestamp now, std::size_t limit);
  base::Result<std::optional<MessageRow>> load(std::int64_t id, bool with_body);
  base::Result<std::optional<std::int64_t>> find_id(const base::MessageId& mid);
  // Messages under way in their order, with those of their recipients that the filter lets through; from clear columns alone:
  // nothing is opened, records are empty. Reads through a connection of its own, so that a long look holds up nobody.
  base::Result<std::vector<MessageRow>> list(const ListFilter& filter);
  base::Result<Counters> counters();
  base::Result<std::map<std::string, std::uint64_t>> count_overdue();  // recipients told as overdue, by route
  base::Result<std::vector<SearchHit>> search(const SearchQuery& query);
  base::Result<std::vector<StoredLeaf>> leaves_of(const base::MessageId& mid);
  base::Result<std::optional<StoredLeaf>> leaf_at(std::uint64_t place);   // counted through all epochs
  base::Result<std::optional<std::uint64_t>> find_event(const base::EventId& eid);  // its place
  base::Result<std::vector<std::pair<std::string, base::Bytes>>> config_texts(const base::Sha256Digest& hash);

  // What evidence came about (NewEvidence), by its own id and by what its sender calls the message.
  base::Result<std::vector<base::MessageId>> find_evidence(const std::string& id);
  base::Result<std::optional<base::MessageId>> find_message_called(const std::string& about);
  base::Result<std::vector<StoredEvidence>> evidence_of(const base::MessageId& mid);

  // Whether the message was stored with this search word.
  base::Result<bool> has_word(const base::MessageId& mid, const base::Bytes& word);
  base::Result<std::vector<ApiToken>> tokens();
  // The key under which a request of this account is remembered, and what was answered to it.
  base::Bytes request_key(const std::string& account, const std::string& key) const;
  base::Result<std::optional<ApiRequest>> find_request(const base::Bytes& key);

  // Small state by name (Change.marks).
  base::Result<std::optional<std::string>> mark(const std::string& name);
  base::Result<std::uint64_t> count_unopened(std::uint64_t from);   // messages, by the log from this place on

  // A copy that a start would take, made while everything goes on: database, spool files, published log. Keys stay behind.
  // The directory must be empty or not be there; it is complete once its backup.json stands. k_not_empty, k_io, k_disk_full.
  struct Backup {
    std::uint64_t messages = 0, spool_files = 0, log_entries = 0, bytes = 0;
  };
  base::Result<Backup> backup(const std::filesystem::path& directory);

  base::Result<std::optional<Account>> find_account(const std::string& name);
  base::Result<std::vector<Account>> accounts();
  base::Result<void> put_account(const Account& account);
  base::Result<bool> remove_account(const std::string& name);

  // Puts a body at rest: sealed bytes up to k_max_inline_body, above it through a spool file.
  base::Result<std::unique_ptr<crypto::seal::SealedFileWriter>> create_spool_file(const base::MessageId& mid, const base::SecretBytes& key);
  static std::string spool_name(const base::MessageId& mid);
  void drop_spool_file(const std::string& name);
  static base::Bytes seal_body(const base::MessageId& mid, const base::SecretBytes& key, base::ByteView plain);
  std::filesystem::path spool_directory() const;
  std::filesystem::path scratch_directory() const;    // sealed files that need not survive a restart
  std::optional<std::uint64_t> free_bytes() const;
  const Metrics& metrics() const;
  // Since the newest checkpoint was published, or since the start if none was yet.
  std::chrono::seconds checkpoint_age() const;

  base::Result<std::string> publish_now();            // the newest signed checkpoint, tiles written
  // The checkpoint against which leaves of that epoch are proven: of the current one as publish_now().
  base::Result<std::string> publish(const std::string& epoch);
  receipts::VerifierKey verifier_key() const;         // of the current epoch
  std::filesystem::path log_directory() const;        // one directory for each epoch in it

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace store
