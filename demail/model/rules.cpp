// Tables 1, 12, 22 and 26: names and values as the text has them.
#include <algorithm>

#include "base/core/bytes.hpp"
#include "demail/model/fields.hpp"

namespace demail {
namespace {

constexpr Presence XX = Presence::must, X = Presence::may, no = Presence::must_not, original = Presence::as_original;
constexpr SetBy user = SetBy::user, provider = SetBy::provider;

constexpr std::pair<MessageType, const char*> k_types[] = {
    {MessageType::normal, "normal"},
    {MessageType::dispatch, "confirmation of dispatch"},
    {MessageType::receipt, "confirmation of receipt"},
    {MessageType::retrieve, "confirmation of retrieve"},
    {MessageType::malware_acknowledge, "malware-acknowledge"},
    {MessageType::malware_notification, "malware-notification"},
    {MessageType::notification, "notification"},
    {MessageType::identification, "identification"},
};

constexpr std::pair<NotificationType, const char*> k_notifications[] = {
    {NotificationType::unknown_recipient, "unknown-recipient"},
    {NotificationType::closed_account, "closed-account"},
    {NotificationType::invalid_format, "invalid-format"},
    {NotificationType::other, "other"},
};

// Blanks and "-" are one "-": the table writes some types with the one, some with the other, and senders mix them up.
std::string joined(std::string_view value) {
  std::string out;
  for (const char c : base::trim(value)) {
    const bool gap = c == ' ' || c == '\t' || c == '-';
    if (gap && !out.empty() && out.back() == '-') continue;
    out += gap ? '-' : c;
  }
  return out;
}

}  // namespace

const char* name_of(MessageType type) {
  for (const auto& [known, name] : k_types)
    if (known == type) return name;
  return "normal";
}

std::optional<MessageType> message_type(std::string_view value) {
  const std::string wanted = joined(value);
  for (const auto& [type, name] : k_types)
    if (joined(name) == wanted) return type;
  return std::nullopt;
}

bool is_confirmation(MessageType type) {
  return type == MessageType::dispatch || type == MessageType::receipt || type == MessageType::retrieve ||
         type == MessageType::malware_acknowledge;
}

bool is_notification(MessageType type) { return type == MessageType::malware_notification || type == MessageType::notification; }

const char* name_of(NotificationType type) {
  for (const auto& [known, name] : k_notifications)
    if (known == type) return name;
  return "other";
}

NotificationType notification_type(std::string_view value) {
  for (const auto& [type, name] : k_notifications)
    if (base::trim(value) == name) return type;
  return NotificationType::other;
}

const char* name_of(AuthLevel level) { return level == AuthLevel::high ? "high" : "normal"; }

const std::vector<FieldRule>& field_rules() {
  static const std::vector<FieldRule> rules = {
      {field::dispatch, XX, no, no, no, user},
      {field::receipt, XX, no, no, no, user},
      {field::retrieve, XX, no, no, no, user},
      {field::authoritative, XX, no, no, no, user},
      {field::personal, XX, original, no, XX, user},
      {field::sender, XX, XX, XX, XX, user},
      {field::chosen_recipient, XX, XX, XX, XX, user},
      {"subject", XX, XX, XX, XX, user},
      {field::private_id, X, X, X, no, user},
      {"reply-to", X, X, X, X, user},
      {field::auth_level, XX, X, X, X, provider},
      {field::auth_mechanism, XX, X, X, X, provider},
      {"date", XX, XX, XX, XX, provider},
      {field::message_id, XX, XX, XX, XX, provider},
      {field::originator_provider, XX, XX, XX, XX, provider},
      {field::message_type, XX, XX, XX, XX, provider},
      {field::integrity, XX, XX, XX, XX, provider},
      {field::signature_certificate, X, XX, X, XX, provider},
      {field::actual_recipient, XX, XX, XX, XX, provider},
      {"resent-to", X, X, X, X, provider},
      {"resent-from", X, X, X, X, provider},
      {"resent-date", X, X, X, X, provider},
      {"resent-message-id", X, X, X, X, provider},
      {"envelope-to", X, X, X, X, provider},
      {field::version, XX, XX, XX, XX, provider},
      {field::account_holder, XX, no, no, no, provider, "1.1"},
      {field::notification_type, no, no, XX, no, provider, "1.2"},
      {"from", XX, XX, XX, XX, provider},
      {"message-id", XX, XX, XX, XX, provider},
  };
  return rules;
}

const FieldRule* find_rule(std::string_view name) {
  const auto& rules = field_rules();
  const auto it =
      std::find_if(rules.begin(), rules.end(), [&](const FieldRule& rule) { return base::equal_ignoring_case(rule.name, name); });
  return it == rules.end() ? nullptr : &*it;
}

bool is_demail_field(std::string_view name) { return base::starts_with_ignoring_case(name, "x-de-mail-"); }

const char* name_of(FieldFinding finding) {
  switch (finding) {
    case FieldFinding::missing_field: return "missing_field";
    case FieldFinding::forbidden_field: return "forbidden_field";
    case FieldFinding::repeated_field: return "repeated_field";
    case FieldFinding::bad_option: return "bad_option";
    case FieldFinding::bad_sender: return "bad_sender";
    case FieldFinding::bad_recipients: return "bad_recipients";
    case FieldFinding::bad_version: return "bad_version";
    case FieldFinding::bad_type: return "bad_type";
    case FieldFinding::bad_level: return "bad_level";
    case FieldFinding::bad_provider: return "bad_provider";
    case FieldFinding::bad_certificate_text: return "bad_certificate_text";
    case FieldFinding::unknown_version: return "unknown_version";
    case FieldFinding::long_private_id: return "long_private_id";
    case FieldFinding::misspelt_private_id: return "misspelt_private_id";
  }
  return "bad_field";
}

}  // namespace demail
