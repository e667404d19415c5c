// The reader's side of the log: leaves, search, archived texts.
#include "gateway/store/disclosures.hpp"
#include "gateway/store/evidence_rows.hpp"
#include "gateway/store/queue_writer.hpp"
#include "gateway/store/reader.hpp"

namespace store {
namespace {

std::int64_t millis_of_id(base::ByteView id) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6 && i < id.size(); ++i) ms = ms << 8 | static_cast<unsigned char>(id[i]);
  return ms;
}

// The smallest id of that moment.
base::Bytes id_floor(base::Timestamp t) {
  auto ms = static_cast<std::uint64_t>(t.time_since_epoch().count());
  base::Bytes out(16, '\0');
  for (int i = 5; i >= 0; --i, ms >>= 8) out[static_cast<std::size_t>(i)] = static_cast<char>(ms & 0xff);
  return out;
}

bool has_tag(base::ByteView tags, base::ByteView tag) {
  for (std::size_t i = 0; i + tag.size() <= tags.size(); i += tag.size())
    if (tags.substr(i, tag.size()) == tag) return true;
  return false;
}

// The columns that open_leaf() takes. An epoch of which only tiles are left has no leaf here.
constexpr std::string_view k_leaf_columns =
    "SELECT idx-(SELECT first FROM epoch WHERE first<=idx ORDER BY no DESC LIMIT 1),bytes,disclosures,"
    "(SELECT name FROM epoch WHERE first<=idx ORDER BY no DESC LIMIT 1),mid FROM leaf WHERE ";

}  // namespace

// The tags of a message stand in one row in the order of time: a search reads the rows of its period, some 60 bytes each.
// An index would cost every message several random pages; see docs/decisions/0003.
base::Result<std::vector<SearchHit>> Reader::search(const SearchQuery& wanted, const base::SecretBytes& search_key) {
  std::vector<base::Bytes> tags;
  for (const base::Bytes& word : wanted.words) tags.push_back(tag_of(search_key, word));
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT mid,tags,closed FROM trace WHERE mid>=? AND mid<? ORDER BY mid DESC");
  if (!query) return std::move(query).error();
  const base::Bytes low = wanted.from ? id_floor(*wanted.from) : base::Bytes(16, '\0');
  const base::Bytes high = wanted.before ? base::Bytes(wanted.before->view()) : wanted.until ? id_floor(*wanted.until) : base::Bytes(16, '\xff');
  query->bind(1, base::ByteView(low)).bind(2, base::ByteView(high));
  std::vector<SearchHit> out;
  while (out.size() < wanted.limit) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) break;
    const base::Bytes have = query->blob(1);
    bool all = true;
    for (const base::Bytes& tag : tags) all = all && has_tag(have, tag);
    if (!all) continue;
    auto mid = base::MessageId::of(query->blob(0));
    if (!mid) return std::move(mid).error();
    out.push_back({*mid, query->integer(2) != 0});
  }
  return out;
}

base::Result<bool> Reader::has_word(const base::MessageId& mid, base::ByteView word, const base::SecretBytes& search_key) {
  const base::Bytes tag = tag_of(search_key, word);
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT tags FROM trace WHERE mid=?");
  if (!query) return std::move(query).error();
  query->bind(1, mid.view());
  const auto row = query->step();
  if (!row) return row.error();
  return *row && has_tag(query->blob(0), tag);
}

base::Result<base::SecretBytes> Reader::key_of(const base::MessageId& mid) {
  auto query = m_db.prepare("SELECT key FROM trace WHERE mid=?");
  if (!query) return std::move(query).error();
  query->bind(1, mid.view());
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row) return base::SecretBytes{};
  return m_root->unwrap(query->blob(0), mid.view());
}

StoredLeaf Reader::open_leaf(const Statement& row, const base::SecretBytes* key) {
  StoredLeaf out{row.blob(3), static_cast<std::uint64_t>(row.integer(0)), row.blob(1), {}};
  if (key == nullptr || row.is_null(2)) return out;
  const auto parsed = receipts::parse_leaf(out.bytes);
  if (!parsed) return out;
  const auto packed = crypto::seal::unseal(*key, row.blob(2), parsed->eid.view());
  if (packed) out.disclosures = unpack_disclosures(*packed);
  return out;
}

