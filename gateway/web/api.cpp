#include "gateway/web/api.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>

#include "base/core/log.hpp"
#include "base/net/pool.hpp"
#include "gateway/pipeline/events.hpp"

namespace web {
namespace {

using base::net::Awaitable;

constexpr base::log::Event k_event_refused{"https.refused"};

enum class Route { none, openapi, preflight, messages, message, receipts };

struct Target {
  Route route = Route::none;
  std::string mid;
};

Target target_of(const std::string& path) {
  constexpr std::string_view k_messages = "/v1/messages";
  if (path == "/v1/openapi.json") return {Route::openapi, ""};
  if (path == "/v1/preflight") return {Route::preflight, ""};
  if (path == k_messages) return {Route::messages, ""};
  if (!path.starts_with(std::string(k_messages) + "/")) return {};
  std::string rest = path.substr(k_messages.size() + 1);
  const bool receipts = rest.ends_with("/receipts");
  if (receipts) rest.resize(rest.size() - std::string_view("/receipts").size());
  if (rest.empty() || rest.find('/') != std::string::npos) return {};
  return {receipts ? Route::receipts : Route::message, std::move(rest)};
}

// Answers at once; takes no body.
class Fixed : public Exchange {
 public:
  explicit Fixed(Response response) : m_response(std::move(response)) {}
  Awaitable<std::optional<Response>> begin() override { co_return std::move(m_response); }
  std::optional<Response> write(base::ByteView) override { return std::nullopt; }
  Awaitable<Response> finish() override { co_return std::move(m_response); }

 private:
  Response m_response;
};

class Look : public Exchange {
 public:
  Look(std::shared_ptr<Visit> visit, View view, std::string mid) : m_visit(std::move(visit)), m_view(view), m_mid(std::move(mid)) {}

  Awaitable<std::optional<Response>> begin() override {
    std::string scope = "read";
    auto refused = co_await admit(*m_visit, std::move(scope));
    if (refused) co_return refused;
    if (m_visit->request.has_body()) co_return make_problem(400, "bad_request", "a GET has no body");
    co_return std::nullopt;
  }
  std::optional<Response> write(base::ByteView) override { return std::nullopt; }
  Awaitable<Response> finish() override {
    auto job = [this] { return m_view(*m_visit, m_mid); };
    Response response = co_await base::net::run_on(*m_visit->services.context.blocking, std::move(job));
    co_return response;
  }

 private:
  std::shared_ptr<Visit> m_visit;
  View m_view;
  std::string m_mid;
};

Response not_found() { return make_problem(404, "not_found", "there is nothing here"); }

Response method_not_allowed(const char* allowed) {
  Response out = make_problem(405, "method_not_allowed", "this method has no meaning here");
  out.fields.emplace_back("Allow", allowed);
  return out;
}

std::string_view bearer_of(const Request& request) {
  const std::string_view value = request.field("authorization");
  constexpr std::string_view k_scheme = "bearer ";
  if (!base::starts_with_ignoring_case(value, k_scheme)) return {};
  return value.substr(k_scheme.size());
}

// An own listener's refusals stand in the log one by one, but a flood of bad tokens must not fill it.
class Budget {
 public:
  bool take(base::Steady now) {
    if (now - m_since >= std::chrono::minutes(1)) {
      m_since = now;
      m_taken = 0;
    }
    return ++m_taken <= k_a_minute;
  }

