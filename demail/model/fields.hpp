// Promise: the fields of a De-Mail, with their exact names, values and rules, read from a header and never guessed at. Names are
// compared without case, values with it; of a field that occurs twice the first from the top counts. What is wrong with a
// header is a set of named findings beside its values.
// Standard: BSI TR 01201 part 3.4 v1.8, section 3.1.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"
#include "demail/model/options.hpp"
#include "mail/address/address.hpp"
#include "mail/message/header.hpp"

namespace demail {

// Table 12. `identification` is read and kept; it proves nothing about a message.
enum class MessageType {
  normal,
  dispatch,
  receipt,
  retrieve,
  malware_acknowledge,
  malware_notification,
  notification,
  identification
};
const char* name_of(MessageType type);                            // as it stands in the field: "confirmation of dispatch"
std::optional<MessageType> message_type(std::string_view value);  // "-" and a blank are the same
bool is_confirmation(MessageType type);                           // signed: dispatch, receipt, retrieve, malware_acknowledge
bool is_notification(MessageType type);                           // malware_notification, notification

// Table 22.
enum class NotificationType { unknown_recipient, closed_account, invalid_format, other };
const char* name_of(NotificationType type);
NotificationType notification_type(std::string_view value);  // what is none of them is `other`

enum class AuthLevel { normal, high };
const char* name_of(AuthLevel level);

// Table 1: must stand there, may, must not, or as in the message that it is about.
enum class Presence { must, may, must_not, as_original };
enum class SetBy { user, provider };
struct FieldRule {
  std::string_view name;  // lower case
  Presence normal, confirmation, notification, identification;
  SetBy set_by;
  std::string_view since = "1.0";  // table 26: messages of an earlier version do without it
};
const std::vector<FieldRule>& field_rules();  // in the order of table 1
const FieldRule* find_rule(std::string_view name);
// Any name that begins with "x-de-mail-": nothing of that kind from another source is ever believed.
bool is_demail_field(std::string_view name);

namespace field {
inline constexpr std::string_view dispatch = "x-de-mail-confirmation-of-dispatch", receipt = "x-de-mail-confirmation-of-receipt",
                                  retrieve = "x-de-mail-confirmation-of-retrieve", authoritative = "x-de-mail-authoritative",
                                  personal = "x-de-mail-private", sender = "x-de-mail-sender",
                                  chosen_recipient = "x-de-mail-chosen-recipient", private_id = "x-de-mail-private-id",
                                  misspelt_private_id = "x-de-mail-privat-id", auth_level = "x-de-mail-auth-level",
                                  auth_mechanism = "x-de-mail-auth-mechanism", message_id = "x-de-mail-message-id",
                                  originator_provider = "x-de-mail-originator-provider", message_type = "x-de-mail-message-type",
                                  integrity = "x-de-mail-integrity", signature_certificate = "x-de-mail-signature-certificate",
                                  actual_recipient = "x-de-mail-actual-recipient", version = "x-de-mail-version",
                                  account_holder = "x-de-mail-account-holder", notification_type = "x-de-mail-notification-type";
}

inline constexpr std::size_t k_max_private_id = 1024;  // characters (section 3.1.17)
inline constexpr std::size_t k_max_recipients = 2000;  // of one field: as many as any list of addresses of the house

// Section 3.1.8: "to=…;cc=…;bcc=…", each at most once, lists of addr-spec or name-addr separated by "," (or by ";" where no
// keyword follows: footnote 5).
struct Recipients {
  std::vector<mail::Mailbox> to, cc, bcc;
  friend bool operator==(const Recipients&, const Recipients&) = default;
};
base::Result<Recipients> parse_recipients(std::string_view value);  // k_malformed_address, k_too_many_addresses
std::string format_recipients(const Recipients& recipients);        // addresses alone, one line; empty elements are left out
// The field with its CRLF, folded behind separators where it passes 76 columns. k_malformed_header: no recipient, or one beyond
// ASCII, which no De-Mail address is.
base::Result<std::string> format_recipients_field(std::string_view name, const Recipients& recipients);

enum class FieldFinding {
  missing_field,    // of a type whose message must have it
  forbidden_field,  // that its type must not have
  repeated_field,   // the first counted
  bad_option,       // neither "yes" nor "no": counts as "no"
  bad_sender,
  bad_recipients,
  bad_version,
  bad_type,
  bad_level,
  bad_provider,          // no FQDN
  bad_certificate_text,  // no base64: there is no certificate then
  unknown_version,       // well formed, and none that we know
  long_private_id,       // above the limit: it counts as none
  misspelt_private_id,   // the known other spelling was taken
};
const char* name_of(FieldFinding finding);

// What a header says; absent where it says nothing usable. Text is as it came, but for the folds: untrusted.
struct Fields {
  MessageType type = MessageType::normal;
  bool has_type = false;  // without one no type's rules are asked, but those that all have
  Options options;
  std::optional<mail::Address> sender;
  std::optional<Recipients> chosen, actual;
  std::string private_id, message_id, originator_provider, auth_mechanism, account_holder, version;
  std::optional<AuthLevel> level;
  std::optional<NotificationType> notification;  // of notifications alone; `other` where theirs says nothing
  std::string integrity;                         // the value, unfolded
  std::string certificate;                       // DER, from the base64 of the field; "" if there is none or it is none
  std::set<FieldFinding> findings;
  std::vector<std::string> missing, forbidden;  // names, for people
};
Fields read_fields(const mail::Header& header);

// The fields of De-Mail that a user sets in front of his message (nos. 1 to 7 and 9 of table 1), folded, each with its CRLF.
// k_malformed_header: options that are not complete(), no recipient, or text that would not come through as it is.
struct UserFields {
  Options options;
  mail::Address sender;
  Recipients recipients;
  std::string private_id;
};
base::Result<std::string> format_user_fields(const UserFields& fields);

}  // namespace demail
