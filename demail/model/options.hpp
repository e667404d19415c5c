// Promise: what a sender may ask of a De-Mail, as a value, and what asking for it demands of him.
// Standard: BSI TR 01201 part 3.4 v1.8, sections 3.1.2 to 3.1.6; part 3.1 for what the options demand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demail {

// The five options. Not asked for means "no", as an absent field does.
struct Options {
  bool dispatch = false;       // Versandbestätigung
  bool receipt = false;        // Eingangsbestätigung
  bool retrieve = false;       // Abholbestätigung: for bodies that may serve documents formally
  bool authoritative = false;  // Absenderbestätigt
  bool personal = false;       // Persönlich: x-de-mail-private
  friend bool operator==(const Options&, const Options&) = default;
};

// What either asks for.
Options both(const Options& a, const Options& b);
// With what the chosen options bring along: a retrieve confirmation makes the message personal.
Options complete(Options options);
// Personal, authoritative and retrieve are for senders who logged in at the level "high".
bool needs_high(const Options& options);
// "dispatch, receipt" in the order above; "none".
std::string describe(const Options& options);

// What a subject keyword asks for: "de-mail" for nothing but the carrier, the others for an option as well. German and
// English, as normal form (lower case, blanks folded) without brackets; nullopt if it is no word of De-Mail.
std::optional<Options> options_of_keyword(std::string_view keyword);
// All these words, for documentation and tests.
const std::vector<std::string>& keywords();

}  // namespace demail
