// Promise: events become leaves inside the transaction that they belong to: consecutive indexes, one chain for each message,
// the tree's right edge and the counts of the balance moving with them. What was appended before a rollback is forgotten.
// Used by the writer thread alone.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/seal/seal.hpp"
#include "gateway/store/sqlite.hpp"
#include "gateway/store/types.hpp"
#include "receipts/log/balance.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/log/tree.hpp"

namespace store {

class LogWriter {
 public:
  // Reads the state of the log; makes it if the database is new. `vkey` names the key that will sign.
  static base::Result<LogWriter> open(Database& db, std::string origin, std::string node, std::string vkey,
                                      base::SecretBytes system_key);

  void begin();  // remembers where a rollback leads back to
  void rollback();

  // The first leaf of a message's chain follows start_chain(), whose row is made in the same transaction.
  base::Result<void> start_chain(Database& db, const NewMessage& message, std::int64_t id, base::ByteView wrapped_key,
                                 base::ByteView tags);
  // `key`: of the message, to seal the disclosures; null for events of no message.
  base::Result<void> append(Database& db, const LogEntry& entry, const base::SecretBytes* key);
  base::Result<void> end_chain(Database& db, const base::MessageId& mid);
  // Writes the chains that moved, each once however many leaves it got, and the new state; last thing before COMMIT.
  base::Result<void> save(Database& db);

  std::uint64_t size() const { return m_tree.size(); }
  const receipts::CompactRange& tree() const { return m_tree; }
  const std::string& origin() const { return m_origin; }
  std::int64_t last_id() const { return m_last_id; }
  // Of the period since the last log.balance.
  const receipts::Balance& balance() const { return m_balance; }
  base::Timestamp balance_time() const { return m_balance_time; }
  const base::SecretBytes& system_key() const { return m_system_key; }

 private:
  struct Chain {
    std::uint64_t mseq = 0;
    std::optional<base::Sha256Digest> last;
    bool closed = false;
    bool dirty = false;  // its row of the trace table is behind
  };
  struct Statements {
    Statement insert_leaf, insert_trace, update_trace, find_trace, save_state;
  };
  base::Result<Chain*> chain_of(const base::MessageId& mid);
  void touch(const base::MessageId& mid, Chain& chain);
  base::Result<void> save_chains();

  std::string m_origin, m_node;
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
