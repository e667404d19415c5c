// Promise: who holds a bearer token is found in memory, by a hash: neither the time nor the text of the answer tells whether a
// token is unknown, expired or revoked. What changes in the store is seen after forget().
#pragma once

#include <map>
#include <mutex>

#include "gateway/pipeline/context.hpp"

namespace web {

inline constexpr std::string_view k_token_prefix = "amtb_";

// "amtb_" and 256 random bits in base64url.
std::string make_token_secret();
// Only a whole token has a hash; anything else is nobody's.
std::optional<base::Sha256Digest> hash_of_token(std::string_view secret);

class Tokens {
 public:
  explicit Tokens(pipeline::Context& context) : m_context(context) {}

  struct Holder {
    std::string token, account;
    std::vector<std::string> addresses;  // that the account may send as
    bool may_submit = false, may_read = false;
    bool note_use = false;               // the last use on record is older than a minute
  };
  // Nobody, or who it is. An error if the store cannot be read: unknown is temporary. May block on the disk the first time.
  base::Result<std::optional<Holder>> find(std::string_view secret);
  // After a change of tokens or accounts.
  void forget();

 private:
  struct Known {
    store::ApiToken token;
    std::vector<std::string> addresses;
    base::Timestamp noted{};
  };
  base::Result<void> load();

  pipeline::Context& m_context;
  std::mutex m_mutex;
  bool m_loaded = false;                         // under m_mutex, as the map
  std::map<base::Sha256Digest, Known> m_known;
};

}  // namespace web
