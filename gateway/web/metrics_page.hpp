// Promise: what monitoring may ask: `/metrics` (Prometheus text format 0.0.4), `/healthz` (the process answers) and `/readyz`
// (it can take mail: store writable, listeners open, last checkpoint fresh, disk above its mark). Answers hold numbers and our
// own words; nothing about persons, addresses or messages. Reads of the store run on a pool of their own, so that a gpg that
// hangs in the common one never silences the alarm about it.
#pragma once

#include <functional>
#include <mutex>

#include "base/net/pool.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/demail_poll.hpp"
#include "gateway/web/exchange.hpp"

namespace web {

// A certificate or key of ours that ends.
struct Ending {
  std::string kind;  // "tls", "smime", "openpgp"
  std::string name;  // tls: as the configuration names it; of keys "": the one that ends first
  base::Timestamp not_after{};
};

// What other rooms know; called on the page's own pool.
struct MetricsSources {
  std::function<std::vector<Ending>()> endings;
  std::function<std::size_t()> sessions;        // open now
  std::function<bool()> listeners_open;
  std::function<std::vector<pipeline::PollLine>()> polls;  // of De-Mail accounts
};

// A checkpoint comes with the heartbeat each minute at the latest; three missed ones are no accident.
inline constexpr std::chrono::seconds k_checkpoint_late{180};

class MetricsPage : public Handler {
 public:
  // All outlive the page.
  MetricsPage(pipeline::Context& context, base::net::Pool& pool, MetricsSources sources)
      : m_context(context), m_pool(pool), m_sources(std::move(sources)) {}

  std::unique_ptr<Exchange> open(const Request& request, const Client& client) override;
  base::net::Awaitable<Response> refuse(const Client& client, int status, std::string what) override;

  // Block on the disk.
  Response metrics();
  Response readiness();

 private:
  class Get;
  std::string numbers();

  pipeline::Context& m_context;
  base::net::Pool& m_pool;
  MetricsSources m_sources;
};

}  // namespace web
