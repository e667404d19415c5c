#include "receipts/log/tree.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace receipts {

using base::Sha256Digest;

Sha256Digest leaf_hash(base::ByteView entry) { return base::sha256(base::ByteView("\0", 1), entry); }

Sha256Digest node_hash(const Sha256Digest& left, const Sha256Digest& right) {
  std::array<char, 65> input;
  input[0] = 1;
  std::memcpy(input.data() + 1, left.data(), 32);
  std::memcpy(input.data() + 33, right.data(), 32);
  return base::sha256(base::ByteView(input.data(), input.size()));
}

Sha256Digest empty_root() { return base::sha256(base::ByteView{}); }

Sha256Digest fold_nodes(const Sha256Digest* nodes, std::size_t count) {
  if (count == 1) return *nodes;
  std::vector<Sha256Digest> row(nodes, nodes + count);
  for (; count > 1; count /= 2)
    for (std::size_t i = 0; i < count / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
  return row[0];
}

void CompactRange::append(const Sha256Digest& leaf) {
  Sha256Digest hash = leaf;
  // each trailing set bit of the size is a complete subtree of the same height as ours: they become one
  for (std::uint64_t bits = m_size; (bits & 1) != 0; bits >>= 1) {
    hash = node_hash(m_hashes.back(), hash);
    m_hashes.pop_back();
  }
  m_hashes.push_back(hash);
  ++m_size;
}

Sha256Digest CompactRange::root() const {
  if (m_hashes.empty()) return empty_root();
  Sha256Digest hash = m_hashes.back();
  for (std::size_t i = m_hashes.size() - 1; i-- > 0;) hash = node_hash(m_hashes[i], hash);
  return hash;
}

base::Bytes CompactRange::save() const {
  base::Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(m_size >> shift);
  for (const Sha256Digest& hash : m_hashes) out += base::view(hash);
  return out;
}

base::Result<CompactRange> CompactRange::load(base::ByteView bytes) {
  CompactRange range;
  if (bytes.size() < 8) return fail(k_out_of_range, "compact range");
  for (const char c : bytes.substr(0, 8)) range.m_size = range.m_size << 8 | static_cast<unsigned char>(c);
  bytes.remove_prefix(8);
  const auto count = static_cast<std::size_t>(std::popcount(range.m_size));
  if (bytes.size() != count * 32) return fail(k_out_of_range, "compact range");
  range.m_hashes.resize(count);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(range.m_hashes[i].data(), bytes.data() + 32 * i, 32);
  return range;
}

}  // namespace receipts
