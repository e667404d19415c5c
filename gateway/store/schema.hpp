// The tables of the store, and what a binary does with a database of another version.
#pragma once

#include "gateway/store/sqlite.hpp"

namespace store {

inline constexpr int k_schema_version = 1;

// 0: the tables are not made yet. k_database.
base::Result<std::int64_t> schema_version(Database& db);
// The version is none (a new database) or ours; nothing is written. k_newer_schema, k_database.
base::Result<void> check_schema(Database& db);
// Creates the tables of a new database or checks the version of an old one. k_newer_schema, k_database.
base::Result<void> prepare_schema(Database& db);

}  // namespace store
