// Internal to policies/engine. Promise: what is meant as De-Mail leaves as De-Mail or not at all, and no address of De-Mail is
// reached in any other way. Meant so is a message by its recipient's address, by a rule, and by what its sender wrote: words in
// brackets in the subject, or one of the five option fields with the value "yes". Both count only from senders of ours, for
// recipients outside. What merely looks like such a word is none; the rules decide about it as about any mail.
// Standard: BSI TR 01201 part 3.4 v1.8, sections 3.1.2 to 3.1.6 (fields); part 6.1, chapter 10 (no way out by Internet mail).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "policies/engine/decision.hpp"
#include "policies/engine/rule_set.hpp"

namespace policies {

struct Merged;
class View;

// What a message asks for by itself.
struct DeMailWish {
  std::string by;                                   // the first word or field that chose De-Mail; "": nothing did
  std::array<std::string, k_demail_options> asked;  // by DeMailOption: the word or field that asked; ""
  std::vector<std::string> keywords;                // the words, to be removed from the subject
};

DeMailWish wish_of(const Question& question);

// False: not meant as De-Mail, and nothing was done. Else the decision is made.
bool conclude_demail(const Merged& merged, const View& view, PolicyDecision& decision);

}  // namespace policies
