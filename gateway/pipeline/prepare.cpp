#include "gateway/pipeline/prepare.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "crypto/protect/errors.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/demail_in.hpp"
#include "gateway/pipeline/demail_out.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/scratch.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"
#include "mail/message/seven_bit.hpp"

namespace pipeline {
namespace {

using policies::SignMethod;

std::string received_field(const PrepareInput& in) {
  const auto& r = in.record;
  std::string out = "Received: ";
  if (!r.received_from.empty()) out += "from " + base::escape_remote(r.received_from, 300) + "\r\n\t";
  out += "by " + in.snapshot.options->site.hostname + " with " + r.protocol + "\r\n\tid " + in.message.mid.text() +
         "\r\n\t(receipt " + r.receipt.text() + "); " + base::format_rfc5322(in.message.received) + "\r\n";
  return out;
}

std::string top_of(const PrepareInput& in) {
  return (in.record.own_notice ? std::string() : received_field(in)) + in.record.extra_header;
}

// Our own header edits of a message that we pass on: what stands in the outermost header, nothing below.
base::Result<std::vector<mail::Edit>> header_edits(const PrepareInput& in, const mail::MessageFacts& facts, bool from_outside) {
  const auto& d = in.group.first().decision;
  std::vector<std::string> names = {"Bcc", "Resent-Bcc"};
  names.insert(names.end(), d.strip.begin(), d.strip.end());
  if (from_outside || in.record.has_marks) {
    // of our own servers' results nobody outside can have written any
    if (from_outside) names.emplace_back(k_results_field);
    const bool by_carrier = in.record.origin.role == config::ListenerRole::demail;
    for (const auto& field : facts.header.fields())
      if (is_mark(field.name) && !(by_carrier && demail::is_demail_field(field.name))) names.emplace_back(field.name);
  }
  auto edits = mail::remove_fields(facts, names);
  const auto subject = d.keywords.empty() ? std::nullopt : mail::subject_without(facts, d.keywords);
  if (subject) {
    auto field = mail::format_field("Subject", *subject);
    if (!field) return std::move(field).error();
    auto old = mail::remove_fields(facts, {"Subject"});
    if (!old.empty()) old.front().insert = *field;
    edits.insert(edits.end(), old.begin(), old.end());
    std::sort(edits.begin(), edits.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  }
  return edits;
}

// A report that answers opened mail must not carry it out again.
bool may_return_mail(const PrepareInput& in) {
  return !in.record.reverse_path && !in.record.own_notice && in.group.first().direction == policies::Direction::outbound;
}

bool needs_look(const PrepareInput& in) {
  const auto& d = in.group.first().decision;
  return in.record.has_bcc || in.record.has_marks || !d.keywords.empty() || !d.strip.empty() || may_return_mail(in);
}

base::Result<crypto::ProtectRequest> protect_request(const PrepareInput& in) {
  crypto::ProtectRequest request;
  const auto& first = in.group.first().decision;
  request.home = in.snapshot.keys->home();
  if (first.sign == SignMethod::smime) {
    if (!first.signer) return base::fail(k_key_gone, "no signer");
    auto identity = in.snapshot.keys->identity(first.signer->fingerprint);
    if (!identity) return std::move(identity).error();
    request.sign = crypto::SmimeSign{*std::move(identity)};
  } else if (first.sign == SignMethod::openpgp) {
    if (!first.signer) return base::fail(k_key_gone, "no signer");
    request.sign = crypto::OpenPgpSign{first.signer->fingerprint};
  }
  if (!first.encrypt) return request;
  if (*first.encrypt == certs::Method::smime) {
    crypto::SmimeEncrypt encrypt;
    encrypt.gcm = true;
    for (const Addressee& a : in.group.members) {
      if (!a.record.decision.key) return base::fail(k_key_gone, a.record.address.text());
      auto certificate = in.snapshot.keys->certificate(a.record.decision.key->fingerprint);
      if (!certificate) return std::move(certificate).error();
      encrypt.recipients.push_back(*std::move(certificate));
      encrypt.gcm = encrypt.gcm && a.record.decision.key->reads_gcm;
    }
    request.encrypt = std::move(encrypt);
  } else {
    crypto::OpenPgpEncrypt encrypt;
    for (const Addressee& a : in.group.members) {
      if (!a.record.decision.key) return base::fail(k_key_gone, a.record.address.text());
      encrypt.recipients.push_back(a.record.decision.key->fingerprint);
    }
    request.encrypt = std::move(encrypt);
  }
  return request;
}

struct Edited {
  base::ContentPtr content;
  mail::MessageFacts facts;
};

base::Result<Edited> edited(const PrepareInput& in, bool from_outside) {
  auto facts = mail::inspect(*in.message.body);
  if (!facts) return std::move(facts).error();
  auto edits = header_edits(in, *facts, from_outside);
  if (!edits) return std::move(edits).error();
  if (may_return_mail(in)) {
    auto returned = mail::remove_returned(*facts);
    if (!returned) return std::move(returned).error();
    edits->insert(edits->end(), std::make_move_iterator(returned->begin()), std::make_move_iterator(returned->end()));
  }
  if (edits->empty()) return Edited{in.message.body, *std::move(facts)};
  auto content = mail::apply(in.message.body, *std::move(edits));
  auto again = mail::inspect(*content);
  if (!again) return std::move(again).error();
  return Edited{std::move(content), *std::move(again)};
}

// Signed, encrypted, or both.
base::Result<Prepared> protect_group(const PrepareInput& in) {
  auto request = protect_request(in);
  if (!request) return std::move(request).error();
  auto e = edited(in, false);
  if (!e) return std::move(e).error();
  const bool signs = !std::holds_alternative<std::monostate>(request->sign);
  if (signs && mail::needs_seven_bit(e->facts)) {
    auto clean = mail::make_seven_bit(e->content, e->facts);
    if (!clean) return std::move(clean).error();
    e->content = *std::move(clean);
    auto again = mail::inspect(*e->content);
    if (!again) return std::move(again).error();
    e->facts = *std::move(again);
  }
  PipelineScratch scratch(in.scratch_directory);
  auto made = crypto::protect(e->content, e->facts, *request, scratch);
  if (!made) return std::move(made).error();
  Prepared out;
  const EventTime at{in.now, in.snapshot.cfg};
  out.events.push_back(transform_event(at, in.message.mid, in.group.number, made->report()));
  const auto& d = in.group.first().decision;
  out.top = top_of(in);
  if (in.group.first().direction == policies::Direction::internal) {
    out.mail = MailboxMail{made->content()};
  } else if (made->report().encrypted) {
    auto sealed = EncryptedByUs::of(*made);
    if (!sealed) return std::move(sealed).error();
    out.mail = ExternalMail{*std::move(sealed)};
  } else if (d.plaintext) {
    out.mail = ExternalMail{ClearedForPlaintext(*d.plaintext, made->content())};
  } else {
    return base::fail(k_not_allowed, "signed only, and no rule clears it for plaintext");
  }
  return out;
}

base::Result<Prepared> demail_group(const PrepareInput& in) {
  const auto& d = in.group.first().decision;
  auto facts = mail::inspect(*in.message.body);
  if (!facts) return std::move(facts).error();
  auto edits = demail_edits(d, *facts);
  if (!edits) return std::move(edits).error();
  auto fields = demail_top(in, *facts);
  if (!fields) return std::move(fields).error();
  Prepared out;
  out.top = *fields + top_of(in);
  out.dot_lines = in.record.dot_lines;
  out.eight_bit = in.record.eight_bit;
  auto content = mail::apply(in.message.body, *std::move(edits));
  if (content->size().value + out.top.size() > in.snapshot.options->demail.most.value)
    return base::fail(base::k_too_large, "larger than a De-Mail may be");
  out.mail = ExternalMail{ProtectedByCarrier(*d.demail, std::move(content))};
  return out;
}

// Unchanged but for our header edits.
base::Result<Prepared> pass_group(const PrepareInput& in) {
  base::ContentPtr content = in.message.body;
  Prepared out;
  out.top = top_of(in);
  out.dot_lines = in.record.dot_lines;
  out.eight_bit = in.record.eight_bit;
  const auto& d = in.group.first().decision;
  if (in.group.first().direction != policies::Direction::outbound) {
    if (needs_look(in)) {
      auto e = edited(in, false);
      if (!e) return std::move(e).error();
      content = std::move(e->content);
    }
    out.mail = MailboxMail{std::move(content)};
    return out;
  }
  if (in.record.own_notice) {
    auto notice = OwnNotice::of(in.record, std::move(content));
    if (!notice) return std::move(notice).error();
    out.mail = ExternalMail{*std::move(notice)};
    return out;
  }
  if (!needs_look(in) && !d.protected_by_sender) {
    if (!d.plaintext) return base::fail(k_not_allowed, "no rule clears it for plaintext");
    out.mail = ExternalMail{ClearedForPlaintext(*d.plaintext, std::move(content))};
    return out;
  }
  auto e = edited(in, false);
  if (!e) return std::move(e).error();
  if (d.protected_by_sender) {
    auto kept = crypto::recognise(e->content, e->facts);
    if (kept) {
      out.mail = ExternalMail{*std::move(kept)};
      return out;
    }
    if (!d.plaintext) return std::move(kept).error();
  }
  if (!d.plaintext) return base::fail(k_not_allowed, "no rule clears it for plaintext");
  out.mail = ExternalMail{ClearedForPlaintext(*d.plaintext, std::move(e->content))};
  return out;
}

// An address as one word of a mark: one that needs quotes could spell further words ("x; signed=valid"@y), and stays out.
std::string mark_word(const std::string& address) {
  for (const char c : address)
    if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127 ||
        std::string_view("\";,()<>\\").find(c) != std::string_view::npos)
      return "unprintable";
  return address.substr(0, 200);
}

std::string protection_mark(const PrepareInput& in, const crypto::Opened& opened, const SignatureJudgement& judged) {
  std::string out = opened.was_encrypted ? "encrypted=yes; opened=" + std::string(opened.opened ? "yes" : "no") : "encrypted=no";
  out += "; signed=" + std::string(policies::name_of(judged.verdict));
  if (judged.verdict == policies::SignatureVerdict::valid || judged.verdict == policies::SignatureVerdict::other)
    out += "; signer=" + mark_word(judged.signer);
  out += "; covers=" + std::string(opened.signers.empty() ? "none" : "all");
  if (in.group.first().released) out += "; quarantine=released";
  return out + "; mid=" + in.message.mid.text();
}

// RFC 8601 with the method smime of RFC 7281; openpgp is a local method.
std::string results_mark(const PrepareInput& in, const crypto::Opened& opened, const SignatureJudgement& judged) {
  const bool openpgp = !opened.signers.empty() && opened.signers.front().method == certs::Method::openpgp;
  std::string out = in.snapshot.options->site.hostname + ";";
  if (opened.signers.empty()) return out + " smime=none";
  const char* result = judged.verdict == policies::SignatureVerdict::valid   ? "pass"
                       : judged.verdict == policies::SignatureVerdict::other ? "policy"
                                                                             : "fail";
  out += std::string(openpgp ? " openpgp=" : " smime=") + result;
  if (!judged.signer.empty()) out += " body.smime-identifier=" + mark_word(judged.signer);
  return out;
}

base::Result<std::string> marks(const PrepareInput& in, const crypto::Opened& opened, const SignatureJudgement& judged,
                                const policies::PolicyDecision& d) {
  std::string out;
  std::vector<std::pair<std::string, std::string>> fields = {{k_results_field, results_mark(in, opened, judged)},
                                                             {k_protection_field, protection_mark(in, opened, judged)}};
  fields.insert(fields.end(), d.mark.headers.begin(), d.mark.headers.end());
  for (const auto& [name, value] : fields) {
    auto field = mail::format_field(name, value);
    if (!field) return field;
    out += *field;
  }
  return out;
}

base::ContentPtr with_subject_prefix(base::ContentPtr content, const mail::MessageFacts& facts, const std::string& prefix) {
  if (prefix.empty()) return content;
  auto field = mail::format_field("Subject", prefix + " " + facts.subject);
  if (!field) return content;
  auto edits = mail::remove_fields(facts, {"Subject"});
  if (edits.empty()) return mail::join(*field, std::move(content));
  edits.front().insert = *field;
  return mail::apply(std::move(content), std::move(edits));
}

bool is_openpgp(mail::Wrapping wrapping) {
  return wrapping == mail::Wrapping::pgp_encrypted || wrapping == mail::Wrapping::pgp_signed;
}

// What nobody but us may say, on any layer that is unwrapped: our marks, and the fields of De-Mail, whose carrier sets them on
// the outermost layer alone.
const std::vector<std::string>& marks_of_ours() {
  static const std::vector<std::string> k_all = [] {
    std::vector<std::string> out{k_protection_field, k_results_field, k_demail_field, std::string(demail::field::misspelt_private_id)};
    for (const demail::FieldRule& rule : demail::field_rules())
      if (demail::is_demail_field(rule.name)) out.emplace_back(rule.name);
    return out;
  }();
  return k_all;
}

// From outside: opened as a whole or not at all, judged, decided once more, marked.
base::Result<Prepared> open_group(const PrepareInput& in, OpenBudget& budget) {
  auto e = edited(in, true);
  if (!e) return std::move(e).error();
  std::vector<mail::Address> recipients;
  for (const Addressee& a : in.group.members) recipients.push_back(a.record.address);
  const bool wrapped = e->facts.wrapping != mail::Wrapping::none;
  // gpg streams; only CMS is read whole. So nobody waits for the memory of an operation that hangs
  const std::uint64_t share = wrapped && !is_openpgp(e->facts.wrapping) ? 4 * e->content->size().value : 0;
  budget.take(share);
  auto opened = crypto::open(e->content, e->facts, in.snapshot.keys->open_request(recipients), marks_of_ours());
  budget.give(share);
  if (!opened) return std::move(opened).error();
  auto facts = mail::inspect(*opened->content);
  if (!facts) return std::move(facts).error();
  const auto judged = in.snapshot.keys->judge(*opened, facts->from, in.now);

  policies::OpenedFacts seen{opened->was_encrypted, opened->opened, judged.verdict, judged.signer};
  const bool released = in.group.first().released;
  const Case c{in.record.origin, in.record.reverse_path, &*facts, &seen, in.now, released};
  Prepared out;
  out.second = decide_one(in.snapshot, c, recipients.front(), policies::Direction::inbound);
  const EventTime at{in.now, in.snapshot.cfg};
  if (wrapped) out.events.push_back(opened_event(at, in.message.mid, in.group.number, *opened, judged.verdict, judged.signer));
  if (released || out.second->outcome != policies::Outcome::deliver)
    for (Addressee a : in.group.members) {
      a.record.decision = *out.second;
      out.events.push_back(decide_event(at, in.message.mid, a.row.rx, a.record));
    }
  // nothing is bounced after the 250: what is not to be delivered is held, what cannot be told yet is asked again
  if (out.second->outcome == policies::Outcome::later)
    return base::fail(base::k_timeout, "a lookup that the rules depend on gave no answer");
  if (out.second->outcome != policies::Outcome::deliver) return out;
  auto mark = marks(in, *opened, judged, *out.second);
  if (!mark) return std::move(mark).error();
  if (in.record.origin.role == config::ListenerRole::demail) {
    // of the message as the provider brought it, before anything was opened
    const auto whole = mail::inspect(*in.message.body);
    if (!whole) return whole.error();
    const auto verdict = judge_demail(in.snapshot, in.message.body, *whole, in.message.received);
    if (!verdict) return verdict.error();
    auto field = mail::format_field(k_demail_field, demail_mark(*verdict, released, in.message.mid));
    if (!field) return std::move(field).error();
    *mark += *field;
    out.events.push_back(demail_opened_event(at, in.message.mid, in.group.number, *verdict));
  }
  auto content = with_subject_prefix(opened->content, *facts, out.second->mark.subject_prefix);
  out.eight_bit = facts->has_8bit_body || facts->has_8bit_header;
  out.top = *mark + top_of(in);
  out.mail = MailboxMail{std::move(content)};
  return out;
}

}  // namespace

void OpenBudget::take(std::uint64_t bytes) {
  bytes = std::min(bytes, m_limit);
  std::unique_lock lock(m_mutex);
  m_free.wait(lock, [&] { return m_left >= bytes; });
  m_left -= bytes;
}

void OpenBudget::give(std::uint64_t bytes) {
  {
    const std::lock_guard lock(m_mutex);
    m_left += std::min(bytes, m_limit);
  }
  m_free.notify_all();
}

bool is_mark(std::string_view field_name) {
  for (const char* mark : {k_protection_field, k_demail_field})
    if (base::equal_ignoring_case(field_name, mark)) return true;
  return demail::is_demail_field(field_name);
}

bool reads_body(const PrepareInput& in) {
  const auto& d = in.group.first().decision;
  return in.group.first().direction == policies::Direction::inbound || d.demail || d.encrypt || d.signer || d.protected_by_sender ||
         needs_look(in);
}

bool is_temporary(const base::Error& error) {
  for (const base::Code code : {base::k_io, base::k_disk_full, base::k_timeout, crypto::k_engine})
    if (error.code == code) return true;
  return false;
}

base::Result<Prepared> prepare(const PrepareInput& in, OpenBudget& budget) {
  const auto& first = in.group.first();
  if (first.direction == policies::Direction::inbound) return open_group(in, budget);
  if (first.decision.demail) return demail_group(in);
  const bool signs = first.decision.sign == SignMethod::smime || first.decision.sign == SignMethod::openpgp;
  if ((first.decision.encrypt || signs) && !first.decision.protected_by_sender) return protect_group(in);
  return pass_group(in);
}

bool needs_openpgp(const PrepareInput& in) {
  const auto& first = in.group.first();
  if (first.direction != policies::Direction::inbound)
    return first.decision.encrypt == certs::Method::openpgp || first.decision.sign == SignMethod::openpgp;
  const auto facts = mail::inspect(*in.message.body);
  return facts && is_openpgp(facts->wrapping);
}

PrepareJob::PrepareJob(SnapshotPtr snapshot, const PrepareInput& input, std::shared_ptr<OpenBudget> budget)
    : m_snapshot(std::move(snapshot)), m_record(input.record), m_group(input.group), m_scratch(input.scratch_directory), m_now(input.now), m_budget(std::move(budget)) {
  m_message.id = input.message.id;
  m_message.mid = input.message.mid;
  m_message.received = input.message.received;
  m_message.size = input.message.size;
  m_message.body = input.message.body;
}

base::Result<Prepared> PrepareJob::operator()() {
  return prepare({*m_snapshot, m_message, m_record, m_group, m_scratch, m_now}, *m_budget);
}

}  // namespace pipeline
