#include "gateway/store/sqlite.hpp"

#include <utility>

#include <sqlite3.h>

#include "base/core/errors.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

base::Error error_of(sqlite3* db, int rc) {
  const int primary = rc & 0xff;
  const base::Code code = primary == SQLITE_IOERR || primary == SQLITE_CORRUPT ? base::k_io
                          : primary == SQLITE_FULL                             ? k_full
                          : primary == SQLITE_BUSY || primary == SQLITE_LOCKED ? k_locked
                                                                               : k_database;
  return base::fail(code, std::string(sqlite3_errstr(rc)) + ": " + (db != nullptr ? sqlite3_errmsg(db) : ""));
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(m_statement); }
Statement::Statement(Statement&& other) noexcept : m_statement(std::exchange(other.m_statement, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(m_statement, other.m_statement);
  return *this;
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(m_statement, index, value);
  return *this;
}
Statement& Statement::bind(int index, base::ByteView blob) {
  // a null pointer would bind NULL where an empty blob is meant
  sqlite3_bind_blob64(m_statement, index, blob.data() == nullptr ? "" : blob.data(), blob.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_text(int index, std::string_view text) {
  sqlite3_bind_text64(m_statement, index, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(m_statement, index);
  return *this;
}

base::Result<bool> Statement::step() {
  const int rc = sqlite3_step(m_statement);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  const base::Error error = error_of(sqlite3_db_handle(m_statement), rc);
  reset();
  return error;
}

base::Result<void> Statement::run() {
  while (true) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) break;
  }
  reset();
  return base::Done{};
}

void Statement::reset() { sqlite3_reset(m_statement); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(m_statement, column); }

base::Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(m_statement, column));
  return data == nullptr ? base::Bytes{} : base::Bytes(data, static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column)));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(m_statement, column) == SQLITE_NULL; }

Database::~Database() { sqlite3_close_v2(m_db); }
Database::Database(Database&& other) noexcept
    : m_db(std::exchange(other.m_db, nullptr)), m_log_frames(std::move(other.m_log_frames)) {}
Database& Database::operator=(Database&& other) noexcept {
  std::swap(m_db, other.m_db);
  std::swap(m_log_frames, other.m_log_frames);
  return *this;
}

base::Result<Database> Database::open(const std::filesystem::path& path, bool writer) {
  Database out;
  const int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  int rc = sqlite3_open_v2(path.c_str(), &out.m_db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nullptr);
  if (rc != SQLITE_OK) return error_of(out.m_db, rc);
  sqlite3_extended_result_codes(out.m_db, 1);
  sqlite3_busy_timeout(out.m_db, 5000);
  // FULL: the log is synced at each commit. NORMAL may lose a commit whose checkpoint is published already, which would
  // fork our own log. Deleted pages are not wiped: what stood there is sealed, and its key goes.
  const char* pragmas =
      writer ? "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF;"
               "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=67108864; PRAGMA foreign_keys=OFF; PRAGMA cache_size=-16384"
             : "PRAGMA mmap_size=67108864; PRAGMA query_only=ON; PRAGMA cache_size=-4096";
  if (auto done = out.execute(pragmas); !done) return done.error();
  out.m_log_frames = std::make_unique<int>(0);
  if (writer)
    sqlite3_wal_hook(
        out.m_db,
        [](void* frames, sqlite3*, const char*, int count) {
          *static_cast<int*>(frames) = count;
          return SQLITE_OK;
        },
        out.m_log_frames.get());
  return out;
}

base::Result<Statement> Database::prepare(const char* sql) {
  Statement out;
  const int rc = sqlite3_prepare_v3(m_db, sql, -1, SQLITE_PREPARE_PERSISTENT, &out.m_statement, nullptr);
  if (rc != SQLITE_OK) return error_of(m_db, rc);
  return out;
}

base::Result<void> Database::execute(const char* sql) {
  const int rc = sqlite3_exec(m_db, sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return error_of(m_db, rc);
  return base::Done{};
}

int Database::changed_rows() const { return sqlite3_changes(m_db); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(m_db) == 0; }

base::Result<int> Database::checkpoint() {
  int log = 0, done = 0;
  const int rc = sqlite3_wal_checkpoint_v2(m_db, nullptr, SQLITE_CHECKPOINT_PASSIVE, &log, &done);
  if (rc != SQLITE_OK && rc != SQLITE_BUSY) return error_of(m_db, rc);
  return log - done;
}

}  // namespace store
