// The tables of the store as a row of steps: a new database takes all of them, an older one those that it lacks, each in a
// transaction of its own. A database that is newer than the program is refused and stays as it is.
#pragma once

#include "gateway/store/sqlite.hpp"

namespace store {

inline constexpr int k_schema_version = 7;

// 0 (a new database) to ours; nothing is written. k_newer_schema, k_database.
base::Result<int> check_schema(Database& db);
// Takes the steps that are missing. k_newer_schema, k_database.
base::Result<void> prepare_schema(Database& db);

}  // namespace store
