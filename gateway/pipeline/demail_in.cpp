#include "gateway/pipeline/demail_in.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "gateway/pipeline/demail_news.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"

namespace pipeline {
namespace {

using demail::MessageType;

constexpr std::chrono::seconds k_order_patience{5};

base::Result<certs::TrustStorePtr> anchors_of(const Snapshot& snapshot) {
  return snapshot.keys->trust_under(snapshot.demail_anchors);
}

bool is_ours(const config::Options& options, const mail::Address& address) {
  return options.demail.mailbox_of(address).has_value();
}

// Whose message it is about: the sender in the metadata says; without one, whom it was written to first.
bool is_about_ours(const config::Options& options, const demail::Evidence& evidence) {
  if (evidence.confirmation) {
    const auto sender = mail::Address::parse(std::string(base::trim(evidence.confirmation->metadatum(demail::field::sender))));
    if (sender) return is_ours(options, *sender);
  }
  if (parse_private_id(evidence.fields.private_id)) return true;
  if (!evidence.fields.chosen) return true;
  const auto& to = evidence.fields.chosen->to;
  return to.empty() || std::any_of(to.begin(), to.end(), [&](const mail::Mailbox& m) { return is_ours(options, m.address); });
}

template <class Finding>
void add_words(const std::set<Finding>& findings, std::vector<std::string>& out) {
  for (const Finding finding : findings) out.emplace_back(name_of(finding));
}

std::vector<std::string> words_of(const demail::Evidence& evidence, const std::set<demail::EvidenceFinding>& bound) {
  std::vector<std::string> out;
  add_words(evidence.findings, out);
  add_words(bound, out);
  add_words(evidence.xml, out);
  for (const auto finding : evidence.integrity.findings) out.push_back(std::string("integrity:") + demail::name_of(finding));
  for (const auto finding : evidence.xml_certificate) out.push_back(std::string("xml_certificate:") + certs::name_of(finding));
  for (const auto finding : evidence.fields.findings) out.push_back(std::string("field:") + demail::name_of(finding));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// The message of ours, with those recipients who share the De-Mail.
struct Found {
  store::MessageRow row;
  MessageRecord record;
  PrivateId id;
  std::vector<Addressee> members;
};

class Matcher {
 public:
  Matcher(const NewsInput& input, const demail::Evidence& evidence, base::ByteView raw)
      : m_in(input), m_evidence(evidence), m_raw(raw) {}

  base::Result<ProviderNews> match() {
    auto id = named();
    if (!id) return std::move(id).error();
    // without a private-id it is named by what the confirmation of dispatch calls the message, which may be just behind it
    if (!*id && m_is_called_unknown && m_in.now - m_in.row.received < k_order_patience)
      return ProviderNews(Later{"what names its message may be on its way"});
    if (!*id) return doubtful("demail_unmatched", {});
    const auto repeated = was_there(**id);
    if (!repeated) return repeated.error();
    auto found = find(**id);
    if (!found) return std::move(found).error();
    if (!*found) return *repeated ? repeated_one(**id) : gone(**id);
    return judge(**found, *repeated);
  }

 private:
  ProviderNews doubtful(const char* why, const std::set<demail::EvidenceFinding>& bound) const {
    return Doubtful{why, words_of(m_evidence, bound)};
  }

  base::Result<std::optional<PrivateId>> named() const {
    if (!m_evidence.fields.private_id.empty()) return parse_private_id(m_evidence.fields.private_id);
    if (!m_evidence.confirmation) return std::optional<PrivateId>{};
    const std::string called(base::trim(m_evidence.confirmation->metadatum(demail::field::message_id)));
    const auto split = parse_private_id(std::string(base::trim(m_evidence.confirmation->metadatum(demail::field::private_id))));
    if (split) return split;
    if (called.empty()) return std::optional<PrivateId>{};
    const auto mid = m_in.store.find_message_called(called);
    if (!mid) return mid.error();
    m_is_called_unknown = !*mid;
    if (!*mid) return std::optional<PrivateId>{};
    m_called = called;
    return std::optional(PrivateId{**mid, 0});
  }

  // Evidence with this own id counted for that message already.
  base::Result<bool> was_there(const PrivateId& id) const {
    const auto messages = m_in.store.find_evidence(own_id_of(m_evidence, m_raw));
    if (!messages) return messages.error();
    return std::find(messages->begin(), messages->end(), id.mid) != messages->end();
  }

  base::Result<std::optional<Found>> find(const PrivateId& named) const {
    const auto id = m_in.store.find_id(named.mid);
    if (!id) return id.error();
    if (!*id) return std::optional<Found>{};
    auto row = m_in.store.load(**id, true);
    if (!row) return std::move(row).error();
    if (!*row) return std::optional<Found>{};
    auto record = decode_message((*row)->record);
    if (!record) return std::move(record).error();
    Found out{**std::move(row), *std::move(record), named, {}};
    for (const auto& r : out.row.recipients) {
      auto recipient = decode_recipient(r.record);
      if (!recipient) return std::move(recipient).error();
      if (!recipient->decision.demail || !recipient->carried) continue;
      const bool is_meant =
          m_called.empty() ? recipient->carried->group == named.group : recipient->carried->message_id == m_called;
      if (!is_meant) continue;
      out.id.group = recipient->carried->group;
      out.members.push_back({r, *std::move(recipient)});
    }
    return std::optional(std::move(out));
  }

  // Its chain is closed. What counted before has come once more; what did not is for a person.
  base::Result<ProviderNews> repeated_one(const PrivateId& id) const {
    if (!demail::counts(m_evidence, {})) return doubtful("demail_unproven", {});
    return ProviderNews(make_repeated(m_in, m_evidence, id.mid));
  }
  base::Result<ProviderNews> gone(const PrivateId& id) const {
    const auto leaves = m_in.store.leaves_of(id.mid);
    if (!leaves) return leaves.error();
    return doubtful(leaves->empty() ? "demail_unmatched" : "demail_late", {});
  }

  base::Result<std::set<demail::EvidenceFinding>> bind_to(const Found& found, std::vector<mail::Address> recipients) const {
    const auto facts = mail::inspect(*found.row.body);
    if (!facts) return facts.error();
    const auto& first = found.members.front().record;
    demail::Sent sent;
    sent.private_id = found.id.mid.text() + "." + std::to_string(found.id.group);
    if (auto sender = mail::Address::parse(first.decision.demail->sender)) sent.sender = *std::move(sender);
    sent.recipients = std::move(recipients);
    sent.message_id = first.carried->message_id;
    sent.integrity = first.carried->integrity;
    sent.body = mail::slice(found.row.body, facts->header_size, found.row.body->size().value);
    const auto* account = m_in.snapshot.options->demail.find_account(first.decision.demail->account);
    if (account != nullptr) sent.own_provider = account->provider;
    return demail::bind(m_evidence, sent);
  }

  base::Result<ProviderNews> judge(const Found& found, bool repeated) const {
    if (found.members.empty()) return doubtful("demail_unmatched", {});
    std::vector<mail::Address> recipients;
    for (const Addressee& a : found.members) recipients.push_back(a.record.address);
    const auto bound = bind_to(found, recipients);
    if (!bound) return bound.error();
    if (!demail::counts(m_evidence, *bound)) return doubtful("demail_unproven", *bound);
    if (repeated) return ProviderNews(make_repeated(m_in, m_evidence, found.id.mid));
    std::vector<Addressee> concerned;
    for (const std::size_t i : whom_it_concerns(m_evidence, recipients)) concerned.push_back(found.members[i]);
    if (concerned.empty()) return doubtful("demail_ambiguous", *bound);
    const auto is = [&](store::State state) { return [state](const Addressee& a) { return a.row.state == state; }; };
    if (std::any_of(concerned.begin(), concerned.end(), is(store::State::in_flight)))
      return ProviderNews(Later{"its message is being handed over"});
    const CarrierWord word = word_of(m_evidence.fields.type);
    const auto disagrees = [&](const Addressee& a) { return contradicts(*a.record.carried, word); };
    if (std::any_of(concerned.begin(), concerned.end(), disagrees)) return doubtful("demail_contradiction", *bound);
    const auto is_old = [&](const Addressee& a) { return store::is_final(a.row.state) || is_known(*a.record.carried, word); };
    const bool all_old = std::all_of(concerned.begin(), concerned.end(), is_old);
    std::erase_if(concerned, is_old);
    // said in other words before, or nobody is left to whom it could say anything: a person looks at it
    if (all_old) return doubtful("demail_late", *bound);
    // a failure ends the message: what was issued just before it, and comes together with it, goes first
    const auto awaits_dispatch = [](const Addressee& a) { return a.record.decision.demail->options.dispatch && !a.record.carried->dispatched; };
    if (word == CarrierWord::lost && m_in.now - m_in.row.received < k_order_patience && std::any_of(concerned.begin(), concerned.end(), awaits_dispatch))
      return ProviderNews(Later{"the confirmation of dispatch may be on its way"});
    const NewsThatCounts news{m_in, m_evidence, m_raw, found.row, found.record, std::move(concerned), words_of(m_evidence, *bound)};
    Settled settled = make_settled(news);
    // it must not end unheard because there was no room for that mail just now
    if (is_mail_due(news) && settled.change.inserts.empty()) return base::fail(base::k_io, "the mail to its sender could not be stored");
    return ProviderNews(std::move(settled));
  }

  const NewsInput& m_in;
  const demail::Evidence& m_evidence;
  base::ByteView m_raw;
  mutable std::string m_called;  // the provider's name for the De-Mail, where nothing else named it
  mutable bool m_is_called_unknown = false;
};

// An address of the list that stands in the text as a word of its own.
bool names_address(std::string_view text, const std::string& address) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("@.-_+").find(c) != std::string_view::npos;
  };
  for (std::size_t at = text.find(address); at != std::string_view::npos; at = text.find(address, at + 1)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const std::size_t end = at + address.size();
    // a full stop may end the sentence
    const bool ends =
        end == text.size() || !is_word(text[end]) || (text[end] == '.' && (end + 1 == text.size() || !is_word(text[end + 1])));
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

std::optional<PrivateId> parse_private_id(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == text.size() || text.size() - dot > 6) return std::nullopt;
  const auto mid = base::MessageId::parse(text.substr(0, dot));
  if (!mid) return std::nullopt;
  std::uint32_t group = 0;
  for (const char c : text.substr(dot + 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    group = group * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return PrivateId{*mid, group};
}

std::vector<std::size_t> whom_it_concerns(const demail::Evidence& evidence, const std::vector<mail::Address>& recipients) {
  std::vector<std::size_t> out;
  const auto keep = [&](const auto& is_meant) {
    out.clear();
    for (std::size_t i = 0; i < recipients.size(); ++i)
      if (is_meant(recipients[i].folded())) out.push_back(i);
    return out.size() == 1;
  };
  if (evidence.fields.type == MessageType::dispatch || recipients.size() == 1) {
    keep([](const std::string&) { return true; });
    return out;
  }
  if (!evidence.confirmation) return {};
  // where the recipient's provider put it into the mailbox; it stands in the signed metadata
  const std::string mailbox = base::to_lower(base::trim(evidence.confirmation->metadatum("Envelope-to")));
  if (!mailbox.empty() && keep([&](const std::string& address) { return names_address(mailbox, address); })) return out;
  const std::string text = base::to_lower(evidence.confirmation->text);
  if (keep([&](const std::string& address) { return names_address(text, address); })) return out;
  return {};
}

base::Result<ProviderNews> read_news(const NewsInput& in) {
  const auto facts = mail::inspect(*in.row.body);
  if (!facts) return facts.error();
  const demail::Fields fields = demail::read_fields(facts->header);
  if (!demail::is_confirmation(fields.type) && !demail::is_notification(fields.type)) return ProviderNews(Ordinary{});
  if (in.row.body->size().value > demail::k_max_confirmation.value)
    return ProviderNews(Doubtful{"demail_unproven", {"too_large"}});
  const auto raw = base::read_all(*in.row.body, demail::k_max_confirmation);
  if (!raw) return raw.error();
  const auto anchors = anchors_of(in.snapshot);
  if (!anchors) return anchors.error();
  const auto evidence = demail::read_evidence(*raw, anchors->get(), in.row.received);
  if (!evidence) return evidence.error();
  if (!is_about_ours(*in.snapshot.options, *evidence)) return ProviderNews(Ordinary{});
  return Matcher(in, *evidence, *raw).match();
}

base::Result<DeMailVerdict> judge_demail(const Snapshot& snapshot, const base::ContentPtr& message,
                                         const mail::MessageFacts& facts, base::Timestamp at) {
  const auto anchors = anchors_of(snapshot);
  if (!anchors) return anchors.error();
  DeMailVerdict out;
  out.fields = demail::read_fields(facts.header);
  const auto body = mail::slice(message, facts.header_size, message->size().value);
  auto integrity = demail::verify_integrity(facts.header, *body, anchors->get(), at);
  if (!integrity) return std::move(integrity).error();
  out.integrity = *std::move(integrity);
  return out;
}

std::string demail_mark(const DeMailVerdict& verdict, bool released, const base::MessageId& mid) {
  const demail::Fields& f = verdict.fields;
  std::string type = f.has_type ? demail::name_of(f.type) : "none";
  std::replace(type.begin(), type.end(), ' ', '-');
  const auto& found = verdict.integrity.findings;
  const char* integrity = found.contains(demail::IntegrityFinding::absent) ? "absent"
                          : verdict.integrity.is_whole()                   ? "good"
                                                                           : "broken";
  std::string out = "type=" + type + "; integrity=" + integrity + "; signed=";
  out += verdict.integrity.is_proven() ? "proven" : verdict.integrity.is_signed ? "unproven" : "no";
  // "Absenderbestätigt" is what a provider signed, and nothing that a header says alone
  if (f.options.authoritative) out += std::string("; authoritative=") + (verdict.integrity.is_proven() ? "yes" : "unproven");
  if (f.level) out += std::string("; level=") + demail::name_of(*f.level);
  if (f.options.personal) out += "; personal=yes";
  if (released) out += "; quarantine=released";
  return out + "; mid=" + mid.text();
}

}  // namespace pipeline
