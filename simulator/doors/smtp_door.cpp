#include "simulator/doors/smtp_door.hpp"

#include <algorithm>

#include "smtp/server/session.hpp"

namespace simulator {
namespace {

using base::net::Awaitable;
using smtp::Reply;
using smtp::server::SessionInfo;

Reply reply_of(const Refusal& refusal) {
  const RefusalRow& row = row_of(refusal.why);
  return {row.code, row.enhanced, std::string(row.text) + (refusal.detail.empty() ? "" : " " + refusal.detail)};
}

Reply reply_of(const Fault& fault) { return {fault.code, std::to_string(fault.code / 100) + ".3.0", "so it was asked for"}; }

// What the connection can do to itself.
struct Line {
  World& world;
  Side side;
  std::function<void()> close;

  std::optional<Fault> fault(Step step) {
    const auto out = take_fault(world.settings.faults, step);
    static constexpr std::array k_words{"reply", "close", "hang", "close-taken", "hang-taken"};
    if (out) {
      JsonLine line;
      line.add("step", name_of(step))
          .add("how", k_words.at(static_cast<std::size_t>(out->failing)))
          .add("code", static_cast<std::int64_t>(out->failing == Failing::reply ? out->code : 0));
      world.journal().write("failed", line);
    }
    return out;
  }
};

// The reply; after anything but a reply nobody is there to read it.
Awaitable<Reply> fail(Line& line, Fault fault) {
  Reply reply = reply_of(fault);
  if (fault.failing == Failing::hang || fault.failing == Failing::hang_taken) co_await hang();
  if (fault.failing != Failing::reply) {
    line.close();
    reply = {421, "4.3.2", "closed"};
  }
  co_return reply;
}

class Incoming : public smtp::server::Incoming {
 public:
  Incoming(Line& line, Login login, Envelope envelope)
      : m_line(line), m_login(std::move(login)), m_envelope(std::move(envelope)) {}

  std::optional<Reply> write(base::ByteView bytes) override {
    m_message += bytes;
    return std::nullopt;
  }

  Awaitable<Reply> commit() override {
    const std::optional<Fault> fault = m_line.fault(Step::dot);
    const bool taken = !fault || fault->failing == Failing::close_taken || fault->failing == Failing::hang_taken;
    if (taken) {
      const auto refusal = m_line.world.submit(m_login, m_envelope, m_message, fault ? "none" : "250");
      if (refusal) co_return reply_of(*refusal);
    }
    if (fault) {
      Reply reply = co_await fail(m_line, *fault);
      co_return reply;
    }
    co_return Reply{250, "2.0.0", "Ok, taken for dispatch"};
  }

 private:
  Line& m_line;
  Login m_login;
  Envelope m_envelope;
  std::string m_message;
};

class Session : public smtp::server::SessionSink {
 public:
  explicit Session(Line& line) : m_line(line) {}

  Awaitable<smtp::server::PasswordResult> check_password(const SessionInfo& session, std::string name,
                                                         base::SecretBytes password) override {
    const Account* account = m_line.world.directory.find_login(name);
    const Account* shown = session.tls ? account_of(m_line.world, m_line.side, *session.tls) : nullptr;
    const bool good = account != nullptr && account->side == m_line.side && !account->is_closed && !account->password.empty() &&
                      base::equal_secrets(account->password, password.view()) && (shown == nullptr || shown == account);
    if (good) m_by_password = {account, account->password_level, "Name und Passwort"};
    co_return good ? smtp::server::PasswordResult::good : smtp::server::PasswordResult::wrong;
  }

