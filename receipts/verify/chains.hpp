// Promise: follows the chains of all messages of a log (or of one file of receipts) leaf by leaf, in the order of the log.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "receipts/log/balance.hpp"
#include "receipts/log/leaf.hpp"

namespace receipts {

class Chains {
 public:
  // The fault of this leaf, or "". A chain goes on after a fault from where the leaf says it is, so one fault is told once.
  std::string add(const ParsedLeaf& leaf);

  std::size_t messages() const { return m_states.size(); }
  // Messages that were accepted and not closed.
  std::size_t open() const { return m_open; }
  bool is_closed(const base::MessageId& mid) const;

 private:
  struct State {
    base::Sha256Digest last{};
    std::uint64_t mseq = 0;
    bool accepted = false, carried = false, closed = false;  // carried: accepted in an older epoch
  };
  std::string follow(State& state, const ParsedLeaf& leaf, bool is_first);

  std::unordered_map<base::MessageId, State> m_states;
  std::size_t m_open = 0;
};

}  // namespace receipts
