#include "simulator/model/draft.hpp"

#include <algorithm>
#include <array>

#include "base/core/bytes.hpp"
#include "mail/message/inspect.hpp"
#include "simulator/model/words.hpp"

namespace simulator {
namespace {

using demail::AuthLevel;
using demail::NotificationType;

constexpr std::array k_refusals{
    RefusalRow{Refused::not_logged_in, "not_logged_in", 530, "5.7.0", NotificationType::other, "log in first"},
    RefusalRow{Refused::sender_not_yours, "sender_not_yours", 550, "5.7.1", NotificationType::other,
               "not an address of this account:"},
    RefusalRow{Refused::reply_not_demail, "reply_not_demail", 554, "5.1.8", NotificationType::other,
               "Reply-To is not a De-Mail address:"},
    RefusalRow{Refused::recipient_not_demail, "recipient_not_demail", 554, "5.1.2", NotificationType::other,
               "draft deleted: not a De-Mail address:"},
    RefusalRow{Refused::needs_high, "needs_high", 554, "5.7.1", NotificationType::other, "needs a login at the level high:"},
    RefusalRow{Refused::retrieve_not_permitted, "retrieve_not_permitted", 554, "5.7.1", NotificationType::other,
               "this account may not ask for confirmations of retrieve"},
    RefusalRow{Refused::pseudonym_authoritative, "pseudonym_authoritative", 554, "5.7.1", NotificationType::other,
               "no authoritative message from a pseudonym:"},
    RefusalRow{Refused::too_large, "too_large", 552, "5.3.4", NotificationType::other, "more than 20 MiB net:"},
    RefusalRow{Refused::quota, "quota", 452, "4.7.1", NotificationType::other, "limit of a day at the level normal:"},
    RefusalRow{Refused::invalid_format, "invalid_format", 554, "5.6.0", NotificationType::invalid_format, "not a message:"},
    RefusalRow{Refused::long_private_id, "long_private_id", 554, "5.6.0", NotificationType::invalid_format,
               "x-de-mail-private-id has more than 1024 characters"}};

// What is no letter of the alphabet is left out, as decoders of mail do (RFC 2045 section 6.8).
std::string decode_base64(std::string_view text) {
  std::string out;
  unsigned bits = 0, value = 0;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<unsigned>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<unsigned>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0') + 52;
    else if (c == '+')
      digit = 62;
    else if (c == '/')
      digit = 63;
    else
      continue;
    value = (value << 6 | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(value >> bits & 0xff);
  }
  return out;
}

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
    } else if (text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else if (const auto byte = base::parse_hex(text.substr(i + 1, 2)); byte && !byte->empty()) {
      out += *byte;
      i += 2;
    }
  }
  return out;
}

bool is_leaf(const mail::Part& part) { return part.boundary.empty() && !part.type.starts_with("message/"); }

std::string decode(std::string_view message, const mail::Part& part) {
  const auto raw = message.substr(part.body_begin, part.body_end - part.body_begin);
  if (part.transfer_encoding == "base64") return decode_base64(raw);
  if (part.transfer_encoding == "quoted-printable") return decode_quoted_printable(raw);
  return std::string(raw);
}

bool says_yes(const mail::Header& header, std::string_view name) {
  const mail::HeaderField* field = header.find(name);
  return field != nullptr && field->value() == "yes";
}

demail::Options options_of(const mail::Header& header) {
  demail::Options out;
  out.dispatch = says_yes(header, demail::field::dispatch);
  out.receipt = says_yes(header, demail::field::receipt);
  out.retrieve = says_yes(header, demail::field::retrieve);
  out.authoritative = says_yes(header, demail::field::authoritative);
  // who asks for the confirmation of retrieve asks for a message that only a login at "high" can read
  out.personal = says_yes(header, demail::field::personal) || out.retrieve;
  return out;
}

std::optional<Refusal> check_options(const Login& login, const Draft& draft) {
  const demail::Options& o = draft.options;
  if (login.level != AuthLevel::high && (o.retrieve || o.authoritative || o.personal)) {
    std::string which = o.retrieve ? "confirmation of retrieve" : o.authoritative ? "authoritative" : "private";
    return Refusal{Refused::needs_high, std::move(which)};
  }
  if (o.retrieve && !login.account->may_retrieve) return Refusal{Refused::retrieve_not_permitted, ""};
  if (o.authoritative && login.account->has_pseudonym(draft.sender))
    return Refusal{Refused::pseudonym_authoritative, draft.sender.text()};
  return std::nullopt;
}

// The mailboxes of all fields of that name that are De-Mail addresses: To and Cc may name others, whom the message reaches by
// other ways and of whom De-Mail knows nothing.
std::vector<mail::Mailbox> listed(const Directory& directory, const mail::Header& header, std::string_view name) {
  std::vector<mail::Mailbox> out;
  const mail::HeaderField* field = header.find(name);
  if (field == nullptr) return out;
  const auto all = mail::parse_mailbox_list(field->value());
  if (!all) return out;
  for (const mail::Mailbox& m : *all)
    if (directory.is_demail(m.address)) out.push_back(m);
  return out;
}

bool names(const std::vector<mail::Mailbox>& list, const mail::Address& address) {
  return std::any_of(list.begin(), list.end(), [&](const mail::Mailbox& m) { return m.address.folded() == address.folded(); });
}

