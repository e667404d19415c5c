// Promise: reading beside the writer, from any thread, on a connection of its own; every read is short, so that the log of
// SQLite can start anew. For gateway/store.
#pragma once

#include <map>
#include <mutex>

#include "gateway/store/sqlite.hpp"
#include "gateway/store/store.hpp"

namespace store {

class Reader {
 public:
  Reader(Database db, std::filesystem::path spool, std::shared_ptr<const crypto::seal::RootKey> root);

  base::Result<DueLot> find_due(base::Timestamp now, const std::optional<Due>& after, std::size_t limit);
  base::Result<std::optional<base::Timestamp>> next_due();
  base::Result<std::vector<std::int64_t>> find_in_state(State state, std::size_t limit);
  base::Result<std::vector<std::int64_t>> find_overdue(base::Timestamp now, std::size_t limit);
  base::Result<std::vector<std::int64_t>> find_expired_holds(base::Timestamp now, std::size_t limit);
  base::Result<std::optional<MessageRow>> load(std::int64_t id, bool with_body);
  base::Result<std::optional<std::int64_t>> find_id(const base::MessageId& mid);
  base::Result<std::vector<MessageRow>> list(const ListFilter& filter, const base::SecretBytes& search_key);
  base::Result<Counters> counters();
  base::Result<std::map<std::string, std::uint64_t>> count_overdue();
  base::Result<std::vector<SearchHit>> search(const SearchQuery& query, const base::SecretBytes& search_key);
  base::Result<std::vector<StoredLeaf>> leaves_of(const base::MessageId& mid);
  base::Result<std::optional<StoredLeaf>> leaf_at(std::uint64_t place);
  base::Result<std::optional<std::uint64_t>> find_event(const base::EventId& eid);
  base::Result<std::vector<std::pair<std::string, base::Bytes>>> config_texts(const base::Sha256Digest& hash, const base::SecretBytes& system_key);
  base::Result<std::optional<std::string>> mark(const std::string& name);
  // Messages that came encrypted and could not be opened, told by the log from this place on.
  base::Result<std::uint64_t> count_unopened(std::uint64_t from);
  base::Result<std::vector<ApiToken>> tokens();
  base::Result<std::optional<ApiRequest>> find_request(base::ByteView key, const base::SecretBytes& system_key, base::Timestamp now);
  base::Result<bool> has_word(const base::MessageId& mid, base::ByteView word, const base::SecretBytes& search_key);
  base::Result<std::vector<base::MessageId>> find_evidence(const std::string& id, const base::SecretBytes& search_key);
  base::Result<std::optional<base::MessageId>> find_message_called(const std::string& about, const base::SecretBytes& search_key);
  base::Result<std::vector<StoredEvidence>> evidence_of(const base::MessageId& mid);
  base::Result<std::vector<Account>> accounts(const std::optional<std::string>& name);

 private:
  base::Result<std::optional<std::int64_t>> integer_of(const char* sql);
  base::Result<base::SecretBytes> key_of(const base::MessageId& mid);
  base::Result<std::vector<RecipientRow>> recipients_of(std::int64_t id, const base::MessageId& mid, const base::SecretBytes& key);
  StoredLeaf open_leaf(const Statement& row, const base::SecretBytes* key);

  std::mutex m_mutex;
  Database m_db;
  std::filesystem::path m_spool;
  std::shared_ptr<const crypto::seal::RootKey> m_root;
};

}  // namespace store
