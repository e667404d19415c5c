#include "receipts/proof/proof.hpp"

#include <bit>

namespace receipts {
namespace {

using base::Sha256Digest;

// MTH(D[from:to]). `from` is a multiple of the largest power of two below the length, so the parts are nodes of the tree.
base::Result<Sha256Digest> subtree(HashReader& reader, std::uint64_t from, std::uint64_t to) {
  std::vector<Sha256Digest> parts;
  while (from < to) {
    const auto level = static_cast<unsigned>(std::bit_width(to - from) - 1);
    const auto part = reader.read(level, from >> level);
    if (!part) return part.error();
    parts.push_back(*part);
    from += std::uint64_t{1} << level;
  }
  Sha256Digest hash = parts.back();
  for (std::size_t i = parts.size() - 1; i-- > 0;) hash = node_hash(parts[i], hash);
  return hash;
}

// Appends the root of a range to the proof.
base::Result<void> append(HashReader& reader, std::uint64_t from, std::uint64_t to, ProofHashes& proof) {
  const auto hash = subtree(reader, from, to);
  if (!hash) return hash.error();
  proof.push_back(*hash);
  return base::Done{};
}

std::uint64_t split_of(std::uint64_t n) { return std::bit_floor(n - 1); }  // the largest power of two below n

// PATH(index, D[from:to]), deepest sibling first
base::Result<void> append_path(HashReader& reader, std::uint64_t index, std::uint64_t from, std::uint64_t to, ProofHashes& proof) {
  if (to - from == 1) return base::Done{};
  const std::uint64_t middle = from + split_of(to - from);
  const bool left = index < middle;
  auto deeper = left ? append_path(reader, index, from, middle, proof) : append_path(reader, index, middle, to, proof);
  if (!deeper) return deeper;
  return left ? append(reader, middle, to, proof) : append(reader, from, middle, proof);
}

// SUBPROOF(old, D[from:to], whole)
base::Result<void> append_subproof(HashReader& reader, std::uint64_t old_size, std::uint64_t from, std::uint64_t to, bool whole,
                                   ProofHashes& proof) {
  if (old_size == to) return whole ? base::Result<void>{} : append(reader, from, to, proof);
  const std::uint64_t middle = from + split_of(to - from);
  if (old_size <= middle) {
    auto deeper = append_subproof(reader, old_size, from, middle, whole, proof);
    return deeper ? append(reader, middle, to, proof) : deeper;
  }
  auto deeper = append_subproof(reader, old_size, middle, to, false, proof);
  return deeper ? append(reader, from, middle, proof) : deeper;
}

}  // namespace

base::Result<ProofHashes> prove_inclusion(HashReader& reader, std::uint64_t index, std::uint64_t size) {
  if (index >= size) return fail(k_out_of_range, "index " + std::to_string(index) + " of " + std::to_string(size));
  ProofHashes proof;
  if (auto done = append_path(reader, index, 0, size, proof); !done) return done.error();
  return proof;
}

base::Result<ProofHashes> prove_consistency(HashReader& reader, std::uint64_t old_size, std::uint64_t new_size) {
  if (old_size > new_size) return fail(k_out_of_range, "the old tree is the larger one");
  ProofHashes proof;
  if (old_size == 0 || old_size == new_size) return proof;
  if (auto done = append_subproof(reader, old_size, 0, new_size, true, proof); !done) return done.error();
  return proof;
}

base::Result<Sha256Digest> root_of(HashReader& reader, std::uint64_t size) {
  if (size == 0) return empty_root();
  return subtree(reader, 0, size);
}

bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Sha256Digest& leaf, const ProofHashes& proof,
                      const Sha256Digest& root) {
  if (index >= size) return false;
  std::uint64_t node = index, last = size - 1;
  Sha256Digest hash = leaf;
  for (const Sha256Digest& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = node_hash(sibling, hash);
      for (; (node & 1) == 0 && node != 0; node >>= 1) last >>= 1;
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Sha256Digest& old_root, const Sha256Digest& new_root,
                        const ProofHashes& proof) {
  if (old_size == 0 || old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  std::uint64_t node = old_size - 1, last = new_size - 1;
  for (; (node & 1) != 0; node >>= 1) last >>= 1;
  // an old tree that is a complete subtree is its own first node
  const bool complete = std::has_single_bit(old_size);
  if (!complete && proof.empty()) return false;
  Sha256Digest old_hash = complete ? old_root : proof.front(), new_hash = old_hash;
  for (std::size_t i = complete ? 0 : 1; i < proof.size(); ++i) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      old_hash = node_hash(proof[i], old_hash);
      new_hash = node_hash(proof[i], new_hash);
      for (; (node & 1) == 0 && node != 0; node >>= 1) last >>= 1;
    } else {
      new_hash = node_hash(new_hash, proof[i]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && old_hash == old_root && new_hash == new_root;
}

}  // namespace receipts
