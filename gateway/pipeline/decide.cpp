#include "gateway/pipeline/decide.hpp"

namespace pipeline {
namespace {

constexpr std::size_t k_max_reply_lines = 20;  // of a refusal that names many recipients

// Who signs: the identity a rule names, else the From mailbox, else (at RCPT) the reverse path. Without an identity: who sends.
std::optional<mail::Address> signer_of(const Case& c, const std::string& identity) {
  if (!identity.empty()) {
    auto named = mail::Address::parse(identity);
    if (named) return *std::move(named);
    return std::nullopt;
  }
  if (c.message != nullptr && c.message->from) return c.message->from->address;
  return c.reverse_path;
}

}  // namespace

policies::PolicyDecision decide_one(const Snapshot& snapshot, const Case& c, const mail::Address& recipient, policies::Direction direction) {
  policies::Question question;
  question.origin = c.origin;
  question.reverse_path = c.reverse_path;
  question.message = c.message;
  question.opened = c.opened;
  question.now = c.now;
  question.released = c.released;
  question.recipient = {recipient, direction, {}, snapshot.options->demail.facts_of(signer_of(c, ""), recipient, c.now)};
  const policies::LookupPlan plan = policies::ask(*snapshot.options->rules, question);
  for (const certs::Method method : plan.recipient_keys) question.recipient.keys[method] = snapshot.keys->recipient_key(recipient, method, c.now);
  const auto signer = signer_of(c, plan.identity);
  for (const certs::Method method : plan.signer_keys) {
    certs::KeyFacts facts;
    facts.state = certs::Lookup::absent;
    question.signer.keys[method] = signer ? snapshot.keys->signer_key(*signer, method, c.now) : facts;
  }
  return policies::decide(*snapshot.options->rules, question);
}

std::optional<smtp::Reply> combine(const std::vector<RecipientRecord>& recipients, bool own_sender, const std::string& language, const char*& word) {
  const RecipientRecord* refused = nullptr;
  const RecipientRecord* later = nullptr;
  std::vector<std::string> lines;
  for (const RecipientRecord& r : recipients) {
    if (r.decision.outcome == policies::Outcome::refuse) {
      if (refused == nullptr) refused = &r;
      for (std::string& line : decision_lines(r.decision, r.address.text(), language))
        if (lines.size() < k_max_reply_lines) lines.push_back(std::move(line));
    }
    if (r.decision.outcome == policies::Outcome::later && later == nullptr) later = &r;
  }
  const RecipientRecord* first = refused != nullptr ? refused : later;
  if (first == nullptr) return std::nullopt;
  const Refusal refusal = refused != nullptr ? refusal_of(first->decision.reason) : Refusal::unknown_lookup;
  const ReplyRow& row = row_of(refusal);
  word = row.word;
  if (!own_sender) return reply_for_stranger(refusal);
  if (refused == nullptr) return reply_for_own(refusal, first->address.text(), first->decision.rule, language);
  return smtp::Reply{row.code, row.enhanced, std::move(lines)};
}

}  // namespace pipeline
