// Promise: events become leaves inside the transaction that they belong to: consecutive indexes, one chain for each message,
// the tree's right edge and the counts of the balance moving with them. What was appended before a rollback is forgotten.
// The log is a row of epochs (receipts/log/epoch.hpp); the state here is that of the last one. Used by the writer thread alone.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/seal/seal.hpp"
#include "gateway/store/sqlite.hpp"
#include "gateway/store/types.hpp"
#include "receipts/log/balance.hpp"
#include "receipts/log/epoch.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/log/tree.hpp"

namespace store {

struct Epoch {
  std::int64_t no = 1;
  std::string name;             // "2026"
  std::uint64_t first = 0;      // leaf.idx of its first entry
  bool is_closed = false;       // its log.close is written; only a new epoch can follow
};

struct LogOptions {
  std::string log;              // the origin without its epoch
  std::string node;
  base::Ed25519PublicKey key{};
  std::string first_epoch;      // the name of the first one, should there be none
};

class LogWriter {
 public:
  // Reads the state of the log; makes it if the database is new.
  static base::Result<LogWriter> open(Database& db, LogOptions options, base::SecretBytes system_key);

  void begin();  // remembers where a rollback leads back to
  void rollback();

  // The first leaf of a message's chain follows start_chain(), whose row is made in the same transaction.
  base::Result<void> start_chain(Database& db, const NewMessage& message, std::int64_t id, base::ByteView wrapped_key,
                                 base::ByteView tags);
  // `key`: of the message, to seal the disclosures; null for events of no message.
  base::Result<void> append(Database& db, const LogEntry& entry, const base::SecretBytes* key);
  base::Result<void> end_chain(Database& db, const base::MessageId& mid);
  // The current epoch takes no more leaves: log.balance and log.close become its last ones.
  base::Result<void> close_epoch(Database& db, base::Timestamp now);
  // Ends the current epoch with its last checkpoint ("" if nothing was ever published) and starts the next, with `open` as
  // its first leaf. Also for the very first leaf of an epoch that has none.
  base::Result<void> start_epoch(Database& db, const receipts::EpochName& name, const std::string& note, LogEntry open);
  base::Result<void> open_epoch(Database& db, LogEntry open);
  // Writes the chains that moved, each once however many leaves it got, and the new state; last thing before COMMIT.
  base::Result<void> save(Database& db);

  std::uint64_t size() const { return m_tree.size(); }  // of the epoch, as tree() and origin()
  const receipts::CompactRange& tree() const { return m_tree; }
  std::string origin() const { return m_options.log + "/" + m_epoch.name; }
  const Epoch& epoch() const { return m_epoch; }
  base::Timestamp last_time() const { return m_last_time; }  // of the newest leaf when the log was opened
  std::int64_t last_id() const { return m_last_id; }
  // Of the period since the last log.balance.
  const receipts::Balance& balance() const { return m_balance; }
  base::Timestamp balance_time() const { return m_balance_time; }
  const base::SecretBytes& system_key() const { return m_system_key; }

 private:
  struct Chain {
    std::uint64_t mseq = 0;
    std::int64_t epoch = 0;                              // that holds `last`
    std::optional<base::Sha256Digest> last;
    bool closed = false;
    bool dirty = false;  // its row of the trace table is behind
  };
  struct Statements {
    Statement insert_leaf, insert_trace, update_trace, find_trace, save_state, find_epoch;
  };
  base::Result<Chain*> chain_of(const base::MessageId& mid);
  void touch(const base::MessageId& mid, Chain& chain);
  base::Result<void> save_chains();
  base::Result<void> make_state(Database& db);
  base::Result<void> load(Statement& row);
  base::Result<receipts::ChainLink> link_of(const Chain& chain);

  LogOptions m_options;
  Epoch m_epoch, m_epoch_before;
  base::Timestamp m_last_time{};
  receipts::CompactRange m_tree, m_tree_before;
  receipts::Balance m_balance, m_balance_before;
  base::Timestamp m_balance_time{}, m_balance_time_before{};
  std::int64_t m_last_id = 0;  // the highest id of a message so far
  base::SecretBytes m_system_key;
  std::unordered_map<base::MessageId, Chain> m_chains;  // of messages under way; a cache of the trace table
  std::vector<base::MessageId> m_touched;               // since begin()
  Statements m_sql;
};

}  // namespace store
