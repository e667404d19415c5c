// What the scan concludes from a header block; inside mail/message only.
#pragma once

#include "mail/message/facts.hpp"

namespace mail {

// Fills type, boundary, transfer_encoding, charset and filename of `part` from its header; false if Content-Type stands
// there and cannot be read (the part is then application/octet-stream: nobody may look into it).
bool describe_part(const Header& header, bool in_digest, Part& part);

// How the root is wrapped, from the outermost header.
Wrapping wrapping_of(const Header& header);

// A subject cut into its bracketed words at either end and what lies between.
struct BracketWord {
  std::string normal;      // lower case, blanks folded; "" if it is longer than a keyword can be
  std::string_view raw;    // with its brackets
};
struct SubjectParts {
  std::vector<BracketWord> leading, trailing;
  std::string_view middle;
  bool too_many = false;  // more than k_max_keywords: the rest stays in the middle
};
SubjectParts split_subject(std::string_view subject);
std::vector<std::string> keywords_of(const SubjectParts& parts);  // each once, in their order

// Fills everything of `facts` that follows from facts.header.
void summarise(MessageFacts& facts);

}  // namespace mail
