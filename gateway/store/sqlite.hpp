// A thin hand on SQLite: connections and prepared statements that close themselves, every result code looked at. For
// gateway/store only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace store {

class Database;

// One prepared statement; reset and rebound for each use. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, base::ByteView blob);       // as BLOB; borrowed until the next reset
  Statement& bind_text(int index, std::string_view text);
  Statement& bind_null(int index);
  // True while there is a row. k_full, k_database, k_locked.
  base::Result<bool> step();
  // Runs to the end and resets.
  base::Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  base::Bytes blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  sqlite3_stmt* m_statement = nullptr;
};

class Database {
 public:
  static base::Result<Database> open(const std::filesystem::path& path, bool writer);
  ~Database();
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;

  base::Result<Statement> prepare(const char* sql);
  base::Result<void> execute(const char* sql);
  int changed_rows() const;
  bool in_transaction() const;
  // Writes the log back into the file as far as readers let it; frames left in the log.
  base::Result<int> checkpoint();
  int log_frames() const { return m_log_frames ? *m_log_frames : 0; }  // of the last commit
  sqlite3* handle() { return m_db; }

 private:
  Database() = default;
  sqlite3* m_db = nullptr;
  std::unique_ptr<int> m_log_frames;
};

}  // namespace store
