// Promise: the rows of the queue change only along the arrows of docs/states.md, and a message whose recipients are all
// final ends here: its rows go, its chain closes. Used by the writer thread alone, inside a transaction.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/store/api_rows.hpp"
#include "gateway/store/evidence_rows.hpp"
#include "gateway/store/log_writer.hpp"

namespace store {

// What must happen after the commit, outside the database.
struct AfterCommit {
  std::vector<std::string> spool_files;  // no row names them any more
};

class QueueWriter {
 public:
  static base::Result<QueueWriter> open(Database& db, const crypto::seal::RootKey& root, base::SecretBytes search_key);

  // Applies one change. k_wrong_state, k_no_message, k_full, k_database; what it did before failing is for the rollback.
  base::Result<void> apply(Database& db, LogWriter& log, const Change& change, base::Timestamp now, AfterCommit& after);
  // What apply() remembered may not be in the database.
  void rollback() { m_open.clear(); }

 private:
  struct Statements {
    Statement insert_message, insert_recipient, update, update_record, update_overdue, unfinished, find_message, delete_message,
        delete_recipients, cancelled, archive, put_account, remove_account, put_mark;
  };
  struct Open {  // of a message that this change touches
    base::MessageId mid;
    base::SecretBytes key;
    std::string spool;
  };
  base::Result<void> insert(Database& db, LogWriter& log, const NewMessage& message);
  base::Result<const Open*> find(std::int64_t id);
  base::Result<void> update(Database& db, const RecipientUpdate& u, const Open& open);
  base::Result<void> close_if_done(Database& db, LogWriter& log, std::int64_t id, const Open& open, base::Timestamp now,
                                   AfterCommit& after);
  base::Result<void> marks(const Change& change);
  base::Result<void> accounts(const Change& change);
  base::Result<void> archive(LogWriter& log, const Change& change);

  const crypto::seal::RootKey* m_root = nullptr;
  base::SecretBytes m_search_key;
  std::map<std::int64_t, Open> m_open;  // the youngest messages under way: their next change need not read and unwrap
  ApiWriter m_api;
  EvidenceWriter m_evidence;
  Statements m_sql;
};

// Associated data of what is sealed: its place.
std::string place_of(const base::MessageId& mid, std::string_view what);
// A search word as stored: the first eight bytes of a keyed hash.
base::Bytes tag_of(const base::SecretBytes& search_key, base::ByteView word);

}  // namespace store
