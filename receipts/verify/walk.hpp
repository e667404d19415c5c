// One epoch of a log, entry by entry: what fsck() is made of. For receipts/verify.
#pragma once

#include <map>
#include <set>

#include "receipts/log/tiles.hpp"
#include "receipts/verify/chains.hpp"
#include "receipts/verify/fsck.hpp"

namespace receipts {

// What goes on from one epoch into the next.
struct Carry {
  Chains chains;
  Balance balance;
};

struct WalkOptions {
  base::fs::path directory;
  std::string label;                          // the epoch's name in findings; "" where there is only one
  VerifierKey key;                            // under the epoch's origin
  SignedCheckpoint note;
  bool goes_on = false;                       // after an epoch that was walked before
  std::vector<SignedCheckpoint> earlier;
  std::set<std::uint64_t> keep;               // sizes at which a later epoch takes up
};

class Walk {
 public:
  Walk(const WalkOptions& options, Carry& carry, Report& report) : m_options(options), m_report(report), m_carry(carry) {}
  void run();

  const std::map<std::uint64_t, Carry>& kept() const { return m_kept; }
  bool is_closed() const { return m_closed; }  // its last leaf is log.close

 private:
  // An earlier checkpoint and whether the walk over the entries met its root.
  struct Earlier {
    Checkpoint checkpoint;
    bool is_signed = false, seen = false, agrees = false;
  };

  void meet(std::uint64_t size);
  void tell_earlier();
  bool read_bundle(std::uint64_t index);
  base::Sha256Digest read_leaf(base::ByteView entry);
  void count(const ParsedLeaf& leaf, std::uint64_t index);
  void compare(const std::vector<TileFile>& tiles);
  void compare_partials(const TileFile& tile);
  void fault(const char* check, std::uint64_t& count, const std::string& subject, std::string detail);
  void say(const char* check, std::uint64_t faults, std::string good);
  std::string subject_of(const std::string& subject) const;

  const WalkOptions& m_options;
  Report& m_report;
  Carry& m_carry;
  TileStack m_stack;
  std::map<std::uint64_t, Carry> m_kept;
  std::multimap<std::uint64_t, Earlier> m_earlier;
  bool m_closed = false;
  struct Counts {
    std::uint64_t tiles = 0, balances = 0, tile_faults = 0, leaf_faults = 0, chain_faults = 0, balance_faults = 0, end_faults = 0;
  } m_counts;
};

}  // namespace receipts
