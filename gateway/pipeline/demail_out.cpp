#include "gateway/pipeline/demail_out.hpp"

#include <algorithm>
#include <set>

#include "demail/model/fields.hpp"
#include "mail/address/words.hpp"

namespace pipeline {
namespace {

// Places that a De-Mail does not have: a reply goes to its De-Mail address, and who else gets it is nobody's business.
constexpr std::string_view k_taken_out[] = {"Bcc", "Resent-Bcc", "Reply-To", "Sender", "Envelope-to"};

// From with the sender's name and his De-Mail address.
base::Result<std::string> from_field(const policies::DeMailChoice& choice, const mail::MessageFacts& facts) {
  const std::string name = facts.from ? facts.from->display_name : "";
  if (name.empty()) return mail::format_field("From", choice.sender);
  auto words = mail::format_phrase(name, std::string_view("From: ").size());
  if (!words) return words;
  return "From: " + *words + "\r\n <" + choice.sender + ">\r\n";
}

bool is_in(const mail::MessageFacts& facts, const char* field_name, const mail::Address& address) {
  for (const auto& field : facts.header.fields()) {
    if (!field.is(field_name)) continue;
    const auto list = mail::parse_mailbox_list(field.value());
    if (!list) continue;
    for (const auto& mailbox : *list)
      if (mailbox.address.folded() == address.folded()) return true;
  }
  return false;
}

}  // namespace

std::string private_id_of(const base::MessageId& mid, std::uint32_t group) { return mid.text() + "." + std::to_string(group); }

base::Result<std::vector<mail::Edit>> demail_edits(const policies::PolicyDecision& decision, const mail::MessageFacts& facts) {
  std::set<std::string> names(std::begin(k_taken_out), std::end(k_taken_out));
  for (const auto& field : facts.header.fields())
    if (is_mark(field.name)) names.emplace(field.name);
  names.insert(decision.strip.begin(), decision.strip.end());
  std::vector<mail::Edit> edits = mail::remove_fields(facts, {names.begin(), names.end()});
  const auto replace = [&](const char* name, const std::string& field) {
    auto old = mail::remove_fields(facts, {name});
    if (!old.empty()) old.front().insert = field;
    edits.insert(edits.end(), old.begin(), old.end());
  };
  auto from = from_field(*decision.demail, facts);
  if (!from) return std::move(from).error();
  replace("From", *from);
  const auto subject = decision.keywords.empty() ? std::nullopt : mail::subject_without(facts, decision.keywords);
  if (subject) {
    auto field = mail::format_field("Subject", *subject);
    if (!field) return std::move(field).error();
    replace("Subject", *field);
  }
  std::sort(edits.begin(), edits.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return edits;
}

base::Result<std::string> demail_top(const PrepareInput& in, const mail::MessageFacts& facts) {
  const policies::DeMailChoice& choice = *in.group.first().decision.demail;
  auto sender = mail::Address::parse(choice.sender);
  if (!sender) return std::move(sender).error();
  demail::UserFields fields{choice.options, *std::move(sender), {}, private_id_of(in.message.mid, in.group.number)};
  for (const Addressee& a : in.group.members) {
    const mail::Mailbox mailbox{"", a.record.address};
    if (!a.record.visible)
      fields.recipients.bcc.push_back(mailbox);
    else if (is_in(facts, "Cc", a.record.address) && !is_in(facts, "To", a.record.address))
      fields.recipients.cc.push_back(mailbox);
    else
      fields.recipients.to.push_back(mailbox);
  }
  return demail::format_user_fields(fields);
}

}  // namespace pipeline
