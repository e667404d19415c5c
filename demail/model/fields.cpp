#include "demail/model/fields.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"
#include "mail/address/errors.hpp"
#include "mail/message/edit.hpp"

namespace demail {
namespace {

// Table 26, and the value that table 17 ends without.
constexpr std::string_view k_versions[] = {"1.0", "1.1", "1.2", "1.7", "1.8"};

class Reader {
 public:
  explicit Reader(const mail::Header& header) : m_header(header) {}

  Fields read() {
    read_type();
    read_version();
    m_out.options = {.dispatch = option(field::dispatch),
                     .receipt = option(field::receipt),
                     .retrieve = option(field::retrieve),
                     .authoritative = option(field::authoritative),
                     .personal = option(field::personal)};
    read_addresses();
    read_private_id();
    read_login();
    m_out.message_id = value(field::message_id).value_or("");
    m_out.account_holder = value(field::account_holder).value_or("");
    m_out.integrity = value(field::integrity).value_or("");
    read_certificate();
    if (m_out.has_type && is_notification(m_out.type))
      m_out.notification = notification_type(value(field::notification_type).value_or(""));
    for (const FieldRule& rule : field_rules()) hold_against(rule);
    return std::move(m_out);
  }

 private:
  // Of several the first from the top.
  std::optional<std::string> value(std::string_view name) const {
    const mail::HeaderField* found = m_header.find(name);
    if (found == nullptr) return std::nullopt;
    return found->value();
  }
  void note(FieldFinding finding) { m_out.findings.insert(finding); }

  void read_type() {
    const auto text = value(field::message_type);
    if (!text) return;
    const auto type = message_type(*text);
    m_out.has_type = type.has_value();
    m_out.type = type.value_or(MessageType::normal);
    if (!type) note(FieldFinding::bad_type);
  }

  void read_version() {
    const auto text = value(field::version);
    if (!text) return;
    const auto digits = [](std::string_view t) {
      return !t.empty() && t.size() <= 4 && t.find_first_not_of("0123456789") == std::string_view::npos;
    };
    const auto dot = text->find('.');
    if (dot == std::string::npos || !digits(text->substr(0, dot)) || !digits(text->substr(dot + 1))) {
      note(FieldFinding::bad_version);
      return;
    }
    m_out.version = *text;
    if (std::find(std::begin(k_versions), std::end(k_versions), *text) == std::end(k_versions))
      note(FieldFinding::unknown_version);
  }

  bool option(std::string_view name) {
    const auto text = value(name);
    if (text && *text != "yes" && *text != "no") note(FieldFinding::bad_option);
    return text == "yes";
  }

  void read_addresses() {
    if (const auto text = value(field::sender)) {
      auto address = mail::Address::parse(*text);
      if (address)
        m_out.sender = *std::move(address);
      else
        note(FieldFinding::bad_sender);
    }
    m_out.chosen = recipients(field::chosen_recipient);
    m_out.actual = recipients(field::actual_recipient);
    if (const auto text = value(field::originator_provider)) {
      auto domain = mail::parse_domain(*text);
      if (domain && domain->find('.') != std::string::npos)
        m_out.originator_provider = *std::move(domain);
      else
        note(FieldFinding::bad_provider);
    }
  }

  std::optional<Recipients> recipients(std::string_view name) {
    const auto text = value(name);
    if (!text) return std::nullopt;
    auto parsed = parse_recipients(*text);
    if (parsed) return *std::move(parsed);
    note(FieldFinding::bad_recipients);
    return std::nullopt;
  }

