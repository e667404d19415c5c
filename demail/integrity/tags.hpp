// The tag list of the integrity field (RFC 6376 section 3.2); inside demail/integrity only.
#pragma once

#include <variant>

#include "base/core/digest.hpp"
#include "demail/integrity/integrity.hpp"

namespace demail {

// The tags that count, or why they cannot be had: malformed or unknown_algorithm.
std::variant<Integrity, IntegrityFinding> read_integrity(std::string_view value);

base::HashAlgorithm algorithm_of(Hash hash);

// `field` (name, colon, value) with the value of b= and the blanks around it taken out, and without CRLF at its end.
std::string with_empty_b(std::string_view field);

}  // namespace demail
