#include "gateway/web/metrics_page.hpp"

#include <algorithm>

namespace web {
namespace {

using base::metrics::Exposition;
using base::net::Awaitable;

Response text_response(int status, std::string text) { return {status, "text/plain; charset=utf-8", std::move(text), {{"Cache-Control", "no-store"}}}; }

double number(std::uint64_t value) { return static_cast<double>(value); }

void write_flow(Exposition& out, const pipeline::Metrics& m) {
  using policies::ListenerRole;
  out.family("amtsbote_accepted_messages_total", "counter", "Messages that were accepted and are durable, by the listener's role.");
  for (const ListenerRole role : {ListenerRole::submission, ListenerRole::relay, ListenerRole::mx, ListenerRole::https, ListenerRole::demail})
    out.sample("amtsbote_accepted_messages_total", {{"role", policies::name_of(role)}}, number(m.accepted[static_cast<std::size_t>(role)].value()));
  out.family("amtsbote_refusals_total", "counter", "Refusals in the dialogue, permanent and temporary, by the word of the reply table.");
  for (std::size_t i = 0; i < pipeline::k_refusals; ++i)
    out.sample("amtsbote_refusals_total", {{"reason", pipeline::row_of(static_cast<pipeline::Refusal>(i)).word}}, number(m.refused[i].value()));
  out.family("amtsbote_recipients_total", "counter", "Outcomes by recipient; a deferral counts each time.");
  for (const auto& [outcome, counter] : {std::pair{"delivered", &m.delivered}, {"deferred", &m.deferred}, {"failed", &m.failed}, {"held", &m.held},
                                         {"uncertain", &m.uncertain}})
    out.sample("amtsbote_recipients_total", {{"outcome", outcome}}, number(counter->value()));
  out.family("amtsbote_demail_news_total", "counter", "Confirmations and notifications of De-Mail providers: counted, or held for a person.");
  out.sample("amtsbote_demail_news_total", {{"outcome", "counted"}}, number(m.demail_news.value()));
  out.sample("amtsbote_demail_news_total", {{"outcome", "held"}}, number(m.demail_doubtful.value()));
  out.histogram("amtsbote_decide_seconds", "Time of one decision for one recipient.", m.decide_seconds);
  out.family("amtsbote_crypto_seconds", "histogram", "Time to protect a message for its recipients, or to open one that came in.");
  out.histogram_of("amtsbote_crypto_seconds", {{"operation", "protect"}}, m.protect_seconds);
  out.histogram_of("amtsbote_crypto_seconds", {{"operation", "open"}}, m.open_seconds);
  out.counter("amtsbote_logins_failed_total", "Wrong passwords and unknown accounts.", m.logins_failed);
}

// gpg has threads of its own, which may be lost to it.
void write_openpgp(Exposition& out, const base::net::DeadlinePool* pool) {
  const auto counts = pool != nullptr ? pool->counts() : base::net::DeadlinePool::Counts{};
  out.gauge("amtsbote_openpgp_running", "OpenPGP operations under way.", number(counts.running));
  out.gauge("amtsbote_openpgp_lost", "OpenPGP operations beyond their deadline that have not come back: gpg hangs.", number(counts.lost));
  out.family("amtsbote_openpgp_late_total", "counter", "OpenPGP operations that did not end before their deadline.");
  out.sample("amtsbote_openpgp_late_total", {}, number(counts.late));
}

void write_polls(Exposition& out, const std::vector<pipeline::PollLine>& lines) {
  const auto family = [&](const char* name, const char* type, const char* text, auto value) {
    out.family(name, type, text);
    for (const pipeline::PollLine& line : lines) out.sample(name, {{"account", line.account}}, static_cast<double>(value(line)));
  };
  using Line = pipeline::PollLine;
  family("amtsbote_demail_poll_taken_total", "counter", "Messages taken from the mailbox of a De-Mail account.", [](const Line& l) { return l.taken; });
  family("amtsbote_demail_poll_refused_total", "counter", "Messages there that were passed over for good and left.", [](const Line& l) { return l.refused; });
  family("amtsbote_demail_poll_failed_total", "counter", "Looks into the mailbox that did not come to their end.", [](const Line& l) { return l.failed; });
  family("amtsbote_demail_poll_age_seconds", "gauge", "Since the last look that came to its end.", [](const Line& l) { return l.age.count(); });
  family("amtsbote_demail_poll_listed_messages", "gauge", "Messages in a POP3 mailbox at the last look; 0 for IMAP.", [](const Line& l) { return l.listed; });
}

// Accounts that are configured, and those of which something is still under way.
void write_overdue(Exposition& out, const std::vector<config::DeMailAccountOptions>& accounts, const std::map<std::string, std::uint64_t>& by_route) {
  constexpr std::string_view k_prefix = "demail:";  // of an account's own next hop
  std::map<std::string, std::uint64_t> counts;
  for (const auto& account : accounts) counts.emplace(account.name, 0);
  for (const auto& [route, count] : by_route) counts[route.starts_with(k_prefix) ? route.substr(k_prefix.size()) : route] = count;
  out.family("amtsbote_demail_overdue", "gauge", "Recipients of De-Mails whose confirmation is overdue, by account.");
  for (const auto& [account, count] : counts) out.sample("amtsbote_demail_overdue", {{"account", account}}, number(count));
}

void write_store(Exposition& out, store::Store& store) {
  const store::Metrics& m = store.metrics();
  out.histogram("amtsbote_store_commit_seconds", "Time of one transaction with its sync.", m.commit_seconds);
  out.histogram("amtsbote_store_commit_changes", "Changes that shared one transaction.", m.batch);
  out.counter("amtsbote_store_commit_failures_total", "Transactions that the disk or the database refused.", m.commits_failed);
  out.gauge("amtsbote_store_writable", "1 if the last transaction was written.", m.is_writable() ? 1 : 0);
  if (const auto free = store.free_bytes()) out.gauge("amtsbote_store_free_bytes", "Room on the file system of the state directory.", number(*free));
  out.gauge("amtsbote_log_checkpoint_age_seconds", "Since the newest checkpoint of the log was published.", static_cast<double>(store.checkpoint_age().count()));
}

void write_queue(Exposition& out, const store::Counters& c, base::Timestamp now) {
  out.gauge("amtsbote_queue_messages", "Messages under way.", number(c.messages));
  out.family("amtsbote_queue_recipients", "gauge", "Recipients under way, by state.");
  for (const auto& [state, count] : {std::pair{store::State::held, c.held}, {store::State::due, c.due}, {store::State::in_flight, c.in_flight},
                                     {store::State::unknown, c.unknown}, {store::State::submitted, c.submitted}})
    out.sample("amtsbote_queue_recipients", {{"state", store::name_of(state)}}, number(count));
  const auto age = [&](const std::optional<base::Timestamp>& since) {
    return since ? std::max(std::chrono::duration<double>(now - *since).count(), 0.0) : 0.0;
  };
  out.gauge("amtsbote_queue_oldest_seconds", "Age of the oldest message that is not held; 0 if there is none.", age(c.oldest_moving));
  out.gauge("amtsbote_queue_oldest_held_seconds", "Age of the oldest message that is held; 0 if there is none.", age(c.oldest_held));
  out.gauge("amtsbote_log_entries", "Entries of the evidence log, all epochs.", number(c.log_size));
}

}  // namespace

// Every question is answered before its body, which none of them has.
class MetricsPage::Get : public Exchange {
 public:
  Get(MetricsPage& page, const Request& request) : m_page(page), m_request(request) {}