  void read_private_id() {
    auto text = value(field::private_id);
    if (!text && (text = value(field::misspelt_private_id))) note(FieldFinding::misspelt_private_id);
    if (!text) return;
    // characters, not bytes; a byte that continues another is none
    const auto characters =
        std::count_if(text->begin(), text->end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    if (static_cast<std::size_t>(characters) > k_max_private_id)
      note(FieldFinding::long_private_id);
    else
      m_out.private_id = *std::move(text);
  }

  void read_login() {
    m_out.auth_mechanism = value(field::auth_mechanism).value_or("");
    const auto text = value(field::auth_level);
    if (!text) return;
    if (*text == "high")
      m_out.level = AuthLevel::high;
    else if (*text == "normal")
      m_out.level = AuthLevel::normal;
    else
      note(FieldFinding::bad_level);
  }

  void read_certificate() {
    auto text = value(field::signature_certificate);
    if (!text) return;
    std::erase_if(*text, [](char c) { return c == ' ' || c == '\t'; });
    auto der = base::parse_base64(*text);
    if (der && !der->empty())
      m_out.certificate = *std::move(der);
    else
      note(FieldFinding::bad_certificate_text);
  }

  Presence presence(const FieldRule& rule) const {
    if (!m_out.has_type) {
      const bool always = rule.normal == Presence::must && rule.confirmation == Presence::must &&
                          rule.notification == Presence::must && rule.identification == Presence::must;
      return always ? Presence::must : Presence::may;
    }
    if (is_confirmation(m_out.type)) return rule.confirmation;
    if (is_notification(m_out.type)) return rule.notification;
    return m_out.type == MessageType::identification ? rule.identification : rule.normal;
  }

  // Only versions that we know are earlier than another; of any other the rules of today are asked.
  bool existed(const FieldRule& rule) const {
    const auto known = std::find(std::begin(k_versions), std::end(k_versions), m_out.version);
    return known == std::end(k_versions) || known >= std::find(std::begin(k_versions), std::end(k_versions), rule.since);
  }

  void hold_against(const FieldRule& rule) {
    const std::size_t count = m_header.count(rule.name);
    const Presence wanted = presence(rule);
    if (count == 0 && wanted == Presence::must && existed(rule)) {
      note(FieldFinding::missing_field);
      m_out.missing.emplace_back(rule.name);
    }
    if (count > 0 && wanted == Presence::must_not) {
      note(FieldFinding::forbidden_field);
      m_out.forbidden.emplace_back(rule.name);
    }
    // each forwarding adds its own (RFC 5322 section 3.6.6)
    const bool many = rule.name.starts_with("resent-") || rule.name == "envelope-to";
    if (count > 1 && !many) note(FieldFinding::repeated_field);
  }

  const mail::Header& m_header;
  Fields m_out;
};

constexpr std::size_t k_max_word = 900;  // longer ones cannot be folded into lines of 998 octets (RFC 5322 section 2.1.1)

// Printable ASCII without blanks at its ends: what any reader gives back as it was.
bool comes_through(std::string_view text) {
  std::size_t word = 0;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) return false;
    word = c == ' ' ? 0 : word + 1;
    if (word > k_max_word) return false;
  }
  return base::trim(text) == text && text.find("=?") == std::string_view::npos && text.find("  ") == std::string_view::npos;
}

}  // namespace

Fields read_fields(const mail::Header& header) { return Reader(header).read(); }

base::Result<std::string> format_user_fields(const UserFields& fields) {
  const Options& o = fields.options;
  if (o != complete(o)) return base::fail(mail::k_malformed_header, "a retrieve confirmation without a personal message");
  if (!base::is_ascii(fields.sender.text())) return base::fail(mail::k_malformed_header, "a sender beyond ASCII");
  if (fields.private_id.size() > k_max_private_id || !comes_through(fields.private_id))
    return base::fail(mail::k_malformed_header, "private-id");
  std::string out;
  const std::pair<std::string_view, bool> options[] = {{field::dispatch, o.dispatch},
                                                       {field::receipt, o.receipt},
                                                       {field::retrieve, o.retrieve},
                                                       {field::authoritative, o.authoritative},
                                                       {field::personal, o.personal}};
  for (const auto& [name, chosen] : options) out += std::string(name) + (chosen ? ": yes\r\n" : ": no\r\n");
  out += std::string(field::sender) + ": " + fields.sender.text() + "\r\n";
  auto recipients = format_recipients_field(field::chosen_recipient, fields.recipients);
  if (!recipients) return recipients;
  out += *recipients;
  if (!fields.private_id.empty()) {
    auto id = mail::format_field(field::private_id, fields.private_id);
    if (!id) return id;
    out += *id;
  }
  return out;
}

}  // namespace demail
