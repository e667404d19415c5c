#include "gateway/pipeline/recipient_probe.hpp"

namespace pipeline {

using base::net::Awaitable;
using smtp::client::OutcomeKind;

Existence existence_of(const smtp::client::Outcome& outcome) {
  if (outcome.kind == OutcomeKind::ok) return Existence::known;
  if (outcome.kind != OutcomeKind::permanent || outcome.host) return Existence::unknown;
  // a server without enhanced codes says 550 for this and for much else; with them only "bad destination" is about the mailbox
  const bool plain = outcome.reply.enhanced.empty() && (outcome.reply.code == 550 || outcome.reply.code == 553);
  return plain || outcome.reply.enhanced.starts_with("5.1.") ? Existence::absent : Existence::unknown;
}

Awaitable<Existence> RecipientProbe::ask(SnapshotPtr snapshot, mail::Address address, config::ProbeOptions options) {
  const std::string name = address.folded();
  const auto it = m_memory.find(name);
  if (it != m_memory.end() && it->second.until > m_context.clock->steady()) co_return it->second.existence;
  const config::RouteOptions* route = snapshot->options->route_for(address.domain());
  if (route == nullptr || m_under_way >= k_most_questions) co_return Existence::unknown;
  Parcel parcel{*route, address.domain(), route->transport, {}, false, {}};
  parcel.patience = k_patience;
  parcel.transaction.only_ask = true;
  parcel.transaction.recipients.push_back({address, {}});
  ++m_under_way;
  MailboxMail nothing{base::make_content({})};
  auto place = co_await m_lanes.enter(snapshot, parcel);
  Delivery answer = co_await m_lanes.send_to_mailbox(std::move(snapshot), std::move(parcel), std::move(nothing), std::move(place));
  --m_under_way;
  const Existence existence = answer.outcomes.empty() ? Existence::unknown : existence_of(answer.outcomes.front());
  if (existence == Existence::known) remember(name, existence, options.known);
  if (existence == Existence::absent) remember(name, existence, options.absent);
  co_return existence;
}

void RecipientProbe::remember(const std::string& address, Existence existence, std::chrono::milliseconds how_long) {
  const base::Steady now = m_context.clock->steady();
  if (m_memory.size() >= k_remembered) std::erase_if(m_memory, [&](const auto& entry) { return entry.second.until <= now; });
  if (m_memory.size() >= k_remembered) m_memory.clear();
  m_memory[address] = {existence, now + how_long};
}

}  // namespace pipeline
