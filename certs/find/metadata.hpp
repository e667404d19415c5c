// Promise: what we noted about a key when it was taken in, as a small text file beside it: `key = value` lines, unknown or
// broken ones are errors, because a note that is half understood decides about clear text.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/clock.hpp"
#include "base/core/result.hpp"
#include "certs/model/key.hpp"

namespace certs {

enum class Role { partner, own, authority };
const char* name_of(Role role);

struct Metadata {
  Method method = Method::smime;
  Role role = Role::partner;
  std::vector<std::string> addresses;  // folded; whose key it is: never more than the key itself says
  bool confirmed = false;              // a person compared it
  bool trusted = false;                // authority: an anchor; certificate: vouched for without a path
  bool reads_gcm = false;
  bool oaep = false;                   // demands RSAES-OAEP
  base::Timestamp imported{};
};

inline constexpr base::ByteCount k_max_metadata = base::kib(64);

base::Result<Metadata> parse_metadata(std::string_view text);  // k_bad_metadata
std::string format_metadata(const Metadata& metadata);

}  // namespace certs
