#include "gateway/pipeline/intake_message.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/prepare.hpp"
#include "gateway/pipeline/search_words.hpp"
#include "gateway/pipeline/partial.hpp"
#include "gateway/store/errors.hpp"
#include "mail/message/inspect.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::Reply;

constexpr base::log::Event k_event_accepted{"message.accepted"};
constexpr base::log::Event k_event_refused{"message.refused"};
constexpr base::log::Event k_event_failed{"message.store_failed"};

constexpr std::uint64_t k_keep_each = 4ULL << 20, k_keep_all = 32ULL << 20;  // bytes of spooled bodies kept in memory too

// A spooled body that is still in memory; its share of k_keep_all ends with its last reader.
class KeptContent : public base::Content {
 public:
  KeptContent(base::Bytes bytes, std::atomic<std::uint64_t>& kept, std::uint64_t share)
      : m_inner(base::make_content(std::move(bytes))), m_kept(kept), m_share(share) {}
  ~KeptContent() override { m_kept -= m_share; }
  base::ByteCount size() const override { return m_inner->size(); }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override { return m_inner->open(); }

 private:
  base::ContentPtr m_inner;
  std::atomic<std::uint64_t>& m_kept;
  std::uint64_t m_share;
};

// Collects the bytes: in memory while they are few, in a sealed spool file once they are many. Those of middling size stay in
// memory as well while there is room, so that the way straight on need not read and unseal what was just written.
class Body {
 public:
  Body(Context& context, const base::MessageId& mid, const base::SecretBytes& key)
      : m_store(*context.store), m_kept_bytes(context.kept_bytes), m_mid(mid), m_key(key) {}
  ~Body() {
    if (m_file && !m_kept) m_store.drop_spool_file(store::Store::spool_name(m_mid));
    m_kept_bytes -= m_share;
  }

  base::Result<void> write(base::ByteView bytes) {
    if (!m_file && m_memory.size() + bytes.size() <= store::k_max_inline_body) {
      m_memory.append(bytes);
      return base::Done{};
    }
    if (!m_file) {
      auto file = m_store.create_spool_file(m_mid, m_key);
      if (!file) return std::move(file).error();
      m_file = *std::move(file);
      if (auto done = m_file->write(m_memory); !done) return done;
      m_whole = take_share(m_memory.size());
    }
    m_whole = m_whole && m_memory.size() + bytes.size() <= k_keep_each && take_share(bytes.size());
    if (m_whole)
      m_memory.append(bytes);
    else if (!m_memory.empty())
      base::Bytes().swap(m_memory);
    return m_file->write(bytes);
  }

  bool spooled() const { return m_file != nullptr; }
  // Blocks: for the pool.
  base::Result<void> make_durable() {
    if (auto done = m_file->finish(); !done) return done;
    return m_file->sync();
  }
  store::StoredBody stored() {
    m_kept = true;
    if (m_file) return {{}, store::Store::spool_name(m_mid), m_file->size().value};
    return {store::Store::seal_body(m_mid, m_key, m_memory), {}, m_memory.size()};
  }
  void unkeep() { m_kept = false; }
  base::ContentPtr content(const std::filesystem::path& spool) {
    if (!m_file) return base::make_content(std::move(m_memory));
    if (m_whole) return std::make_shared<const KeptContent>(std::move(m_memory), m_kept_bytes, std::exchange(m_share, 0));
    return crypto::seal::open_sealed_file(spool / store::Store::spool_name(m_mid), m_key.clone(), m_file->size());
  }

 private:
  bool take_share(std::uint64_t bytes) {
    if (m_kept_bytes.fetch_add(bytes) + bytes > k_keep_all) {
      m_kept_bytes -= bytes;
      return false;
    }
    m_share += bytes;
    return true;
  }

  store::Store& m_store;
  std::atomic<std::uint64_t>& m_kept_bytes;
  const base::MessageId m_mid;
  const base::SecretBytes& m_key;
  base::Bytes m_memory;
  std::unique_ptr<crypto::seal::SealedFileWriter> m_file;
  std::uint64_t m_share = 0;  // of k_keep_all
  bool m_kept = false, m_whole = false;
};

// RFC 3848: how the message came.
std::string protocol_of(const smtp::server::SessionInfo& session, bool utf8) {
  std::string out = utf8 ? "UTF8SMTP" : session.esmtp ? "ESMTP" : "SMTP";
  if (session.tls) out += 'S';
  if (!session.account.empty()) out += 'A';
  return out;
}