  Awaitable<Reply> sender(const SessionInfo& session, const smtp::server::Envelope& envelope) override {
    if (const auto fault = m_line.fault(Step::mail)) {
      Reply reply = co_await fail(m_line, *fault);
      co_return reply;
    }
    const Account* shown = session.tls ? account_of(m_line.world, m_line.side, *session.tls) : nullptr;
    m_login = shown != nullptr ? Login{shown, demail::AuthLevel::high, "TLS-Zertifikat"} : m_by_password;
    m_spoilt.reset();
    const auto refusal = check_sender(m_login, envelope.reverse_path);
    const bool told_later = m_line.world.settings.refuse_by_message && m_login.account != nullptr && envelope.reverse_path;
    if (refusal && !told_later) {
      m_line.world.write_refused(m_login, {}, *refusal);
      co_return reply_of(*refusal);
    }
    co_return Reply{250, "2.1.0", "Ok"};
  }

  Awaitable<Reply> recipient(const SessionInfo&, const smtp::server::Envelope&,
                             const smtp::server::Recipient& recipient) override {
    if (const auto fault = m_line.fault(Step::rcpt)) {
      Reply reply = co_await fail(m_line, *fault);
      co_return reply;
    }
    const auto refusal = check_recipient(m_line.world.directory, recipient.address);
    // one recipient that is none deletes the whole draft: whoever goes on with the others hears it again
    if (refusal && !m_line.world.settings.refuse_by_message) {
      m_spoilt = refusal;
      m_line.world.write_refused(m_login, {recipient.address}, *refusal);
      co_return reply_of(*refusal);
    }
    co_return Reply{250, "2.1.5", "Ok"};
  }

  std::unique_ptr<smtp::server::Incoming> open(const SessionInfo&, const smtp::server::Envelope& envelope,
                                               std::optional<Reply>& refusal) override {
    if (const auto fault = m_line.fault(Step::data)) {
      if (fault->failing == Failing::close) m_line.close();
      refusal = reply_of(*fault);
      return nullptr;
    }
    if (m_spoilt) {
      refusal = reply_of(*m_spoilt);
      return nullptr;
    }
    Envelope out{envelope.reverse_path, {}};
    for (const auto& r : envelope.recipients) {
      const auto same = [&](const mail::Address& a) { return a.folded() == r.address.folded(); };
      if (std::none_of(out.recipients.begin(), out.recipients.end(), same)) out.recipients.push_back(r.address);
    }
    return std::make_unique<Incoming>(m_line, m_login, std::move(out));
  }

 private:
  Line& m_line;
  Login m_by_password, m_login;
  std::optional<Refusal> m_spoilt;
};

class Sink : public smtp::server::MailSink {
 public:
  explicit Sink(Line& line) : m_line(line) {}
  std::unique_ptr<smtp::server::SessionSink> connect(const SessionInfo&, std::optional<Reply>& refusal) override {
    if (m_fault) refusal = reply_of(*m_fault);
    return m_fault ? nullptr : std::make_unique<Session>(m_line);
  }
  std::optional<Fault> m_fault;

 private:
  Line& m_line;
};

}  // namespace

const Account* account_of(const World& world, Side side, const base::net::TlsInfo& tls) {
  const Account* account = tls.peer_verified ? world.directory.find_login(tls.peer_subject) : nullptr;
  return account != nullptr && account->side == side && !account->is_closed ? account : nullptr;
}

Awaitable<void> serve_submission(base::net::Stream stream, World& world, Side side, base::net::TlsServerPtr tls, bool implicit) {
  Line line{world, side, stream.closer()};
  Sink sink(line);
  sink.m_fault = line.fault(Step::connect);
  if (sink.m_fault && sink.m_fault->failing == Failing::hang) co_await hang();
  if (sink.m_fault && sink.m_fault->failing != Failing::reply) co_return;
  smtp::server::SessionOptions options;
  options.engine.hostname = provider_of(side).hostname;
  options.engine.starttls = !implicit;
  options.engine.need_tls = options.engine.auth = true;
  options.engine.limits.message_size = k_gross_size;
  options.tls = tls;
  options.implicit_tls = implicit;
  co_await smtp::server::serve(std::move(stream), std::move(options), sink);
}

}  // namespace simulator
