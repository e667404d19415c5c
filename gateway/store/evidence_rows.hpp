// Promise: evidence about messages, sealed by each message's own key and found again by what it is called outside, which stands
// here as a keyed hash alone. A part of QueueWriter's transaction on one side, short reads for Reader on the other.
#pragma once

#include "crypto/seal/seal.hpp"
#include "gateway/store/sqlite.hpp"
#include "gateway/store/types.hpp"

namespace store {

class EvidenceWriter {
 public:
  static base::Result<EvidenceWriter> open(Database& db);
  // `key`: of the message. k_database.
  base::Result<void> add(const NewEvidence& evidence, const base::SecretBytes& key, const base::SecretBytes& search_key);

 private:
  struct Statements {
    Statement put, put_file;
  };
  Statements m_sql;
};

// The messages that evidence of this own id is about; more than one only where somebody uses an id twice.
base::Result<std::vector<base::MessageId>> find_evidence(Database& db, const std::string& id, const base::SecretBytes& search_key);
// The message that whoever sent evidence about it calls so.
base::Result<std::optional<base::MessageId>> find_message_called(Database& db, const std::string& about, const base::SecretBytes& search_key);
// In the order of their ids, which is that of time. `key`: of the message; empty where it is gone, and then there is nothing.
base::Result<std::vector<StoredEvidence>> read_evidence(Database& db, const base::MessageId& mid, const base::SecretBytes& key);

}  // namespace store
