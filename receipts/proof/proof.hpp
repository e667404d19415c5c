// Promise: proofs of RFC 6962 sections 2.1.1 and 2.1.2 from any source of node hashes, and their verification. Proofs that
// are verified come from strangers; a verdict is a plain yes or no.
#pragma once

#include <cstdint>
#include <vector>

#include "receipts/log/tree.hpp"

namespace receipts {

using ProofHashes = std::vector<base::Sha256Digest>;

// Node `index` of `level`: the root of the leaves [index << level, (index + 1) << level). Only complete subtrees are asked for.
class HashReader {
 public:
  virtual ~HashReader() = default;
  virtual base::Result<base::Sha256Digest> read(unsigned level, std::uint64_t index) = 0;
};

// That leaf `index` stands in the tree of `size` leaves; sibling hashes from the leaf to the root. k_out_of_range.
base::Result<ProofHashes> prove_inclusion(HashReader& reader, std::uint64_t index, std::uint64_t size);
// That the tree of `new_size` begins with the tree of `old_size`. Empty for old_size 0 and for equal sizes. k_out_of_range.
base::Result<ProofHashes> prove_consistency(HashReader& reader, std::uint64_t old_size, std::uint64_t new_size);
base::Result<base::Sha256Digest> root_of(HashReader& reader, std::uint64_t size);

bool verify_inclusion(std::uint64_t index, std::uint64_t size, const base::Sha256Digest& leaf, const ProofHashes& proof,
                      const base::Sha256Digest& root);
// old_size 0 is never proven: false.
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const base::Sha256Digest& old_root,
                        const base::Sha256Digest& new_root, const ProofHashes& proof);

}  // namespace receipts
