#include "gateway/pipeline/intake.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/intake_message.hpp"
#include "gateway/pipeline/recipient_probe.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::Reply;
using smtp::server::Envelope;
using smtp::server::SessionInfo;

constexpr base::log::Event k_event_refused{"smtp.refused"};
constexpr base::log::Event k_event_login{"smtp.login_failed"};

class Session : public smtp::server::SessionSink {
 public:
  Session(Context& context, Login& login, Handoff& handoff, SnapshotPtr snapshot, const config::ListenerOptions& listener)
      : m_context(context), m_login(login), m_handoff(handoff) {
    m_state.snapshot = std::move(snapshot);
    m_state.listener = listener;
    m_state.claim.role = listener.role;
    m_state.claim.listener = &m_state.listener;
  }

  // Network or certificate, where that is what the listener goes by. False: nobody we know.
  bool prove(const SessionInfo& session) {
    auto& claim = m_state.claim;
    const std::string bytes = address_bytes(session.peer_address);
    const auto it = std::find_if(m_state.listener.networks.begin(), m_state.listener.networks.end(), [&](const auto& n) { return n.contains(bytes); });
    if (it != m_state.listener.networks.end()) {
      claim.trusted_network = true;
      if (claim.role == config::ListenerRole::relay) {
        claim.proof = policies::Proof::network;
        m_state.principal = it->text;
      }
    }
    if (!is_of_machines() || claim.proof == policies::Proof::network) return true;
    if (!session.tls || !session.tls->peer_verified) return false;
    const auto& names = m_state.listener.client_certificates;
    if (std::find(names.begin(), names.end(), session.tls->peer_subject) == names.end()) return false;
    claim.proof = policies::Proof::certificate;
    if (claim.role == config::ListenerRole::demail) claim.trusted_network = true;
    m_state.principal = session.tls->peer_subject;
    return true;
  }

  Awaitable<smtp::server::PasswordResult> check_password(const SessionInfo& session, std::string account, base::SecretBytes password) override {
    Login::Answer answer = co_await m_login.check(account, std::move(password));
    if (answer.result == smtp::server::PasswordResult::good) {
      m_state.claim.proof = policies::Proof::account;
      m_state.claim.account_addresses = std::move(answer.addresses);
      m_state.principal = account;
    } else {
      if (answer.result == smtp::server::PasswordResult::wrong) m_context.metrics.logins_failed.add();
      base::log::warning(k_event_login, {{"peer", session.peer_address}, {"account", account}});
    }
    co_return answer.result;
  }

  Awaitable<Reply> sender(const SessionInfo& session, const Envelope& envelope) override {
    // certificates show only after STARTTLS: the proof is taken anew for each message
    if (is_of_machines() && !prove(session)) {
      Denied denied{Refusal::client_not_allowed, session.peer_address};
      std::string nobody;
      Reply reply = co_await refuse(session, envelope, std::move(nobody), std::move(denied));
      co_return reply;
    }
    std::optional<Denied> wrong = check_reverse_path(*m_state.snapshot->options, m_state.claim, envelope.reverse_path);
    if (!wrong) wrong = check_space(envelope);
    if (wrong) {
      std::string nobody;
      Reply reply = co_await refuse(session, envelope, std::move(nobody), *std::move(wrong));
      co_return reply;
    }
    m_state.recipients.clear();
    if (envelope.reverse_path) m_state.department_at_rcpt = department_of(*envelope.reverse_path);
    co_return Reply{250, "2.1.0", "Ok"};
  }

  Awaitable<Reply> recipient(const SessionInfo& session, const Envelope& envelope, const smtp::server::Recipient& recipient) override {
    const auto direction = check_recipient(*m_state.snapshot->options, m_state.claim, recipient.address);
    std::optional<Denied> denied = direction.denied;
    if (!denied && !has_way(recipient.address)) denied = Denied{Refusal::no_route, recipient.address.text()};
    std::string address = recipient.address.text();
    if (denied) {
      Reply reply = co_await refuse(session, envelope, std::move(address), *std::move(denied));
      co_return reply;
    }
    denied = co_await look_for(recipient.address);
    if (denied) {
      Reply reply = co_await refuse(session, envelope, std::move(address), *std::move(denied));
      co_return reply;
    }
    Case c{m_state.origin(m_state.department_at_rcpt), envelope.reverse_path, nullptr, nullptr, m_context.clock->now()};
    RecipientRecord record;
    record.address = mailbox_of(recipient.address);
    record.direction = direction.direction;
    record.decision = decide_one(*m_state.snapshot, c, record.address, direction.direction);
    if (record.decision.outcome == policies::Outcome::refuse) {
      const char* word = "refused";
      const std::vector<RecipientRecord> alone{record};
      auto reply = combine(alone, own_sender(), language(), word);
      Reply said = co_await tell(session, envelope, std::move(address), *std::move(reply), word);
      co_return said;
    }
    record.notify = recipient.parameters.notify;
    record.orcpt = recipient.parameters.orcpt;
    if (m_state.claim.role == config::ListenerRole::demail) {
      if (record.orcpt.empty()) record.orcpt = "rfc822;" + recipient.address.text();
      // two addresses that stand for one mailbox: it comes there once
      const auto is_same = [&](const RecipientRecord& r) { return r.address.folded() == record.address.folded(); };
      if (std::any_of(m_state.recipients.begin(), m_state.recipients.end(), is_same)) co_return Reply{250, "2.1.5", "Ok"};
    }
    m_state.recipients.push_back(std::move(record));
    co_return Reply{250, "2.1.5", "Ok"};
  }

