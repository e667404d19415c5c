#include "gateway/web/existence.hpp"

#include <algorithm>

#include "gateway/pipeline/recipient_probe.hpp"

namespace web {

using pipeline::Denied;
using pipeline::Existence;
using pipeline::Refusal;

base::net::Awaitable<std::vector<Denied>> look_for(pipeline::Context& context, pipeline::SnapshotPtr snapshot, std::vector<mail::Address> addresses) {
  std::vector<Denied> out;
  const base::Steady end = context.clock->steady() + k_time_for_questions;
  for (const mail::Address& address : addresses) {
    const config::DomainOptions* domain = snapshot->options->find_domain(address.domain());
    if (domain == nullptr || !domain->probe || context.probe == nullptr) continue;
    if (context.clock->steady() >= end) {
      out.push_back({Refusal::recipient_unchecked, address.text()});
      continue;
    }
    pipeline::SnapshotPtr same = snapshot;
    mail::Address who = address;
    config::ProbeOptions options = *domain->probe;
    const Existence existence = co_await context.probe->ask(std::move(same), std::move(who), options);
    if (existence == Existence::absent) out.push_back({Refusal::unknown_recipient, address.text()});
    if (existence == Existence::unknown) out.push_back({Refusal::recipient_unchecked, address.text()});
  }
  co_return out;
}

const Denied& weightiest(const std::vector<Denied>& denied) {
  const auto firm = std::find_if(denied.begin(), denied.end(), [](const Denied& d) { return pipeline::row_of(d.refusal).code >= 500; });
  return firm != denied.end() ? *firm : denied.front();
}

}  // namespace web
