#include "receipts/verify/chains.hpp"

namespace receipts {

bool Chains::is_closed(const base::MessageId& mid) const {
  const auto it = m_states.find(mid);
  return it != m_states.end() && it->second.closed;
}

void Chains::enter(std::string epoch) { m_epochs.push_back(std::move(epoch)); }

std::string Chains::follow(State& state, const ParsedLeaf& leaf, bool is_first) {
  const ChainLink& link = leaf.link;
  if (is_first) {
    // a chain that began in an older epoch names it; else it begins at 1
    if (link.mseq == 1 || (!link.epoch.empty() && link.epoch != m_epochs.back())) return {};
    return "the chain starts at " + std::to_string(link.mseq) + ": leaves before it are missing";
  }
  const bool crosses = state.epoch + 1 != m_epochs.size();
  if (link.epoch != (crosses ? m_epochs[state.epoch] : "")) return crosses ? "prev does not name epoch " + m_epochs[state.epoch] : "prev names another epoch";
  if (link.mseq != state.mseq + 1) return "mseq " + std::to_string(link.mseq) + " after " + std::to_string(state.mseq);
  if (link.prev != state.last) return "prev is not the hash of the message's leaf before";
  return {};
}

std::string Chains::add(const ParsedLeaf& leaf) {
  if (!leaf.event.mid) return {};
  const auto [it, is_first] = m_states.try_emplace(*leaf.event.mid);
  State& state = it->second;
  std::string fault = follow(state, leaf, is_first);
  state.last = leaf.hash;
  state.mseq = leaf.link.mseq;
  state.epoch = static_cast<std::uint32_t>(m_epochs.size() - 1);
  if (is_first) state.carried = !leaf.link.epoch.empty();
  switch (leaf.event.type) {
    case EventType::msg_accept:
    case EventType::msg_accept_ext:
      if (state.accepted) return fault.empty() ? "accepted twice" : fault;
      state.accepted = true;
      ++m_open;
      break;
    case EventType::msg_closed:
      if (state.closed) return fault.empty() ? "closed twice" : fault;
      if (!state.accepted && !state.carried) return fault.empty() ? "closed, never accepted" : fault;
      state.closed = true;
      if (state.accepted) --m_open;
      break;
    default: break;
  }
  return fault;
}

}  // namespace receipts
