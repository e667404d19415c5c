// The codes of the store: 800 to 899.
#pragma once

#include "base/core/result.hpp"

namespace store {

inline constexpr base::Code k_database{800, "database"};                // SQLite refused; the change is not made
inline constexpr base::Code k_full{801, "store_full"};                  // no room: temporary
inline constexpr base::Code k_wrong_state{802, "wrong_state"};          // an arrow that the state does not have
inline constexpr base::Code k_locked{803, "store_locked"};              // another process holds the store
inline constexpr base::Code k_newer_schema{804, "newer_schema"};        // made by a newer version
inline constexpr base::Code k_foreign_key{805, "foreign_sealing_key"};  // sealed under a key we were not given
inline constexpr base::Code k_rollback{806, "log_rollback"};            // the published log is ahead of the database
inline constexpr base::Code k_not_needed{809, "not_needed"};            // a new epoch was asked for, and the log is whole
inline constexpr base::Code k_no_message{807, "no_message"};
inline constexpr base::Code k_repeated{810, "repeated"};                // a request under a key that was used before
inline constexpr base::Code k_not_empty{811, "not_empty"};              // a backup goes into a directory of its own
inline constexpr base::Code k_stopped{808, "store_stopped"};            // shutting down, or stopped after an I/O error

}  // namespace store
