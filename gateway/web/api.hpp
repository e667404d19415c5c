// Promise: the HTTPS door (contract.md, "HTTPS"). One Handler for each listener; each request knows its caller before a byte of
// its body is read, and no answer tells a caller of anybody else's messages. docs/openapi.json says what stands here; a test
// holds the two together.
#pragma once

#include "gateway/pipeline/intake_message.hpp"
#include "gateway/web/exchange.hpp"
#include "gateway/web/problem.hpp"
#include "gateway/web/tokens.hpp"

namespace web {

// What the API works with; owned by gateway/app, which outlives it.
struct Services {
  pipeline::Context& context;
  pipeline::Handoff& handoff;
  Tokens& tokens;
  std::size_t listener = 0;             // an index into the options' listeners
};

// Who asks, proven.
struct Caller {
  policies::Proof proof = policies::Proof::none;
  std::string name;                     // account or certificate
  std::vector<std::string> addresses;   // account only
  bool may_submit = false, may_read = false;
};

// One request on its way.
struct Visit {
  Services& services;
  const Request& request;
  const Client& client;
  pipeline::SnapshotPtr snapshot;
  config::ListenerOptions listener;
  std::string language;                 // of what people read in the answer
  Caller caller;                        // once it is proven

  pipeline::Claim claim() const;
};

// Proves the caller and his right to `scope` ("submit", "read"); the problem if not. A refusal has its receipt.
base::net::Awaitable<std::optional<Response>> admit(Visit& visit, std::string scope);

// GET; each a function of the visit alone.
using View = Response (*)(const Visit&, const std::string& mid);  // blocks on the disk
Response list_messages(const Visit& visit, const std::string& mid);
Response show_message(const Visit& visit, const std::string& mid);
Response show_receipts(const Visit& visit, const std::string& mid);

// POST /v1/messages
std::unique_ptr<Exchange> make_submit(std::shared_ptr<Visit> visit);
// GET /v1/preflight
std::unique_ptr<Exchange> make_preflight(std::shared_ptr<Visit> visit);

// Decisions as the answers show them.
json::object decision_as_json(const pipeline::RecipientRecord& recipient);

class Api : public Handler {
 public:
  explicit Api(Services services) : m_services(services) {}
  std::unique_ptr<Exchange> open(const Request& request, const Client& client) override;
  base::net::Awaitable<Response> refuse(const Client& client, int status, std::string what) override;

 private:
  Services m_services;
};

// docs/openapi.json
std::string_view openapi_text();

}  // namespace web