std::optional<Refusal> sort_recipients(const Directory& directory, const Envelope& envelope, Draft& draft) {
  if (const mail::HeaderField* field = draft.header.find(demail::field::chosen_recipient)) {
    auto parsed = parse_chosen(field->value());
    if (!parsed) return Refusal{Refused::invalid_format, std::string(demail::field::chosen_recipient)};
    draft.chosen = {std::move(parsed->to), std::move(parsed->cc), {}};
    for (const auto* list : {&draft.chosen.to, &draft.chosen.cc})
      for (const mail::Mailbox& m : *list)
        if (!directory.is_demail(m.address)) return Refusal{Refused::recipient_not_demail, m.address.text()};
  } else {
    draft.chosen = {listed(directory, draft.header, "To"), listed(directory, draft.header, "Cc"), {}};
  }
  for (const mail::Address& r : envelope.recipients) {
    if (const auto refusal = check_recipient(directory, r)) return refusal;
    (names(draft.chosen.to, r) || names(draft.chosen.cc, r) ? draft.visible : draft.blind).push_back(r);
  }
  return std::nullopt;
}

std::optional<Refusal> read_addresses(const Directory& directory, const Login& login, const mail::MessageFacts& facts,
                                      Draft& draft) {
  if (!facts.from) return Refusal{Refused::invalid_format, "From"};
  if (!login.account->has(facts.from->address)) return Refusal{Refused::sender_not_yours, facts.from->address.text()};
  draft.sender = facts.from->address;
  if (const mail::HeaderField* field = draft.header.find(demail::field::sender)) {
    const auto sender = mail::Address::parse(field->value());
    if (!sender) return Refusal{Refused::invalid_format, std::string(demail::field::sender)};
    if (!login.account->has(*sender)) return Refusal{Refused::sender_not_yours, sender->text()};
    draft.sender = *sender;
  }
  if (const mail::HeaderField* field = draft.header.find("Reply-To")) {
    const auto list = mail::parse_mailbox_list(field->value());
    if (!list || list->size() != 1) return Refusal{Refused::invalid_format, "Reply-To"};
    if (!directory.is_demail(list->front().address)) return Refusal{Refused::reply_not_demail, list->front().address.text()};
    draft.reply_to = list->front().address;
  }
  return std::nullopt;
}

}  // namespace

const RefusalRow& row_of(Refused why) {
  return *std::find_if(k_refusals.begin(), k_refusals.end(), [&](const RefusalRow& row) { return row.why == why; });
}

std::optional<Refusal> check_sender(const Login& login, const mail::ReversePath& reverse_path) {
  if (login.account == nullptr) return Refusal{Refused::not_logged_in, ""};
  if (!reverse_path || !login.account->has(*reverse_path))
    return Refusal{Refused::sender_not_yours, reverse_path ? reverse_path->text() : "<>"};
  return std::nullopt;
}

std::optional<Refusal> check_recipient(const Directory& directory, const mail::Address& recipient) {
  if (directory.is_demail(recipient)) return std::nullopt;
  return Refusal{Refused::recipient_not_demail, recipient.text()};
}

std::variant<Draft, Refusal> check_draft(const Directory& directory, const Login& login, const Envelope& envelope,
                                         std::string_view message) {
  if (auto refusal = check_sender(login, envelope.reverse_path)) return *std::move(refusal);
  const mail::MessageFacts facts = mail::inspect(message);
  if (facts.defects.contains(mail::Defect::malformed_header) || facts.defects.contains(mail::Defect::header_too_large))
    return Refusal{Refused::invalid_format, "header"};
  Draft draft;
  draft.header = facts.header;
  draft.body = message.substr(facts.header_size);
  draft.subject = facts.subject;
  draft.message_id = facts.message_id;
  draft.options = options_of(draft.header);
  if (const mail::HeaderField* field = draft.header.find(demail::field::private_id)) draft.private_id = field->value();
  if (draft.private_id.size() > demail::k_max_private_id) return Refusal{Refused::long_private_id, ""};
  if (auto refusal = read_addresses(directory, login, facts, draft)) return *std::move(refusal);
  if (auto refusal = sort_recipients(directory, envelope, draft)) return *std::move(refusal);
  if (auto refusal = check_options(login, draft)) return *std::move(refusal);
  const std::uint64_t size = net_size(message, facts);
  if (size > k_net_size) return Refusal{Refused::too_large, std::to_string(size) + " bytes"};
  return draft;
}

std::uint64_t net_size(std::string_view message, const mail::MessageFacts& facts) {
  std::uint64_t out = 0;
  for (const mail::Part& part : facts.parts)
    if (is_leaf(part)) out += decode(message, part).size();
  return out;
}

bool has_malware(std::string_view message) {
  // in two pieces: a scanner would find this source otherwise
  static const std::string k_eicar = std::string("X5O!P%@AP[4\\PZX54(P^)7CC)7}$") + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
  if (message.find(k_eicar) != std::string_view::npos) return true;
  const mail::MessageFacts facts = mail::inspect(message);
  return std::any_of(facts.parts.begin(), facts.parts.end(), [&](const mail::Part& part) {
    return is_leaf(part) && decode(message, part).find(k_eicar) != std::string::npos;
  });
}

}  // namespace simulator