class Arriving : public Submission {
 public:
  Arriving(Context& context, Handoff& handoff, SessionState& state, smtp::server::SessionInfo session,
           const smtp::server::Envelope& envelope)
      : m_context(context),
        m_handoff(handoff),
        m_state(state),
        m_session(std::move(session)),
        m_now(context.clock->now()),
        m_mid(base::MessageId::make(m_now)),
        m_key(crypto::seal::make_message_key()),
        m_body(context, m_mid, m_key) {
    m_record.reverse_path = envelope.reverse_path;
    m_record.parameters = envelope.parameters;
  }

  std::optional<NotTaken> write(base::ByteView bytes) override {
    m_inspector.feed(bytes);
    m_digest.update(bytes);
    if (auto done = m_body.write(bytes); !done) {
      base::log::error(k_event_failed, {{"mid", m_mid.text()}, {"error", done.error().describe()}});
      m_context.store->report_failure(done.error());
      return deny({done.error().code == base::k_disk_full ? Refusal::disk_full : Refusal::store_failed, ""});
    }
    return std::nullopt;
  }

  Awaitable<Verdict> commit(Amend amend) override {
    const mail::MessageFacts facts = m_inspector.finish();
    std::optional<NotTaken> refusal = judge(facts);
    if (refusal) {
      co_await record_refusal(*refusal);
      co_return *std::move(refusal);
    }
    if (m_body.spooled()) {
      auto job = [this] { return m_body.make_durable(); };
      const auto durable = co_await base::net::run_on(*m_context.blocking, std::move(job));
      if (!durable) {
        m_context.store->report_failure(durable.error());
        co_return failed(durable.error());
      }
    }
    Verdict verdict = co_await store_it(std::move(amend));
    co_return verdict;
  }

 private:
  bool own() const { return !policies::is_from_outside(m_state.claim.role); }
  const config::Options& options() const { return *m_state.snapshot->options; }
  std::string language() const { return language_of(options(), m_record.origin.department); }

  NotTaken deny(const Denied& denied) const {
    return {own() ? reply_for_own(denied.refusal, denied.who, "", language()) : reply_for_stranger(denied.refusal), row_of(denied.refusal).word, denied};
  }

  // Steps 3 to 5: fills m_record and the decisions; says why the message is not taken.
  std::optional<NotTaken> judge(const mail::MessageFacts& facts) {
    const Sender sender = check_from(options(), m_state.claim, m_record.reverse_path, facts);
    m_record.origin = m_state.origin(sender.department);
    if (sender.denied) return deny(*sender.denied);
    if (const auto denied = check_message(options(), m_state.claim, facts)) return deny(*denied);
    describe(facts);
    const Case c{m_record.origin, m_record.reverse_path, &facts, nullptr, m_now};
    for (RecipientRecord& r : m_state.recipients) {
      const base::Steady begun = m_context.clock->steady();
      r.decision = decide_one(*m_state.snapshot, c, r.address, r.direction);
      m_context.metrics.decide_seconds.observe(m_context.clock->steady() - begun);
      const bool held = r.decision.outcome == policies::Outcome::hold;
      r.expires = held ? hold_until(options().retry, r.direction, m_now) : m_now + options().retry.expiry;
      r.hold_told = held;
      r.visible = is_visible(facts, r.address);
    }
    if (own())
      m_refused = set_refused_apart(options().site.partial, m_record.reverse_path, m_now + options().retry.hold_expiry, m_state.recipients);
    const char* word = "refused";
    auto reply = combine(m_state.recipients, own(), language(), word);
    if (!reply) return std::nullopt;
    return NotTaken{*std::move(reply), word, std::nullopt};
  }

  bool is_visible(const mail::MessageFacts& facts, const mail::Address& address) {
    if (!m_listed) {
      m_listed.emplace();
      for (const auto& field : facts.header.fields()) {
        if (!field.is("To") && !field.is("Cc")) continue;
        const auto list = mail::parse_mailbox_list(field.value());
        if (!list) continue;
        for (const auto& mailbox : *list) m_listed->insert(mailbox.address.folded());
      }
    }
    return m_listed->contains(address.folded());
  }

