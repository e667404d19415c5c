// Promise: what a message's channel means in law on a given day, as a table of dated entries that is shipped as data
// (policies/shipped/legal/legal-effect.toml) and compiled in. It informs people and receipts; no decision depends on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policies/engine/decision.hpp"
#include "policies/lang/fault.hpp"

namespace policies {

enum class Channel { demail, smime, openpgp, tls };
const char* name_of(Channel channel);

struct LegalEffect {
  std::string key;
  std::vector<Channel> channels;
  demail::Options options;         // only for a De-Mail that asks for all of these
  std::optional<int> from, until;  // days since 1970, both included; nullopt: no end on that side
  std::string sure;                // "confirmed", "likely", "open"
  std::string source, effect_de, effect_en;
};

// The table in `text`; what is wrong becomes a fault with its place.
std::vector<LegalEffect> parse_legal_effects(std::string_view file, std::string_view text, Faults& faults);
// The shipped one, in the order of the file.
const std::vector<LegalEffect>& legal_effects();

// By which channels the decision lets a message leave: none unless it is delivered to somebody outside. What its sender encrypted
// is not told apart by method: none.
std::vector<Channel> channels_of(const PolicyDecision& decision);
// What holds for this decision on the day of `now` in the site's zone.
std::vector<const LegalEffect*> legal_effects_of(const PolicyDecision& decision, base::Timestamp now);

}  // namespace policies