base::Result<std::vector<StoredLeaf>> Reader::leaves_of(const base::MessageId& mid) {
  const std::lock_guard lock(m_mutex);
  const auto key = key_of(mid);
  auto query = m_db.prepare((std::string(k_leaf_columns) + "mid=? ORDER BY idx").c_str());
  if (!query) return std::move(query).error();
  query->bind(1, mid.view());
  std::vector<StoredLeaf> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(open_leaf(*query, key && !key->empty() ? &*key : nullptr));
  }
}

base::Result<std::vector<base::MessageId>> Reader::find_evidence(const std::string& id, const base::SecretBytes& search_key) {
  const std::lock_guard lock(m_mutex);
  return store::find_evidence(m_db, id, search_key);
}

base::Result<std::optional<base::MessageId>> Reader::find_message_called(const std::string& about, const base::SecretBytes& search_key) {
  const std::lock_guard lock(m_mutex);
  return store::find_message_called(m_db, about, search_key);
}

base::Result<std::vector<StoredEvidence>> Reader::evidence_of(const base::MessageId& mid) {
  const std::lock_guard lock(m_mutex);
  const auto key = key_of(mid);
  if (!key) return key.error();
  return read_evidence(m_db, mid, *key);
}

base::Result<std::optional<StoredLeaf>> Reader::leaf_at(std::uint64_t place) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare((std::string(k_leaf_columns) + "idx=?").c_str());
  if (!query) return std::move(query).error();
  query->bind(1, static_cast<std::int64_t>(place));
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row) return std::optional<StoredLeaf>{};
  base::SecretBytes key = m_root->derive("system events");
  if (!query->is_null(4)) {
    const auto mid = base::MessageId::of(query->blob(4));
    if (!mid) return mid.error();
    auto own = key_of(*mid);
    if (own) key = *std::move(own);
  }
  return std::optional(open_leaf(*query, key.empty() ? nullptr : &key));
}

// Ids of events carry their time and the log is in the order of time up to a few seconds: halve, then look around.
base::Result<std::optional<std::uint64_t>> Reader::find_event(const base::EventId& eid) {
  constexpr std::int64_t k_slack = 120'000;  // ms
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT bytes FROM leaf WHERE idx=?");
  if (!query) return std::move(query).error();
  auto last = integer_of("SELECT max(idx) FROM leaf");
  if (!last) return std::move(last).error();
  if (!*last) return std::optional<std::uint64_t>{};
  const auto id_at = [&](std::int64_t index) -> base::Result<base::EventId> {
    query->bind(1, index);
    const auto row = query->step();
    if (!row) return row.error();
    const auto leaf = receipts::parse_leaf(query->blob(0));
    query->reset();
    if (!leaf) return leaf.error();
    return leaf->eid;
  };
  const std::int64_t wanted = millis_of_id(eid.view());
  std::int64_t low = 0, high = **last;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto id = id_at(middle);
    if (!id) return id.error();
    if (millis_of_id(id->view()) < wanted - k_slack)
      low = middle + 1;
    else
      high = middle;
  }
  for (std::int64_t i = low; i <= **last; ++i) {
    const auto id = id_at(i);
    if (!id) return id.error();
    if (*id == eid) return std::optional(static_cast<std::uint64_t>(i));
    if (millis_of_id(id->view()) > wanted + k_slack) break;
  }
  return std::optional<std::uint64_t>{};
}

base::Result<std::vector<std::pair<std::string, base::Bytes>>> Reader::config_texts(const base::Sha256Digest& hash, const base::SecretBytes& system_key) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT name,text FROM config_text WHERE hash=? ORDER BY name");
  if (!query) return std::move(query).error();
  query->bind(1, base::view(hash));
  std::vector<std::pair<std::string, base::Bytes>> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    const base::Bytes name = query->blob(0);
    auto text = crypto::seal::unseal(system_key, query->blob(1), base::Bytes(base::view(hash)) + name);
    if (!text) return std::move(text).error();
    out.emplace_back(name, *std::move(text));
  }
}

}  // namespace store
