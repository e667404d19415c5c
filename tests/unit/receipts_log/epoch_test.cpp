#include "receipts/log/epoch.hpp"

#include "receipts/log/tree.hpp"

#include <gtest/gtest.h>

namespace receipts {
namespace {

base::Ed25519Key the_key() { return base::Ed25519Key::from_seed(std::string(32, 'k')); }

TEST(Epoch, Names) {
  for (const char* name : {"1", "2026", "2026.2", "2026.17", "9999"}) EXPECT_EQ(format_epoch(*parse_epoch(name)), name);
  for (const char* name : {"", ".", "2026.", "2026.1", "2026.0", "02026", "0", "-1", "+1", "2026.02", "2026.2.3", "12345", "2026a", " 2026", "x"})
    EXPECT_FALSE(parse_epoch(name)) << name;
  EXPECT_LT(*parse_epoch("1"), *parse_epoch("2026"));
  EXPECT_LT(*parse_epoch("2026"), *parse_epoch("2026.2"));
  EXPECT_LT(*parse_epoch("2026.2"), *parse_epoch("2026.10"));  // not as text
  EXPECT_LT(*parse_epoch("2026.10"), *parse_epoch("2027"));
  EXPECT_EQ(year_of(*base::parse_utc("2026-12-31T23:59:59.999Z")), 2026);
  EXPECT_EQ(year_of(*base::parse_utc("2027-01-01T00:00:00.000Z")), 2027);
}

TEST(Epoch, OneKeyServesForAllEpochsOfOneLog) {
  const VerifierKey key{"gw.stadt.example/receipts/a/2026", the_key().public_key()};
  EXPECT_EQ(key_for(key, "gw.stadt.example/receipts/a/2027.2")->name, "gw.stadt.example/receipts/a/2027.2");
  EXPECT_EQ(key_for(key, key.name)->name, key.name);
  for (const char* other : {"gw.stadt.example/receipts/b/2026", "gw.stadt.example/receipts/a/2026/2027", "gw.stadt.example/receipts/a/", "2026", "",
                            "gw.stadt.example/receipts/a/x", "evil.example/receipts/a/2026"})
    EXPECT_FALSE(key_for(key, other)) << other;
  EXPECT_FALSE(key_for({"log.example/letters", the_key().public_key()}, "log.example/2026"));
}

TEST(Epoch, LinkHoldsTheSignedCheckpoint) {
  const VerifierKey key{"gw.stadt.example/receipts/a/2027", the_key().public_key()};
  const std::string note = sign_checkpoint({"gw.stadt.example/receipts/a/2026", 417, leaf_hash("x")}, the_key());
  auto link = make_link(note);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->epoch, "2026");
  EXPECT_EQ(link->size, 417u);
  EXPECT_TRUE(verify_link(*link, key));
  link->kept = {"2026", 400};
  EXPECT_EQ(*parse_link(format_link(*link)), *link);
  for (const Fact& fact : format_link(*link))
    if (const auto* word = std::get_if<std::string>(&fact.value)) EXPECT_TRUE(is_word(*word)) << fact.name;
  // whatever is changed, the signature no longer covers it
  EpochLink bad = *link;
  bad.size = 416;
  EXPECT_FALSE(verify_link(bad, key));
  bad = *link;
  bad.epoch = "2025";
  EXPECT_FALSE(verify_link(bad, key));
  bad = *link;
  bad.root[3] ^= 1;
  EXPECT_FALSE(verify_link(bad, key));
  EXPECT_FALSE(verify_link(*link, {key.name, base::Ed25519Key::from_seed(std::string(32, 'x')).public_key()}));
  EXPECT_FALSE(parse_link({{"open", std::int64_t{3}}}));
}

}  // namespace
}  // namespace receipts
