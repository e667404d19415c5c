// Confirmations and notifications as their schema has them (section 3.5.3); inside demail/evidence only.
#pragma once

#include "demail/evidence/confirmation.hpp"

namespace demail {

inline constexpr std::string_view k_acknowledge = "Acknowledge-Message", k_notification = "Notification-Message";

// Without the blanks of XML at both ends: blank, tab, CR, LF.
std::string_view trim_xml(std::string_view text);

// The local name of the root element, found without parsing, in what begins as XML in UTF-8 does; "" where there is none.
std::string root_name(base::ByteView bytes);

// xs:dateTime (XML Schema part 2 section 3.2.7), years 1 to 9999. Without a zone the moment is not determined: it is read as
// UTC and `has_zone` is false.
struct XmlTime {
  base::Timestamp time{};
  bool has_zone = false;
};
std::optional<XmlTime> parse_xml_time(std::string_view text);

enum class Signature { expected, absent };  // as its last child; in digested bytes it is absent
struct ReadConfirmation {
  std::optional<Confirmation> confirmation;
  bool is_notification = false;
  std::set<EvidenceFinding> findings;  // wrong_root, wrong_structure, bad_time, local_time; none where it is no XML at all
};
ReadConfirmation read_confirmation(base::ByteView xml, Signature signature);

}  // namespace demail