 private:
  static constexpr int k_a_minute = 60;
  base::Steady m_since{};
  int m_taken = 0;
};

Awaitable<void> record_stranger(Visit& visit, smtp::Reply reply, std::string word) {
  base::log::info(k_event_refused, {{"peer", visit.client.address}, {"code", reply.code}, {"reason", word}});
  visit.services.context.metrics.logins_failed.add();
  thread_local Budget budget;  // of this I/O thread
  if (!budget.take(visit.services.context.clock->steady())) co_return;
  store::Change change;
  const pipeline::EventTime at{visit.services.context.clock->now(), visit.snapshot->cfg};
  const policies::Origin origin{config::ListenerRole::https, visit.listener.address, policies::Proof::none, "", ""};
  change.events.push_back(pipeline::reject_event(at, origin, std::nullopt, {}, reply, word.c_str(), visit.client.address));
  const auto done = co_await visit.services.context.store->commit(std::move(change));
  if (!done) base::log::error(k_event_refused, {{"error", done.error().describe()}});
}

// The certificate's name, if the listener lists it.
bool prove_certificate(Visit& visit) {
  const auto& tls = visit.client.tls;
  const auto& names = visit.listener.client_certificates;
  if (!tls || !tls->peer_verified || std::find(names.begin(), names.end(), tls->peer_subject) == names.end()) return false;
  visit.caller = {policies::Proof::certificate, tls->peer_subject, {}, true, true};
  return true;
}

Awaitable<void> note_use(Visit& visit, std::string token) {
  store::Change change;
  change.used_tokens.emplace_back(std::move(token), visit.services.context.clock->now());
  const auto done = co_await visit.services.context.store->commit(std::move(change));
  (void)done.has_value();  // when it was used last is a courtesy
}

}  // namespace

pipeline::Claim Visit::claim() const {
  pipeline::Claim out;
  out.role = config::ListenerRole::https;
  out.proof = caller.proof;
  out.account_addresses = caller.addresses;
  out.listener = &listener;
  return out;
}

Awaitable<std::optional<Response>> admit(Visit& visit, std::string scope) {
  const std::string secret(bearer_of(visit.request));
  if (!secret.empty()) {
    auto job = [&visit, &secret] { return visit.services.tokens.find(secret); };
    auto found = co_await base::net::run_on(*visit.services.context.blocking, std::move(job));
    if (!found) co_return make_problem(503, "store_failed", pipeline::english_text(pipeline::Refusal::store_failed, "", ""));
    if (*found) {
      auto& holder = **found;
      if (holder.note_use) co_await note_use(visit, holder.token);
      visit.caller = {policies::Proof::account, holder.account, std::move(holder.addresses), holder.may_submit, holder.may_read};
    }
  } else {
    (void)prove_certificate(visit);
  }
  if (visit.caller.proof == policies::Proof::none) {
    smtp::Reply reply{535, "5.7.8", "unauthorized"};
    std::string word = "unauthorized";
    co_await record_stranger(visit, std::move(reply), std::move(word));
    co_return make_problem(401, "unauthorized", "a valid token or client certificate is needed");
  }
  if (scope == "submit" ? visit.caller.may_submit : visit.caller.may_read) co_return std::nullopt;
  smtp::Reply reply{550, "5.7.1", "outside the token's scope"};
  std::string word = "scope";
  co_await record_stranger(visit, std::move(reply), std::move(word));
  co_return make_problem(403, "scope", "the token is not for this");
}

json::object decision_as_json(const pipeline::RecipientRecord& recipient) {
  const auto& d = recipient.decision;
  json::object out{{"address", recipient.address.text()},
                   {"decision", policies::name_of(d.outcome)},
                   {"direction", policies::name_of(recipient.direction)},
                   {"encrypt", d.encrypt ? certs::name_of(*d.encrypt) : "none"},
                   {"sign", policies::name_of(d.sign)},
                   {"rule", d.rule}};
  if (d.key) out["key"] = d.key->fingerprint.hex;
  if (d.outcome != policies::Outcome::deliver) out["reason"] = policies::name_of(d.reason);
  return out;
}

std::unique_ptr<Exchange> Api::open(const Request& request, const Client& client) {
  auto snapshot = m_services.context.current.get();
  const auto& listeners = snapshot->options->listeners;
  auto listener = listeners[std::min(m_services.listener, listeners.size() - 1)];
  std::string language = language_of(request.field("accept-language"), snapshot->options->site.language);
  auto visit = std::make_shared<Visit>(Visit{m_services, request, client, std::move(snapshot), std::move(listener), std::move(language), {}});
  Target target = target_of(request.path);
  const bool get = request.method == "GET";
  switch (target.route) {
    case Route::none: return std::make_unique<Fixed>(not_found());
    case Route::openapi:
      if (!get) return std::make_unique<Fixed>(method_not_allowed("GET"));
      return std::make_unique<Fixed>(Response{200, "application/json", base::Bytes(openapi_text()), {}});
    case Route::messages:
      if (request.method == "POST") return make_submit(std::move(visit));
      if (!get) return std::make_unique<Fixed>(method_not_allowed("GET, POST"));
      return std::make_unique<Look>(std::move(visit), list_messages, "");
    case Route::preflight:
      if (get) return make_preflight(std::move(visit));
      break;
    case Route::message:
    case Route::receipts: break;
  }
  if (!get) return std::make_unique<Fixed>(method_not_allowed("GET"));
  const View view = target.route == Route::message ? show_message : show_receipts;
  return std::make_unique<Look>(std::move(visit), view, std::move(target.mid));
}

Awaitable<Response> Api::refuse(const Client& client, int status, std::string what) {
  base::log::info(k_event_refused, {{"peer", client.address}, {"code", status}, {"reason", what}});
  co_return make_problem(status, status == 408 ? "timeout" : status == 503 ? "stopping" : "malformed_request", what);
}

}  // namespace web
