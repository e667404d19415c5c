#include "gateway/pipeline/demail_poll.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "base/net/pool.hpp"
#include "gateway/pipeline/errors.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/intake_message.hpp"

namespace pipeline {

namespace asio = boost::asio;
using base::net::Awaitable;
using base::net::MailboxEntry;

namespace {

constexpr base::log::Event k_event_down{"demail.poll_down"};
constexpr base::log::Event k_event_up{"demail.poll_up"};
constexpr base::log::Event k_event_refused{"demail.poll_refused"};
constexpr base::log::Event k_event_anew{"demail.poll_anew"};
constexpr base::log::Event k_event_seen{"demail.poll_seen"};
constexpr std::chrono::milliseconds k_pause{5};

std::string id_of(const MailboxEntry& entry) { return entry.uidl.empty() ? std::to_string(entry.number) : entry.uidl; }

std::string source_of(const config::DeMailPoll& poll) {
  const std::string where = poll.host + ":" + std::to_string(poll.port);
  return poll.kind == config::PollKind::imaps ? "imaps://" + where + "/" + poll.mailbox : "pop3s://" + where;
}

const config::DeMailAccountOptions* find_polled(const Snapshot& snapshot, const std::string& name) {
  const auto* account = snapshot.options->demail.find_account(name);
  return account != nullptr && account->poll.kind != config::PollKind::none ? account : nullptr;
}

// What a session at a listener knows of its peer: here we called him, and his certificate named him.
SessionState make_state(const SnapshotPtr& snapshot, const config::DeMailAccountOptions& account) {
  SessionState out;
  out.snapshot = snapshot;
  out.listener.role = config::ListenerRole::demail;
  out.listener.address = source_of(account.poll);
  out.claim.role = config::ListenerRole::demail;
  out.claim.proof = policies::Proof::certificate;
  out.claim.trusted_network = true;
  out.principal = "poll:" + account.name;
  out.protocol = account.poll.kind == config::PollKind::imaps ? "IMAP" : "POP3";
  return out;
}

struct Fetched {
  base::Result<void> done = base::Done{};
  std::optional<NotTaken> refused;  // by the store
};

}  // namespace

// One look at one mailbox.
struct DeMailPoll::Look {
  SnapshotPtr snapshot;
  const config::DeMailAccountOptions* account = nullptr;  // of the snapshot
  std::unique_ptr<base::net::Mailbox> mailbox;
  std::optional<PollState> state;
  bool is_whole = true;
  std::uint64_t listed = 0;
  std::vector<std::uint32_t> taken;  // UIDs
};

DeMailPoll::DeMailPoll(Context& context, Handoff& handoff, asio::any_io_executor executor)
    : m_context(context), m_handoff(handoff), m_executor(std::move(executor)), m_timer(m_executor) {}

DeMailPoll::~DeMailPoll() = default;

void DeMailPoll::start() {
  asio::co_spawn(m_executor, watch(), [](std::exception_ptr thrown) {
    if (thrown) base::log::error(k_event_down, {{"error", "the watch ended by an exception"}});
  });
}

void DeMailPoll::stop() {
  m_stop->store(true);
  m_timer.cancel();
}

void DeMailPoll::join() {
  if (m_pool) m_pool->join();
}

Awaitable<void> DeMailPoll::drain(std::chrono::milliseconds at_most) {
  const base::Steady until = m_context.clock->steady() + at_most;
  while (m_active > 0 && m_context.clock->steady() < until) {
    asio::steady_timer pause(m_executor, k_pause);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

std::vector<PollLine> DeMailPoll::lines() const {
  const std::lock_guard lock(m_mutex);
  std::vector<PollLine> out;
  for (const auto& [name, account] : m_accounts) {
    out.push_back(account.line);
    out.back().account = name;
    out.back().age = std::chrono::duration_cast<std::chrono::seconds>(m_context.clock->steady() - account.last_good);
  }
  return out;
}

// Each turn goes by the newest configuration.
Awaitable<void> DeMailPoll::watch() {
  while (!m_stop->load()) {
    const SnapshotPtr snapshot = m_context.current.get();
    const base::Steady now = m_context.clock->steady();
    base::Steady next = now + k_look_after;
    {
      const std::lock_guard lock(m_mutex);
      std::erase_if(m_accounts, [&](const auto& entry) {
        return !entry.second.is_running && find_polled(*snapshot, entry.first) == nullptr;
      });
    }
    for (const auto& account : snapshot->options->demail.accounts) {
      if (account.poll.kind == config::PollKind::none) continue;
      const auto it = m_accounts.find(account.name);
      const base::Steady due = it == m_accounts.end() ? now : std::min(it->second.due, it->second.ended + account.poll.every);
      if (it != m_accounts.end() && it->second.is_running) continue;
      if (due <= now)
        begin(snapshot, account);
      else
        next = std::min(next, due);
    }
    m_timer.expires_at(next);
    boost::system::error_code ignored;
    co_await m_timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void DeMailPoll::begin(const SnapshotPtr& snapshot, const config::DeMailAccountOptions& account) {
  if (!m_pool) m_pool.emplace(k_threads);
  {
    const std::lock_guard lock(m_mutex);
    const auto [it, is_first] = m_accounts.try_emplace(account.name);
    it->second.is_running = true;
    if (is_first) it->second.last_good = m_context.clock->steady();
  }
  ++m_active;
  asio::co_spawn(m_executor, look(snapshot, account.name), [this, name = account.name](std::exception_ptr thrown) {
    --m_active;
    if (thrown) ended(name, base::fail(base::k_io, "an exception"));
  });
}

Awaitable<void> DeMailPoll::look(SnapshotPtr snapshot, std::string name) {
  Look look;
  look.account = find_polled(*snapshot, name);
  look.snapshot = std::move(snapshot);
  base::Result<bool> result = co_await look_into(look);
  {
    const std::lock_guard lock(m_mutex);
    m_accounts[name].line.listed = look.listed;
  }
  auto goodbye = [&look] {
    if (look.mailbox && !look.taken.empty())
      if (const auto seen = look.mailbox->mark_seen(look.taken); !seen)
        base::log::debug(k_event_seen, {{"error", seen.error().describe()}});
    look.mailbox.reset();
    return true;
  };
  const bool gone = co_await base::net::run_on(*m_pool, std::move(goodbye));
  (void)gone;
  ended(name, result);
}

void DeMailPoll::ended(const std::string& name, const base::Result<bool>& result) {
  const std::lock_guard lock(m_mutex);
  Account& account = m_accounts[name];
  const base::Steady now = m_context.clock->steady();
  account.is_running = false;
  account.ended = now;
  // something was done and more lies there: at once
  account.due = result && *result ? now : base::Steady::max();
  if (!result) {
    if (result.error().code == base::k_cancelled) return;
    ++account.line.failed;
    if (!account.is_down) base::log::warning(k_event_down, {{"account", name}, {"error", result.error().describe()}});
    if (!account.is_down) account.line.down_since = m_context.clock->now();
    account.line.why =
        std::string(result.error().code.name) + (result.error().detail.empty() ? "" : ": " + result.error().detail);
    account.is_down = true;
  } else {
    if (account.is_down) base::log::info(k_event_up, {{"account", name}});
    account.is_down = false;
    account.last_good = now;
    account.line.looked = m_context.clock->now();
    account.line.down_since.reset();
    account.line.why.clear();
  }
  m_timer.cancel();
}

// True: there is more, and the next look may begin at once.
Awaitable<base::Result<bool>> DeMailPoll::look_into(Look& look) {
  auto ready = co_await prepare(look);
  if (!ready) co_return std::move(ready).error();
  auto found = co_await find_new(look);
  if (!found) co_return std::move(found).error();
  for (MailboxEntry& entry : *found) {
    if (m_stop->load()) co_return base::fail(base::k_cancelled);
    auto step = co_await take(look, std::move(entry));
    if (!step) co_return std::move(step).error();
    if (*step == Step::again) co_return true;
  }
  const bool has_more = !look.is_whole && !found->empty();
  co_return has_more;
}

Awaitable<base::Result<void>> DeMailPoll::prepare(Look& look) {
  const config::DeMailPoll& poll = look.account->poll;
  const auto secrets = look.snapshot->polls.find(look.account->name);
  if (secrets == look.snapshot->polls.end()) co_return base::fail(base::k_not_found, "the password of " + look.account->name);
  auto addresses = co_await m_context.resolver->addresses(poll.host);
  if (!addresses) co_return std::move(addresses).error();
  base::net::MailboxOptions options;
  options.kind = poll.kind == config::PollKind::imaps ? base::net::MailboxKind::imap : base::net::MailboxKind::pop3;
  options.host = poll.host;
  options.addresses = *std::move(addresses);
  options.port = poll.port;
  options.mailbox = poll.mailbox;
  options.user = poll.user;
  options.password = secrets->second.password;
  options.anchors = secrets->second.anchors;
  options.certificate = secrets->second.certificate;
  options.key = secrets->second.key;
  options.stop = m_stop;
  auto made = base::net::Mailbox::make(std::move(options));
  if (!made) co_return std::move(made).error();
  look.mailbox = *std::move(made);
  auto read = [this, &look]() -> base::Result<std::map<std::string, std::string>> {
    std::map<std::string, std::string> out;
    for (const std::string& name : PollState::mark_names(*look.account)) {
      auto mark = m_context.store->mark(name);
      if (!mark) return std::move(mark).error();
      if (*mark) out.emplace(name, **mark);
    }
    return out;
  };
  const auto marks = co_await base::net::run_on(*m_pool, std::move(read));
  if (!marks) co_return marks.error();
  look.state.emplace(*look.account, *marks);
  co_return base::Done{};
}

Awaitable<base::Result<std::vector<MailboxEntry>>> DeMailPoll::find_new(Look& look) {
  std::vector<MailboxEntry> out;
  for (int i = 0; i < 2; ++i) {
    auto job = [&look] { return look.mailbox->list(look.state->after()); };
    auto listing = co_await base::net::run_on(*m_pool, std::move(job));
    if (!listing) co_return std::move(listing).error();
    look.is_whole = listing->is_whole;
    look.listed = look.account->poll.kind == config::PollKind::pop3s ? listing->entries.size() : 0;
    const bool from_the_start = look.state->after() == 0;
    out = look.state->choose_new(*listing);
    if (look.state->has_changed())
      base::log::warning(k_event_anew, {{"account", look.account->name}, {"uidvalidity", std::uint64_t{listing->validity}}});
    if (from_the_start || look.state->after() != 0) break;  // else the position fell: all is listed anew
  }
  // what was found of the mailbox itself (UIDVALIDITY, what lies there no more) holds without a message too
  Marks marks = look.state->changed_marks();
  if (!marks.empty()) {
    store::Change change;
    change.marks = std::move(marks);
    auto done = co_await m_context.store->commit(std::move(change));
    if (!done) co_return std::move(done).error();
    look.state->stored();
  }
  co_return out;
}

// The bytes go straight to where they are kept; what the header says of recipients is read from them.
Awaitable<base::Result<DeMailPoll::Brought>> DeMailPoll::bring(Look& look, const MailboxEntry& entry, Submission& submission,
                                                               SessionState& state) {
  const config::Options& options = *look.snapshot->options;
  ArrivingLines lines;
  auto job = [&] {
    Fetched out;
    const auto sink = [&](base::ByteView bytes) {
      if (lines.feed(bytes) != ArrivingLines::Fault::none) return false;
      out.refused = submission.write(bytes);
      return !out.refused;
    };
    out.done = look.mailbox->fetch(entry, options.limits.size.message, sink);
    if (const std::string end = lines.finish(); out.done && !end.empty()) out.refused = submission.write(end);
    return out;
  };
  Fetched fetched = co_await base::net::run_on(*m_pool, std::move(job));
  if (fetched.refused) co_return base::fail(base::k_disk_full, fetched.refused->word);
  const base::Code code = fetched.done ? base::Code{} : fetched.done.error().code;
  if (lines.fault() != ArrivingLines::Fault::none && (fetched.done || code == base::k_too_large))
    co_return Brought{name_of(lines.fault()), ""};
  if (!fetched.done) {
    const bool is_given_up = code == base::k_not_found && ++m_accounts[look.account->name].tries[id_of(entry)] >= k_most_tries;
    if (code != base::k_too_large && !is_given_up) co_return std::move(fetched.done).error();
    co_return Brought{code == base::k_too_large ? "too_large" : "not_given", fetched.done.error().detail};
  }
  if (lines.size() == 0) co_return Brought{"empty", ""};
  bool is_clean = false;
  const auto header = mail::Header::parse_leniently(lines.header(), is_clean);
  state.recipients = poll_recipients(options.demail, *look.account, header);
  if (state.recipients.size() > options.limits.count.recipients) co_return Brought{"too_many_recipients", ""};
  co_return Brought{};
}

Awaitable<base::Result<DeMailPoll::Step>> DeMailPoll::take(Look& look, MailboxEntry entry) {
  const config::Options& options = *look.snapshot->options;
  const base::ByteCount limit = options.limits.size.message;
  if (entry.size && *entry.size > limit.value) {
    std::string detail = std::to_string(*entry.size) + " bytes";
    std::string word = "too_large";
    auto passed = co_await pass_over(look, std::move(entry), std::move(word), std::move(detail), true);
    co_return passed;
  }
  const auto free = m_context.store->free_bytes();
  if (free && *free < options.store.free_space.value + entry.size.value_or(0))
    co_return base::fail(base::k_disk_full, "below store.free_space");
  SessionState state = make_state(look.snapshot, *look.account);
  state.claim.listener = &state.listener;
  smtp::server::SessionInfo session;
  session.peer_address = look.mailbox->peer_address();
  session.peer_port = look.account->poll.port;
  session.helo = look.account->poll.host;
  const smtp::server::Envelope envelope;  // a null reverse path: no report of ours answers a De-Mail
  const auto submission = make_submission(m_context, m_handoff, state, session, envelope);
  auto brought = co_await bring(look, entry, *submission, state);
  if (!brought) co_return std::move(brought).error();
  if (!brought->word.empty()) {
    auto passed = co_await pass_over(look, std::move(entry), std::move(brought->word), std::move(brought->detail), true);
    co_return passed;
  }
  look.state->pass(entry);
  Marks marks = look.state->changed_marks();
  Amend amend = [&marks](const Taken&, const std::vector<RecipientRecord>&, store::Change& change) {
    change.marks.insert(change.marks.end(), marks.begin(), marks.end());
  };
  const Verdict verdict = co_await submission->commit(std::move(amend));
  if (const auto* refused = std::get_if<NotTaken>(&verdict)) {
    if (refused->reply.code / 100 == 4) co_return base::fail(k_not_now, refused->word);
    std::string why = refused->word;
    std::string nothing;
    auto passed = co_await pass_over(look, std::move(entry), std::move(why), std::move(nothing), false);
    co_return passed;
  }
  look.state->stored();
  if (entry.uidl.empty()) look.taken.push_back(entry.number);
  const std::lock_guard lock(m_mutex);
  ++m_accounts[look.account->name].line.taken;
  co_return Step::taken;
}

// It stays at the provider; that it was looked at is remembered, and stands in the log of receipts.
Awaitable<base::Result<DeMailPoll::Step>> DeMailPoll::pass_over(Look& look, MailboxEntry entry, std::string word,
                                                                std::string detail, bool is_recorded) {
  base::log::warning(k_event_refused,
                     {{"account", look.account->name}, {"uid", id_of(entry)}, {"reason", word}, {"detail", detail}});
  look.state->pass(entry);
  store::Change change;
  change.marks = look.state->changed_marks();
  if (is_recorded) {
    const SessionState state = make_state(look.snapshot, *look.account);
    const EventTime at{m_context.clock->now(), look.snapshot->cfg};
    const smtp::Reply reply{word == "too_large" ? 552 : 554, word == "too_large" ? "5.3.4" : "5.6.0", "Left at the provider"};
    change.events.push_back(
        reject_event(at, state.origin(""), std::nullopt, {}, reply, word.c_str(), look.mailbox->peer_address()));
  }
  auto done = co_await m_context.store->commit(std::move(change));
  if (!done) co_return std::move(done).error();
  look.state->stored();
  const bool is_over = !look.mailbox->is_open();
  const std::lock_guard lock(m_mutex);
  Account& account = m_accounts[look.account->name];
  ++account.line.refused;
  account.tries.erase(id_of(entry));
  co_return is_over ? Step::again : Step::passed;
}

}  // namespace pipeline
