// Promise: the Merkle tree of RFC 6962 section 2.1 over SHA-256, appended to with at most 64 hashes in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/core/digest.hpp"
#include "receipts/log/errors.hpp"

namespace receipts {

base::Sha256Digest leaf_hash(base::ByteView entry);                                             // SHA-256(0x00 || entry)
base::Sha256Digest node_hash(const base::Sha256Digest& left, const base::Sha256Digest& right);  // SHA-256(0x01 || l || r)
base::Sha256Digest empty_root();                                                                // SHA-256("")

// The root of 2^k neighbouring nodes; `count` is a power of two.
base::Sha256Digest fold_nodes(const base::Sha256Digest* nodes, std::size_t count);

// The right edge of the tree: one hash for each set bit of the size.
class CompactRange {
 public:
  void append(const base::Sha256Digest& leaf);
  std::uint64_t size() const { return m_size; }
  base::Sha256Digest root() const;

  // Size (8 bytes, big endian), then the hashes, biggest subtree first.
  base::Bytes save() const;
  static base::Result<CompactRange> load(base::ByteView bytes);  // k_out_of_range if the length does not fit the size

 private:
  std::uint64_t m_size = 0;
  std::vector<base::Sha256Digest> m_hashes;  // biggest subtree first
};

}  // namespace receipts
