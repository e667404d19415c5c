#include "gateway/store/schema.hpp"

#include <array>

#include "gateway/store/errors.hpp"

namespace store {
namespace {

// In clear: ids, states, times, sizes, route names, reason codes, keyed hashes. Everything else is sealed.
constexpr const char* k_step_1 = R"sql(
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

// Epochs of the log. leaf.idx counts through all of them: an entry's place in its epoch is idx - first. `size` and `note` (the
// last checkpoint) are of an epoch that has ended. trace.epoch is the one that holds the leaf `prev`.
constexpr const char* k_step_2 = R"sql(
CREATE TABLE epoch(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, size INTEGER, note TEXT);
INSERT INTO epoch SELECT 1, replace(origin, rtrim(origin, replace(origin, '/', '')), ''), 0, NULL, NULL FROM log_state;
ALTER TABLE log_state ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE trace ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
)sql";

// Tokens of the API, and its requests that may be repeated for a while.
constexpr const char* k_step_3 = R"sql(
CREATE TABLE token(id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, account TEXT NOT NULL, scope TEXT NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, last_used INTEGER) WITHOUT ROWID;
CREATE TABLE request(key BLOB PRIMARY KEY, content BLOB NOT NULL, mid BLOB NOT NULL, answer BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX request_until ON request(until);
)sql";

// Keyed hashes, so that lists filter without opening: the recipient's domain, the sender's department and account. No index: what
// a person asks for now and then must cost the way of a message nothing. Rows from before have NULL; trace.tags helps there.
constexpr const char* k_step_4 = R"sql(
ALTER TABLE recipient ADD COLUMN domain BLOB;
ALTER TABLE message ADD COLUMN department BLOB;
ALTER TABLE message ADD COLUMN account BLOB;
)sql";

// What a carrier will report on, by the time at which somebody must ask why it has not.
constexpr const char* k_step_5 = R"sql(
CREATE INDEX recipient_carried ON recipient(due) WHERE state IN (3,7);
)sql";

// What confirms or denies what became of a message, as it came. `word`: a keyed hash of its own id; `about`: one of what its
// sender calls the message.
constexpr const char* k_step_6 = R"sql(
CREATE TABLE evidence(eid BLOB PRIMARY KEY, mid BLOB NOT NULL, word BLOB NOT NULL, about BLOB) WITHOUT ROWID;
CREATE INDEX evidence_mid ON evidence(mid);
CREATE INDEX evidence_word ON evidence(word);
CREATE INDEX evidence_about ON evidence(about) WHERE about IS NOT NULL;
CREATE TABLE evidence_file(eid BLOB NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, UNIQUE(eid, name));
)sql";

// Whether what a carrier should have confirmed was told as overdue: monitoring counts them, by account, at any moment.
constexpr const char* k_step_7 = R"sql(
ALTER TABLE recipient ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0;
CREATE INDEX recipient_overdue ON recipient(route) WHERE state=7 AND overdue=1;
)sql";

constexpr std::array k_steps{k_step_1, k_step_2, k_step_3, k_step_4, k_step_5, k_step_6, k_step_7};
static_assert(k_steps.size() == k_schema_version);

base::Result<std::int64_t> version_of(Database& db) {
  auto query = db.prepare("PRAGMA user_version");
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  return query->integer(0);
}

}  // namespace

base::Result<int> check_schema(Database& db) {
  const auto version = version_of(db);
  if (!version) return version.error();
  if (*version > k_schema_version)
    return base::fail(k_newer_schema, "the store has schema " + std::to_string(*version) + " and needs a program that knows it; this one knows " +
                                          std::to_string(k_schema_version));
  return static_cast<int>(*version);
}

base::Result<void> prepare_schema(Database& db) {
  const auto version = check_schema(db);
  if (!version) return version.error();
  for (int step = *version; step < k_schema_version; ++step) {
    if (auto done = db.execute("BEGIN IMMEDIATE"); !done) return done;
    auto done = db.execute(k_steps[static_cast<std::size_t>(step)]);
    if (done) done = db.execute(("PRAGMA user_version=" + std::to_string(step + 1)).c_str());
    if (done) done = db.execute("COMMIT");
    if (done) continue;
    if (db.in_transaction()) (void)db.execute("ROLLBACK").has_value();
    return done;
  }
  return base::Done{};
}

}  // namespace store
