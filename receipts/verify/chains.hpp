// Promise: follows the chains of all messages of a log (or of one file of receipts) leaf by leaf, in the order of the log and
// through its epochs: where a chain crosses into a new one, its leaf must name the older one.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "receipts/log/balance.hpp"
#include "receipts/log/leaf.hpp"

namespace receipts {

class Chains {
 public:
  // The fault of this leaf, or "". A chain goes on after a fault from where the leaf says it is, so one fault is told once.
  std::string add(const ParsedLeaf& leaf);
  // What follows stands in this epoch. Without a call all leaves stand in one that has no name.
  void enter(std::string epoch);

  std::size_t messages() const { return m_states.size(); }
  // Messages that were accepted and not closed.
  std::size_t open() const { return m_open; }
  bool is_closed(const base::MessageId& mid) const;

 private:
  struct State {
    base::Sha256Digest last{};
    std::uint64_t mseq = 0;
    std::uint32_t epoch = 0;                                 // of `last`; an index into m_epochs
    bool accepted = false, carried = false, closed = false;  // carried: accepted in an older epoch
  };
  std::string follow(State& state, const ParsedLeaf& leaf, bool is_first);

  std::unordered_map<base::MessageId, State> m_states;
  std::size_t m_open = 0;
  std::vector<std::string> m_epochs{""};
};

}  // namespace receipts