  Awaitable<std::optional<Response>> begin() override {
    const bool known = m_request.path == "/metrics" || m_request.path == "/readyz" || m_request.path == "/healthz";
    if (!known) co_return text_response(404, "/metrics, /healthz or /readyz\n");
    if (m_request.method != "GET") {
      Response wrong = text_response(405, "GET only\n");
      wrong.fields.emplace_back("Allow", "GET");
      co_return wrong;
    }
    if (m_request.path == "/healthz") co_return text_response(200, "ok\n");
    auto job = [this] { return m_request.path == "/metrics" ? m_page.metrics() : m_page.readiness(); };
    Response response = co_await base::net::run_on(m_page.m_pool, std::move(job));
    co_return response;
  }
  std::optional<Response> write(base::ByteView) override { return std::nullopt; }
  Awaitable<Response> finish() override { co_return text_response(400, "no body is wanted\n"); }

 private:
  MetricsPage& m_page;
  const Request& m_request;
};

std::unique_ptr<Exchange> MetricsPage::open(const Request& request, const Client& /*client*/) { return std::make_unique<Get>(*this, request); }

Awaitable<Response> MetricsPage::refuse(const Client& /*client*/, int status, std::string what) { co_return text_response(status, what + "\n"); }

Response MetricsPage::metrics() {
  Response out = text_response(200, numbers());
  out.type = base::metrics::k_exposition_type;
  return out;
}

// What cannot be read is left out: a missing number is an alarm of its own (absent()), a wrong one is none.
std::string MetricsPage::numbers() {
  Exposition out;
  const base::Timestamp now = m_context.clock->now();
  out.family("amtsbote_build_info", "gauge", "Always 1; the version is the label.");
  out.sample("amtsbote_build_info", {{"version", AMTSBOTE_VERSION}}, 1);
  write_flow(out, m_context.metrics);
  out.gauge("amtsbote_sessions_open", "SMTP and HTTPS sessions open now.", number(m_sources.sessions()));
  write_openpgp(out, m_context.openpgp);
  if (m_sources.polls) write_polls(out, m_sources.polls());
  if (const auto overdue = m_context.store->count_overdue()) write_overdue(out, m_context.current.get()->options->demail.accounts, *overdue);
  write_store(out, *m_context.store);
  out.gauge("amtsbote_store_free_mark_bytes", "Below this much room new mail is refused.", number(m_context.current.get()->options->store.free_space.value));
  if (const auto counters = m_context.store->counters()) write_queue(out, *counters, now);
  out.family("amtsbote_certificate_left_seconds", "gauge", "Until a TLS certificate, or the first of our keys of that kind, ends; negative if it has.");
  for (const Ending& e : m_sources.endings())
    out.sample("amtsbote_certificate_left_seconds", {{"kind", e.kind}, {"name", e.name}}, std::chrono::duration<double>(e.not_after - now).count());
  return out.take();
}

Response MetricsPage::readiness() {
  const auto free = m_context.store->free_bytes();
  const std::pair<const char*, bool> checks[] = {
      {"store", m_context.store->metrics().is_writable()},
      {"listeners", m_sources.listeners_open()},
      {"checkpoint", m_context.store->checkpoint_age() <= k_checkpoint_late},
      {"disk", free && *free >= m_context.current.get()->options->store.free_space.value},
  };
  std::string text;
  bool ready = true;
  for (const auto& [name, good] : checks) {
    text.append(good ? "ok    " : "FAILS ").append(name).append("\n");
    ready = ready && good;
  }
  return text_response(ready ? 200 : 503, std::move(text));
}

}  // namespace web