  std::unique_ptr<smtp::server::Incoming> open(const SessionInfo& session, const Envelope& envelope, std::optional<Reply>&) override {
    return make_incoming(m_context, m_handoff, m_state, session, envelope);
  }

 private:
  bool own_sender() const { return !policies::is_from_outside(m_state.claim.role); }
  // Clients that are machines which we know by network or certificate.
  bool is_of_machines() const { return m_state.claim.role == config::ListenerRole::relay || m_state.claim.role == config::ListenerRole::demail; }
  // A route; for De-Mail, out or in, the account has one, or the mailbox that the address stands for.
  bool has_way(const mail::Address& recipient) const {
    const config::Options& options = *m_state.snapshot->options;
    if (m_state.claim.role == config::ListenerRole::demail) {
      const auto mailbox = options.demail.mailbox_of(recipient);
      return mailbox && options.route_for(mailbox->domain()) != nullptr;
    }
    return options.demail.is_demail_address(recipient) || options.route_for(recipient.domain()) != nullptr;
  }
  // Who gets it: of a De-Mail address of ours the mailbox that it stands for.
  mail::Address mailbox_of(const mail::Address& recipient) const {
    if (m_state.claim.role != config::ListenerRole::demail) return recipient;
    return m_state.snapshot->options->demail.mailbox_of(recipient).value_or(recipient);
  }
  std::string department_of(const mail::Address& address) const {
    if (!own_sender()) return {};
    const auto* department = m_state.snapshot->options->department_of(address);
    return department == nullptr ? std::string{} : department->id;
  }
  // Where a domain of ours lists no recipients, its server may know them.
  Awaitable<std::optional<Denied>> look_for(mail::Address address) {
    const config::DomainOptions* domain = m_state.snapshot->options->find_domain(address.domain());
    if (domain == nullptr || !domain->probe || m_context.probe == nullptr) co_return std::nullopt;
    const std::string who = address.text();
    SnapshotPtr snapshot = m_state.snapshot;
    config::ProbeOptions options = *domain->probe;
    const Existence existence = co_await m_context.probe->ask(std::move(snapshot), std::move(address), options);
    if (existence == Existence::absent) co_return Denied{Refusal::unknown_recipient, who};
    if (existence == Existence::unknown) co_return Denied{Refusal::recipient_unchecked, who};
    co_return std::nullopt;
  }

  std::optional<Denied> check_space(const Envelope& envelope) const {
    const auto free = m_context.store->free_bytes();
    const std::uint64_t mark = m_state.snapshot->options->store.free_space.value;
    if (free && *free < mark + envelope.parameters.size.value_or(0)) return Denied{Refusal::disk_full, ""};
    return std::nullopt;
  }
  std::string language() const { return language_of(*m_state.snapshot->options, m_state.department_at_rcpt); }

  Awaitable<Reply> refuse(const SessionInfo& session, const Envelope& envelope, std::string recipient, Denied denied) {
    Reply reply = own_sender() ? reply_for_own(denied.refusal, denied.who, "", language()) : reply_for_stranger(denied.refusal);
    Reply said = co_await tell(session, envelope, std::move(recipient), std::move(reply), row_of(denied.refusal).word);
    co_return said;
  }

  // The receipt of a refusal stands before the reply for own senders; a stranger's is written behind it.
  Awaitable<Reply> tell(const SessionInfo& session, const Envelope& envelope, std::string recipient, Reply reply, const char* word) {
    m_context.metrics.refused_for(word).add();
    base::log::info(k_event_refused, {{"peer", session.peer_address}, {"code", reply.code}, {"reason", word}});
    std::vector<std::string> to;
    for (const auto& r : m_state.recipients) to.push_back(r.address.text());
    if (!recipient.empty()) to.push_back(std::move(recipient));
    store::Change change;
    const EventTime at{m_context.clock->now(), m_state.snapshot->cfg};
    change.events.push_back(reject_event(at, m_state.origin(m_state.department_at_rcpt), envelope.reverse_path, to, reply, word, session.peer_address));
    if (!m_state.may_record_rejection(m_context.clock->steady())) co_return reply;
    const auto done = co_await m_context.store->commit(std::move(change));
    // without its receipt the refusal still stands: nothing was accepted
    if (!done) base::log::error(k_event_refused, {{"error", done.error().describe()}});
    co_return reply;
  }

  Context& m_context;
  Login& m_login;
  Handoff& m_handoff;
  SessionState m_state;
};

}  // namespace

Intake::Intake(Context& context, Login& login, Handoff& handoff, std::size_t listener)
    : m_context(context), m_login(login), m_handoff(handoff), m_listener(listener) {}

std::unique_ptr<smtp::server::SessionSink> Intake::connect(const SessionInfo& session, std::optional<Reply>& refusal) {
  auto snapshot = m_context.current.get();
  const auto listener = snapshot->options->listeners[std::min(m_listener, snapshot->options->listeners.size() - 1)];
  auto out = std::make_unique<Session>(m_context, m_login, m_handoff, std::move(snapshot), listener);
  // with certificates the client may still prove itself after STARTTLS
  if (!out->prove(session) && listener.client_certificates.empty()) {
    m_context.metrics.refused_for("client_not_allowed").add();
    refusal = reply_for_stranger(Refusal::client_not_allowed);
    base::log::info(k_event_refused, {{"peer", session.peer_address}, {"reason", "client_not_allowed"}});
    return nullptr;
  }
  return out;
}

}  // namespace pipeline
