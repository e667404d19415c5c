#include "simulator/model/letter.hpp"

#include "base/core/bytes.hpp"
#include "base/core/id.hpp"
#include "simulator/model/header_block.hpp"
#include "simulator/model/words.hpp"

namespace simulator {
namespace {

const char* yes_no(bool value) { return value ? "yes" : "no"; }

void add_options(HeaderBlock& out, const demail::Options& o) {
  out.add(demail::field::dispatch, yes_no(o.dispatch));
  out.add(demail::field::receipt, yes_no(o.receipt));
  out.add(demail::field::retrieve, yes_no(o.retrieve));
  out.add(demail::field::authoritative, yes_no(o.authoritative));
  out.add(demail::field::personal, yes_no(o.personal));
}

// Bcc never leaves; Date is the moment of the hand-over.
bool is_replaced(const mail::HeaderField& field) {
  for (const char* name : {"Date", "Bcc", "Envelope-to", "Return-Path"})
    if (field.is(name)) return true;
  return base::starts_with_ignoring_case(field.name, "x-de-mail-");
}

std::string write_header(const Letter& letter, const Draft& draft, const Login& login, const demail::Recipients& chosen) {
  const Provider& provider = provider_of(letter.side);
  HeaderBlock out(letter.side);
  out.add(demail::field::version, k_version);
  out.add(demail::field::message_id, letter.id);
  out.add(demail::field::message_type, word_of(demail::MessageType::normal));
  out.add(demail::field::originator_provider, provider.hostname);
  out.add(demail::field::account_holder, login.account->holder);
  out.add(demail::field::auth_level, word_of(login.level));
  out.add(demail::field::auth_mechanism, login.mechanism);
  out.add(demail::field::sender, letter.sender.text());
  const std::string list = format_chosen(chosen);
  out.add_list(demail::field::chosen_recipient, list);
  out.add_list(demail::field::actual_recipient, list);
  add_options(out, letter.options);
  // "Der DMDA darf das Feld nicht verändern"
  out.add_raw(letter.private_id_field);
  out.add("Date", base::format_rfc5322(letter.date));
  if (draft.message_id.empty())
    out.add("Message-ID", letter.id.starts_with('<') ? letter.id : "<" + letter.id + "@" + provider.hostname + ">");
  if (draft.header.find("Subject") == nullptr) out.add_raw("Subject: \r\n");
  for (const mail::HeaderField& field : draft.header.fields())
    if (!is_replaced(field)) out.add_raw(field.raw);
  return out.text();
}

Letter write_letter(const Draft& draft, const Login& login, base::Timestamp now, std::vector<mail::Address> recipients,
                    bool is_blind) {
  Letter out;
  out.side = login.account->side;
  out.body = draft.body;
  out.id = make_id(out.side, now);
  out.private_id = draft.private_id;
  if (const mail::HeaderField* field = draft.header.find(demail::field::private_id)) out.private_id_field = field->raw;
  out.subject = draft.subject;
  out.message_id = draft.message_id;
  out.options = draft.options;
  out.sender = draft.sender;
  out.answer_to = draft.answer_to();
  out.date = now;
  out.recipients = std::move(recipients);
  out.is_blind = is_blind;
  demail::Recipients chosen = draft.chosen;
  // addresses that the field names and the envelope does not stay: the sender chose them, whoever carries it there
  if (is_blind) chosen.bcc = {mail::Mailbox{"", out.recipients.front()}};
  out.header = write_header(out, draft, login, chosen);
  out.has_malware = has_malware(out.bytes());
  return out;
}

}  // namespace

std::vector<Letter> write_letters(const Draft& draft, const Login& login, base::Timestamp now) {
  std::vector<Letter> out;
  if (!draft.visible.empty()) out.push_back(write_letter(draft, login, now, draft.visible, false));
  for (const mail::Address& blind : draft.blind) out.push_back(write_letter(draft, login, now, {blind}, true));
  return out;
}

std::string make_id(Side side, base::Timestamp now) {
  const std::string id = base::make_raw_id(now).text();
  return side == Side::a ? "<" + id + "@" + provider_of(side).hostname + ">" : id;
}

std::string with_envelope_to(std::string_view header, const mail::Address& recipient) {
  std::string out = "Envelope-to: " + recipient.text() + "\r\n";
  bool clean = true;
  const mail::Header parsed = mail::Header::parse_leniently(std::string(header), clean);
  for (const mail::HeaderField& field : parsed.fields())
    if (!field.is("Envelope-to")) out += field.raw;
  return out;
}

}  // namespace simulator
