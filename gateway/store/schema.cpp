#include "gateway/store/schema.hpp"

#include "gateway/store/errors.hpp"

namespace store {
namespace {

// In clear: ids, states, times, sizes, route names, reason codes, keyed hashes. Everything else is sealed.
constexpr const char* k_tables = R"sql(
CREATE TABLE message(id INTEGER PRIMARY KEY, mid BLOB NOT NULL, received INTEGER NOT NULL, size INTEGER NOT NULL,
  key BLOB NOT NULL, record BLOB NOT NULL, spool TEXT, body BLOB);
CREATE TABLE recipient(id INTEGER NOT NULL, rx INTEGER NOT NULL, state INTEGER NOT NULL, due INTEGER NOT NULL,
  attempts INTEGER NOT NULL, route TEXT NOT NULL, reason INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY(id, rx)) WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient(due) WHERE state=1;
CREATE INDEX recipient_held ON recipient(id) WHERE state=0;
CREATE INDEX recipient_open ON recipient(id) WHERE state IN (2,3);
CREATE TABLE trace(mid BLOB PRIMARY KEY, id INTEGER NOT NULL, key BLOB NOT NULL, tags BLOB NOT NULL, mseq INTEGER NOT NULL,
  prev BLOB NOT NULL, closed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leaf(idx INTEGER PRIMARY KEY, mid BLOB, bytes BLOB NOT NULL, disclosures BLOB);
CREATE INDEX leaf_of_message ON leaf(mid) WHERE mid IS NOT NULL;
CREATE TABLE log_state(one INTEGER PRIMARY KEY CHECK(one=1), origin TEXT NOT NULL, node TEXT NOT NULL, vkey TEXT NOT NULL,
  tree BLOB NOT NULL, accepted INTEGER NOT NULL, closed INTEGER NOT NULL, cancelled INTEGER NOT NULL,
  last_id INTEGER NOT NULL, balance_time INTEGER NOT NULL, balance_open INTEGER NOT NULL);
CREATE TABLE config_text(hash BLOB NOT NULL, name TEXT NOT NULL, text BLOB NOT NULL, PRIMARY KEY(hash, name)) WITHOUT ROWID;
CREATE TABLE account(name TEXT PRIMARY KEY, password TEXT NOT NULL, addresses TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
)sql";

}  // namespace

base::Result<std::int64_t> schema_version(Database& db) {
  auto query = db.prepare("PRAGMA user_version");
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  return query->integer(0);
}

base::Result<void> check_schema(Database& db) {
  const auto version = schema_version(db);
  if (!version) return version.error();
  if (*version > k_schema_version)
    return base::fail(k_newer_schema, "the store has schema " + std::to_string(*version) + ", this program knows " + std::to_string(k_schema_version));
  return base::Done{};
}

base::Result<void> prepare_schema(Database& db) {
  if (auto checked = check_schema(db); !checked) return checked;
  const auto version = schema_version(db);
  if (!version) return version.error();
  if (*version == k_schema_version) return base::Done{};
  if (auto done = db.execute("BEGIN IMMEDIATE"); !done) return done;
  if (auto done = db.execute(k_tables); !done) return done;
  if (auto done = db.execute(("PRAGMA user_version=" + std::to_string(k_schema_version)).c_str()); !done) return done;
  return db.execute("COMMIT");
}

}  // namespace store
