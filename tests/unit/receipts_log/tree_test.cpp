// Vectors of RFC 6962's reference implementations, and the C2SP and Tessera test logs.
#include <gtest/gtest.h>

#include "receipts/log/checkpoint.hpp"
#include "receipts/log/tree.hpp"

namespace receipts {
namespace {

std::string hex(const base::Sha256Digest& d) { return base::to_hex(base::view(d)); }

TEST(Tree, hashes_like_the_reference) {
  EXPECT_EQ(hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(leaf_hash("")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(hex(leaf_hash("L123456")), "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
}

TEST(Tree, roots_of_the_eight_reference_leaves) {
  const char* leaves[] = {"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9c", "fac54203", "aeb6bcfe", "d37ee418", "4e3bbb1f", "76e67dad", "ddb89be4", "5dc9da79"};
  CompactRange range;
  EXPECT_EQ(range.root(), empty_root());
  for (int i = 0; i < 8; ++i) {
    range.append(leaf_hash(*base::parse_hex(leaves[i])));
    EXPECT_EQ(hex(range.root()).substr(0, 8), roots[i]) << i + 1;
    const auto loaded = CompactRange::load(range.save());
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->root(), range.root());
    EXPECT_EQ(loaded->size(), range.size());
  }
  base::Bytes saved = range.save();
  saved.pop_back();
  EXPECT_FALSE(CompactRange::load(saved));
  EXPECT_FALSE(CompactRange::load("short"));
}

TEST(Tree, roots_of_the_tessera_test_log) {
  const char* words[] = {"one", "two", "three"};
  CompactRange range;
  std::vector<std::string> roots;
  for (const char* word : words) {
    range.append(leaf_hash(word));
    roots.push_back(base::to_base64(base::view(range.root())));
  }
  EXPECT_EQ(roots[0], "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=");
  EXPECT_EQ(roots[2], "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=");
}

TEST(Tree, fold_is_the_root_of_a_full_tree) {
  std::vector<base::Sha256Digest> hashes;
  CompactRange range;
  for (int i = 0; i < 256; ++i) {
    hashes.push_back(leaf_hash(std::to_string(i)));
    range.append(hashes.back());
  }
  EXPECT_EQ(fold_nodes(hashes.data(), 256), range.root());
}

TEST(Checkpoint, vkeys_of_the_standard_and_of_tessera) {
  for (const char* text : {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                           "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"}) {
    const auto key = parse_vkey(text);
    ASSERT_TRUE(key) << text;
    EXPECT_EQ(format_vkey(*key), text);
  }
  for (const char* text : {"", "a", "a+b", "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                           "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                           "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                           "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2", "+530d903a+AekyeRrm"})
    EXPECT_FALSE(parse_vkey(text)) << text;
}

class Signed : public testing::Test {
 protected:
  base::Ed25519Key key = base::Ed25519Key::from_seed(std::string(32, 's'));
  Checkpoint checkpoint{"evidence.stadt.example/receipts/2026", 3, leaf_hash("x")};
  VerifierKey vkey{checkpoint.origin, key.public_key()};
  std::string note = sign_checkpoint(checkpoint, key);
};

TEST_F(Signed, round_trip) {
  const auto parsed = parse_signed_checkpoint(note);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->checkpoint, checkpoint);
  EXPECT_TRUE(verify_checkpoint(*parsed, vkey));
  VerifierKey other{checkpoint.origin, base::Ed25519Key::from_seed(std::string(32, 't')).public_key()};
  EXPECT_FALSE(verify_checkpoint(*parsed, other));
  EXPECT_FALSE(verify_checkpoint(*parsed, {"other.example/log", key.public_key()}));
}

TEST_F(Signed, each_flipped_bit_is_seen) {
  for (std::size_t i = 0; i < note.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = note;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const auto parsed = parse_signed_checkpoint(bad);
      EXPECT_FALSE(parsed && verify_checkpoint(*parsed, vkey)) << i << "/" << bit;
    }
}

TEST_F(Signed, strangers_signatures_are_ignored_and_sixteen_are_taken) {
  std::string more = note;
  for (int i = 0; i < 16; ++i) more += "\xE2\x80\x94 witness.example/w" + std::to_string(i) + " " + base::to_base64(std::string(76, 'w')) + "\n";
  auto parsed = parse_signed_checkpoint(more);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->signatures.size(), 17u);
  EXPECT_TRUE(verify_checkpoint(*parsed, vkey));
  for (int i = 0; i < 64; ++i) more += "\xE2\x80\x94 w.example " + base::to_base64(std::string(76, 'w')) + "\n";
  EXPECT_FALSE(parse_signed_checkpoint(more));
}

TEST_F(Signed, forms_that_are_no_checkpoint) {
  const std::string root = base::to_base64(base::view(checkpoint.root));
  const std::string signature = note.substr(note.find("\n\n") + 1);
  const std::vector<std::string> bodies =
       {"a b\n3\n" + root + "\n", "a\n03\n" + root + "\n", "a\n-3\n" + root + "\n", "a\n\n" + root + "\n", "a\n3\nAAAA\n",
        "a\n3\n" + root + "\nextension\n", "a\n99999999999999999999\n" + root + "\n", "a\n3\n"};
  for (const std::string& body : bodies)
    EXPECT_FALSE(parse_signed_checkpoint(body + signature)) << body;
  EXPECT_TRUE(parse_signed_checkpoint("a\n3\n" + root + "\n" + signature));
  EXPECT_FALSE(parse_signed_checkpoint(note.substr(0, note.size() - 1)));
  EXPECT_FALSE(parse_signed_checkpoint("a\n3\n" + root + "\n\n"));
  EXPECT_FALSE(parse_signed_checkpoint(note + std::string(k_max_note, 'x')));
}

}  // namespace
}  // namespace receipts
