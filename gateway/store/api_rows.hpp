// Promise: what the store keeps for the API: tokens, and the answers to requests that may be repeated. A part of QueueWriter's
// transaction on one side, short reads for Reader on the other.
#pragma once

#include "crypto/seal/seal.hpp"
#include "gateway/store/sqlite.hpp"
#include "gateway/store/types.hpp"

namespace store {

class ApiWriter {
 public:
  static base::Result<ApiWriter> open(Database& db);
  // k_repeated, k_database; what it did before failing is for the rollback.
  base::Result<void> apply(const Change& change, const base::SecretBytes& system_key, base::Timestamp now);

 private:
  base::Result<void> tokens(const Change& change);
  base::Result<void> request(const ApiRequest& request, const base::SecretBytes& system_key, base::Timestamp now);

  struct Statements {
    Statement put_token, remove_token, remove_account, use_token, forget_requests, find_request, put_request;
  };
  Statements m_sql;
};

base::Result<std::vector<ApiToken>> read_tokens(Database& db);
// Nothing if the key is not known, or forgotten by `now`.
base::Result<std::optional<ApiRequest>> read_request(Database& db, base::ByteView key, const base::SecretBytes& system_key, base::Timestamp now);

}  // namespace store
