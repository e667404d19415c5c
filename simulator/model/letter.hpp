// Promise: a De-Mail as its sender's provider hands it over for dispatch: the fields of table 1 in front, each once, what was
// the provider's to set set by the provider, everything else as the sender wrote it, the body to the last byte.
// Standard: BSI TR 01201 part 3.4 v1.8, sections 3.1.1 to 3.1.21.
#pragma once

#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "simulator/model/draft.hpp"

namespace simulator {

inline constexpr const char* k_version = "1.8";  // x-de-mail-version

struct Letter {
  Side side = Side::a;  // whose dispatch service it left
  std::string header;   // fields with their CRLFs
  std::string body;
  std::string id;  // x-de-mail-message-id
  std::string private_id, subject, message_id;
  std::string private_id_field;  // raw, as the sender wrote it; "" if there is none
  std::string integrity;         // the value, unfolded, once it is sealed
  demail::Options options;
  mail::Address sender, answer_to;
  std::vector<mail::Address> recipients;  // whom this copy goes to
  bool is_blind = false;                  // the copy of one recipient who stands in bcc
  base::Timestamp date{};
  bool has_malware = false;
  bool keeps_private_id = true;  // false: it is not in the header, and other providers never learn it

  std::string bytes() const { return header + "\r\n" + body; }
};

// The copies of a draft, not sealed yet: one for all that are named in to and cc, if there are any, and one for each blind
// recipient (section 3.1.8).
std::vector<Letter> write_letters(const Draft& draft, const Login& login, base::Timestamp now);

// A new id, in that provider's spelling.
std::string make_id(Side side, base::Timestamp now);

// Puts the field, and takes other fields of that name away: what a receiving provider does with Envelope-to (section 3.1.22).
std::string with_envelope_to(std::string_view header, const mail::Address& recipient);

}  // namespace simulator
