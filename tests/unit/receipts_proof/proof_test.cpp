#include <gtest/gtest.h>

#include "base/core/random.hpp"
#include "receipts/log/checkpoint.hpp"
#include "receipts/proof/tile_reader.hpp"
#include "receipts/proof/tlog_proof.hpp"

namespace receipts {
namespace {

namespace fs = base::fs;
using base::Sha256Digest;

// The definition of RFC 6962, as slow as it is written there
Sha256Digest mth(const std::vector<Sha256Digest>& leaves, std::size_t from, std::size_t to) {
  if (to - from == 1) return leaves[from];
  std::size_t k = 1;
  while (2 * k < to - from) k *= 2;
  return node_hash(mth(leaves, from, from + k), mth(leaves, from + k, to));
}

class MemoryReader : public HashReader {
 public:
  explicit MemoryReader(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) leaves.push_back(leaf_hash(std::to_string(i)));
  }
  base::Result<Sha256Digest> read(unsigned level, std::uint64_t index) override {
    const std::uint64_t from = index << level, to = (index + 1) << level;
    if (to > leaves.size()) return fail(k_out_of_range, "incomplete subtree");
    return mth(leaves, from, to);
  }
  std::vector<Sha256Digest> leaves;
};

TEST(Proof, every_inclusion_in_every_small_tree) {
  MemoryReader reader(40);
  for (std::uint64_t size = 1; size <= 40; ++size) {
    const Sha256Digest root = mth(reader.leaves, 0, size);
    ASSERT_EQ(*root_of(reader, size), root);
    for (std::uint64_t i = 0; i < size; ++i) {
      auto proof = prove_inclusion(reader, i, size);
      ASSERT_TRUE(proof);
      EXPECT_TRUE(verify_inclusion(i, size, reader.leaves[i], *proof, root)) << i << "/" << size;
      EXPECT_FALSE(verify_inclusion(i, size, leaf_hash("x"), *proof, root));
      EXPECT_FALSE(verify_inclusion(i ^ 1, size, reader.leaves[i], *proof, root) && size > 1) << i << "/" << size;
      EXPECT_FALSE(verify_inclusion(size, size, reader.leaves[i], *proof, root));
      proof->push_back(root);
      EXPECT_FALSE(verify_inclusion(i, size, reader.leaves[i], *proof, root));
      proof->pop_back();
      if (proof->empty()) continue;
      proof->pop_back();
      EXPECT_FALSE(verify_inclusion(i, size, reader.leaves[i], *proof, root));
    }
  }
  EXPECT_EQ(prove_inclusion(reader, 40, 40).error().code, k_out_of_range);
}

TEST(Proof, every_consistency_of_small_trees) {
  MemoryReader reader(40);
  for (std::uint64_t to = 1; to <= 40; ++to)
    for (std::uint64_t from = 1; from <= to; ++from) {
      const Sha256Digest old_root = mth(reader.leaves, 0, from), new_root = mth(reader.leaves, 0, to);
      auto proof = prove_consistency(reader, from, to);
      ASSERT_TRUE(proof);
      EXPECT_TRUE(verify_consistency(from, to, old_root, new_root, *proof)) << from << "/" << to;
      EXPECT_FALSE(verify_consistency(from, to, leaf_hash("x"), new_root, *proof));
      EXPECT_FALSE(verify_consistency(from, to, old_root, leaf_hash("x"), *proof));
      for (Sha256Digest& hash : *proof) {
        hash[5] = static_cast<unsigned char>(hash[5] ^ 4);
        EXPECT_FALSE(verify_consistency(from, to, old_root, new_root, *proof));
        hash[5] = static_cast<unsigned char>(hash[5] ^ 4);
      }
      proof->push_back(new_root);
      EXPECT_FALSE(verify_consistency(from, to, old_root, new_root, *proof));
    }
  EXPECT_FALSE(verify_consistency(0, 5, empty_root(), leaf_hash("x"), {}));
  EXPECT_FALSE(verify_consistency(6, 5, empty_root(), empty_root(), {}));
  EXPECT_FALSE(prove_consistency(reader, 6, 5));
}

TEST(Proof, from_tiles_of_a_larger_tree) {
  const fs::path directory = fs::temp_directory_path() / ("proof-" + base::to_hex(base::random_bytes(8)));
  const auto key = base::Ed25519Key::from_seed(std::string(32, 's'));
  auto writer = TileWriter::open(directory);
  CompactRange old;
  constexpr std::uint64_t k_size = 66500, k_old = 65700;
  for (std::uint64_t i = 0; i < k_size; ++i) {
    const std::string leaf = std::to_string(i);
    ASSERT_TRUE(writer->add(leaf, leaf_hash(leaf)));
    if (i < k_old) old.append(leaf_hash(leaf));
  }
  ASSERT_TRUE(writer->publish(sign_checkpoint({"log.example/1", k_size, writer->root()}, key)));
  TileReader now(directory, k_size), then(directory, k_old);
  EXPECT_EQ(*root_of(now, k_size), writer->root());
  EXPECT_EQ(*root_of(then, k_old), old.root());
  for (const std::uint64_t i : {0, 255, 256, 65535, 65536, 66303, 66304, 66499}) {
    EXPECT_EQ(*now.read_entry(i), std::to_string(i));
    const auto proof = prove_inclusion(now, i, k_size);
    ASSERT_TRUE(proof) << proof.error().describe();
    EXPECT_TRUE(verify_inclusion(i, k_size, leaf_hash(std::to_string(i)), *proof, writer->root())) << i;
  }
  EXPECT_FALSE(now.read_entry(k_size));
  EXPECT_FALSE(now.read(0, k_size));
  EXPECT_FALSE(now.read(63, 1));
  const auto proof = prove_consistency(now, k_old, k_size);
  ASSERT_TRUE(proof);
  EXPECT_TRUE(verify_consistency(k_old, k_size, old.root(), writer->root(), *proof));
  fs::remove_all(directory);
}

TEST(TlogProofFile, round_trip_and_refusals) {
  TlogProof proof{7, {leaf_hash("a"), leaf_hash("b")}, "log.example/1\n9\n…", std::nullopt};
  for (const auto& extra : {std::optional<base::Bytes>(), std::optional<base::Bytes>("more")}) {
    proof.extra = extra;
    const std::string text = format_tlog_proof(proof);
    const auto parsed = parse_tlog_proof(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(format_tlog_proof(*parsed), text);
    EXPECT_EQ(parsed->index, 7u);
    EXPECT_EQ(parsed->hashes, proof.hashes);
  }
  const std::string first = "c2sp.org/tlog-proof@v1\n", hash = base::to_base64(base::view(leaf_hash("a"))) + "\n";
  EXPECT_TRUE(parse_tlog_proof(first + "index 0\n\n"));
  std::string many;
  for (int i = 0; i < 64; ++i) many += hash;
  const std::vector<std::string> refused = {"", first, first + "index 01\n\n", first + "index -1\n\n", first + "index 1\n" + hash, first + "\n",
                                            first + "index 1\nAAAA\n\n", "c2sp.org/tlog-proof@v2\nindex 0\n\n", first + "index 0\n" + many + "\n",
                                            first + "extra !\nindex 0\n\n", first + "extra AAAA\n"};
  for (const std::string& text : refused) EXPECT_FALSE(parse_tlog_proof(text)) << text;
}

}  // namespace
}  // namespace receipts
