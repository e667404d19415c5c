#include "gateway/store/evidence_rows.hpp"

#include "gateway/store/queue_writer.hpp"

namespace store {
namespace {

base::Bytes word_of(const std::string& id, const base::SecretBytes& search_key) { return tag_of(search_key, "evidence:" + id); }
base::Bytes name_of(const std::string& about, const base::SecretBytes& search_key) { return tag_of(search_key, "carrier:" + about); }
std::string place_of_file(const base::EventId& eid, const std::string& name) { return base::Bytes(eid.view()) + "evidence" + name; }

base::Result<std::vector<base::MessageId>> messages_of(Database& db, const char* sql, const base::Bytes& tag) {
  auto query = db.prepare(sql);
  if (!query) return std::move(query).error();
  query->bind(1, base::ByteView(tag));
  std::vector<base::MessageId> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    auto mid = base::MessageId::of(query->blob(0));
    if (!mid) return std::move(mid).error();
    out.push_back(*mid);
  }
}

}  // namespace

base::Result<EvidenceWriter> EvidenceWriter::open(Database& db) {
  EvidenceWriter out;
  const std::pair<Statement*, const char*> statements[] = {
      {&out.m_sql.put, "INSERT INTO evidence(eid,mid,word,about) VALUES(?,?,?,?)"},
      {&out.m_sql.put_file, "INSERT INTO evidence_file(eid,name,bytes) VALUES(?,?,?)"},
  };
  for (const auto& [target, sql] : statements) {
    auto prepared = db.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *target = *std::move(prepared);
  }
  return out;
}

base::Result<void> EvidenceWriter::add(const NewEvidence& evidence, const base::SecretBytes& key, const base::SecretBytes& search_key) {
  const base::Bytes word = word_of(evidence.id, search_key), about = name_of(evidence.about, search_key);
  m_sql.put.bind(1, evidence.eid.view()).bind(2, evidence.mid.view()).bind(3, base::ByteView(word)).bind_null(4);
  if (!evidence.about.empty()) m_sql.put.bind(4, base::ByteView(about));
  if (auto done = m_sql.put.run(); !done) return done;
  for (const EvidenceFile& file : evidence.files) {
    const base::Bytes sealed = crypto::seal::seal(key, file.bytes, place_of_file(evidence.eid, file.name));
    m_sql.put_file.bind(1, evidence.eid.view()).bind_text(2, file.name).bind(3, base::ByteView(sealed));
    if (auto done = m_sql.put_file.run(); !done) return done;
  }
  return base::Done{};
}

base::Result<std::vector<base::MessageId>> find_evidence(Database& db, const std::string& id, const base::SecretBytes& search_key) {
  return messages_of(db, "SELECT DISTINCT mid FROM evidence WHERE word=?", word_of(id, search_key));
}

base::Result<std::optional<base::MessageId>> find_message_called(Database& db, const std::string& about, const base::SecretBytes& search_key) {
  auto found = messages_of(db, "SELECT DISTINCT mid FROM evidence WHERE about=? LIMIT 2", name_of(about, search_key));
  if (!found) return std::move(found).error();
  if (found->size() != 1) return std::optional<base::MessageId>{};
  return std::optional(found->front());
}

base::Result<std::vector<StoredEvidence>> read_evidence(Database& db, const base::MessageId& mid, const base::SecretBytes& key) {
  std::vector<StoredEvidence> out;
  if (key.empty()) return out;
  auto query = db.prepare(
      "SELECT e.eid,f.name,f.bytes FROM evidence e JOIN evidence_file f ON f.eid=e.eid WHERE e.mid=? ORDER BY e.eid,f.name");
  if (!query) return std::move(query).error();
  query->bind(1, mid.view());
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    auto eid = base::EventId::of(query->blob(0));
    if (!eid) return std::move(eid).error();
    std::string name = query->blob(1);
    auto bytes = crypto::seal::unseal(key, query->blob(2), place_of_file(*eid, name));
    if (!bytes) return std::move(bytes).error();
    if (out.empty() || out.back().eid != *eid) out.push_back({*eid, {}});
    out.back().files.push_back({std::move(name), *std::move(bytes)});
  }
}

}  // namespace store