  void describe(const mail::MessageFacts& facts) {
    m_record.from = facts.from ? facts.from->address.text() : "";
    m_record.subject = facts.subject;
    m_record.message_id = facts.message_id;
    const bool https = m_state.claim.role == config::ListenerRole::https;
    m_record.protocol = !m_state.protocol.empty() ? m_state.protocol : https ? "HTTPS" : protocol_of(m_session, m_record.parameters.smtputf8);
    m_record.received_from =
        own() && (https || m_state.claim.proof == policies::Proof::account) ? "" : m_session.helo + " ([" + m_session.peer_address + "])";
    m_record.receipt = base::EventId::make(m_now);
    m_record.eight_bit = facts.has_8bit_body || facts.has_8bit_header;
    m_record.dot_lines = facts.dot_lines;
    m_record.has_bcc = facts.header.count("Bcc") + facts.header.count("Resent-Bcc") > 0;
    m_record.has_marks = std::any_of(facts.header.fields().begin(), facts.header.fields().end(), [](const auto& f) { return is_mark(f.name); });
    m_record.internal_sender = own();
    m_record.language = language();
    if (m_state.claim.role != config::ListenerRole::submission && !https) return;
    if (facts.message_id.empty()) {
      m_record.message_id = "<" + m_mid.text() + "@" + options().site.hostname + ">";
      m_record.extra_header += "Message-ID: " + m_record.message_id + "\r\n";
    }
    if (!facts.has_date) m_record.extra_header += "Date: " + base::format_rfc5322(m_now) + "\r\n";
  }

  store::NewMessage new_message(std::int64_t id) {
    store::NewMessage out;
    out.id = id;
    out.mid = m_mid;
    out.key = m_key.clone();
    out.received = m_now;
    out.body = m_body.stored();
    out.record = encode(m_record);
    out.tags = search_words(m_record, m_state.recipients);
    out.department = m_record.origin.department;
    if (m_record.origin.proof == policies::Proof::account) out.account = m_record.origin.principal;
    for (const RecipientRecord& r : m_state.recipients) {
      const auto* route = options().route_for(r.address.domain());
      const bool held = r.decision.outcome == policies::Outcome::hold;
      out.recipients.push_back({held ? store::State::held : store::State::due, held ? r.expires : m_now,
                                r.decision.demail         ? "demail:" + r.decision.demail->account
                                : !r.decision.route.empty() ? r.decision.route
                                : route != nullptr        ? route->name
                                                          : "",
                                static_cast<int>(r.decision.reason), encode(r), r.address.domain()});
    }
    return out;
  }

  Awaitable<Verdict> store_it(Amend amend) {
    const std::int64_t id = m_context.store->reserve_id();
    store::Change change;
    change.inserts.push_back(new_message(id));
    const EventTime at{m_now, m_state.snapshot->cfg};
    const std::uint64_t size = change.inserts.front().body.size;
    const base::Sha256Digest digest = m_digest.finish();
    change.events.push_back(accept_event(at, m_mid, m_record, m_state.recipients, size, digest, m_session));
    for (std::uint32_t rx = 0; rx < m_state.recipients.size(); ++rx) {
      change.events.push_back(decide_event(at, m_mid, rx, m_state.recipients[rx]));
      const auto& d = m_state.recipients[rx].decision;
      if (d.outcome == policies::Outcome::hold)
        change.events.push_back(hold_event(at, m_mid, rx, "policy", policies::name_of(d.reason)));
    }
    Accepted accepted{make_row(id, change.inserts.front()), {}, {}};
    if (own()) add_hold_notice(*m_context.store, *m_state.snapshot, m_record, m_mid, m_now, m_state.recipients, change);
    add_refused(*m_context.store, *m_state.snapshot, m_record, m_mid, m_now, m_refused, m_session.peer_address, change);
    const bool has_notice = change.inserts.size() > 1;
    Taken taken{m_mid, m_record.receipt, &m_refused};
    if (amend) amend(taken, m_state.recipients, change);
    taken.refused = nullptr;
    const auto holds = std::count_if(accepted.row.recipients.begin(), accepted.row.recipients.end(), [](const auto& r) { return r.state == store::State::held; });
    const bool mine = m_handoff.reserve(id);
    const auto done = co_await m_context.store->commit(std::move(change));
    if (!done) {
      if (mine) m_handoff.dropped(id);
      m_body.unkeep();
      co_return failed(done.error());
    }
    m_context.metrics.accepted_by(m_state.claim.role).add();
    m_context.metrics.held.add(static_cast<std::uint64_t>(holds));
    base::log::info(k_event_accepted, {{"mid", m_mid.text()}, {"size", size}, {"rcpts", static_cast<std::uint64_t>(accepted.row.recipients.size())}});
    if (mine) {
      accepted.record = std::move(m_record);
      accepted.recipients = std::exchange(m_state.recipients, {});
      m_handoff.taken(std::move(accepted));
    }
    if (!mine || has_notice) m_handoff.wake();
    co_return taken;
  }

  // What the store will give back for this message, without asking it.
  store::MessageRow make_row(std::int64_t id, const store::NewMessage& stored) {
    store::MessageRow row;
    row.id = id;
    row.mid = m_mid;
    row.key = m_key.clone();
    row.received = m_now;
    row.size = stored.body.size;
    row.body = m_body.content(m_context.store->spool_directory());
    std::uint32_t rx = 0;
    for (const auto& r : stored.recipients) row.recipients.push_back({rx++, r.state, r.due, 0, r.route, r.reason, {}});
    return row;
  }

  Awaitable<void> record_refusal(const NotTaken& refusal) {
    m_context.metrics.refused_for(refusal.word).add();
    base::log::info(k_event_refused, {{"peer", m_session.peer_address}, {"code", refusal.reply.code}, {"reason", refusal.word}});
    if (!m_state.may_record_rejection(m_context.clock->steady())) co_return;
    std::vector<std::string> to;
    for (const auto& r : m_state.recipients) to.push_back(r.address.text());
    store::Change change;
    const EventTime at{m_now, m_state.snapshot->cfg};
    change.events.push_back(
        reject_event(at, m_record.origin, m_record.reverse_path, to, refusal.reply, refusal.word.c_str(), m_session.peer_address));
    const auto done = co_await m_context.store->commit(std::move(change));
    if (!done) base::log::error(k_event_failed, {{"error", done.error().describe()}});
  }

  NotTaken failed(const base::Error& error) {
    base::log::error(k_event_failed, {{"mid", m_mid.text()}, {"error", error.describe()}});
    const bool full = error.code == store::k_full || error.code == base::k_disk_full;
    if (error.code != store::k_repeated) m_context.metrics.refused_for(full ? "disk_full" : "store_failed").add();
    NotTaken out = deny({full ? Refusal::disk_full : Refusal::store_failed, ""});
    out.repeated = error.code == store::k_repeated;
    return out;
  }

  Context& m_context;
  Handoff& m_handoff;
  SessionState& m_state;
  smtp::server::SessionInfo m_session;
  base::Timestamp m_now;
  base::MessageId m_mid;
  base::SecretBytes m_key;
  Body m_body;
  mail::Inspector m_inspector;
  base::Sha256 m_digest;
  MessageRecord m_record;
  std::vector<RecipientRecord> m_refused;          // of a message that the others get
  std::optional<std::set<std::string>> m_listed;  // addresses of To and Cc
};

class Incoming : public smtp::server::Incoming {
 public:
  explicit Incoming(std::unique_ptr<Submission> submission) : m_submission(std::move(submission)) {}

  std::optional<Reply> write(base::ByteView bytes) override {
    auto refused = m_submission->write(bytes);
    if (!refused) return std::nullopt;
    return std::move(refused->reply);
  }

  Awaitable<Reply> commit() override {
    Amend nothing;
    Verdict verdict = co_await m_submission->commit(std::move(nothing));
    if (auto* refused = std::get_if<NotTaken>(&verdict)) co_return std::move(refused->reply);
    const Taken& taken = std::get<Taken>(verdict);
    co_return Reply{250, "2.0.0", "Ok " + taken.mid.text() + " receipt=" + taken.receipt.text()};
  }

 private:
  std::unique_ptr<Submission> m_submission;
};

}  // namespace

std::unique_ptr<Submission> make_submission(Context& context, Handoff& handoff, SessionState& state, const smtp::server::SessionInfo& session,
                                            const smtp::server::Envelope& envelope) {
  return std::make_unique<Arriving>(context, handoff, state, session, envelope);
}

std::unique_ptr<smtp::server::Incoming> make_incoming(Context& context, Handoff& handoff, SessionState& state,
                                                      const smtp::server::SessionInfo& session,
                                                      const smtp::server::Envelope& envelope) {
  return std::make_unique<Incoming>(make_submission(context, handoff, state, session, envelope));
}

std::string language_of(const config::Options& options, const std::string& department) {
  const auto* found = options.find_department(department);
  return found != nullptr && !found->language.empty() ? found->language : options.site.language;
}

std::string address_bytes(const std::string& text) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(text, ec);
  if (ec) return {};
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace pipeline
