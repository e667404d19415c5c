#include "tests/unit/receipts_verify/sample_log.hpp"

namespace receipts {
namespace {

using testing_log::SampleLog;
namespace fs = base::fs;

class Fsck : public SampleLog {};

std::string slurp(const fs::path& path) { return *base::read_file(path, {1 << 24}); }
void spit(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

TEST_F(Fsck, a_good_log_passes_every_check) {
  fill(120);
  publish();
  const Report report = check();
  EXPECT_EQ(report.verdict(), Verdict::passed) << format_text(report);
  for (const char* name : {"checkpoint", "log_signature", "tiles", "root", "leaves", "chains", "balance"})
    EXPECT_EQ(std::count_if(report.findings.begin(), report.findings.end(), [&](const Finding& f) { return f.check == name; }), 1) << name;
  EXPECT_TRUE(format_json(report).starts_with("{\"verdict\":\"passed\",\"findings\":[{\"check\":\"checkpoint\","));
}

TEST_F(Fsck, an_empty_log_passes) {
  publish();
  EXPECT_EQ(check().verdict(), Verdict::passed) << format_text(check());
}

TEST_F(Fsck, an_absent_log_fails) { EXPECT_EQ(check().verdict(), Verdict::failed); }

TEST_F(Fsck, every_file_is_looked_at) {
  fill(120);  // 600 leaves: full and partial tiles
  publish();
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const std::string good = slurp(entry.path());
    for (const std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      spit(entry.path(), bad);
      EXPECT_EQ(check().verdict(), Verdict::failed) << entry.path() << " at " << at;
    }
    fs::remove(entry.path());
    EXPECT_EQ(check().verdict(), Verdict::failed) << entry.path() << " removed";
    spit(entry.path(), good);
  }
  EXPECT_EQ(check().verdict(), Verdict::passed);
}

TEST_F(Fsck, old_partial_tiles_must_agree_and_temporary_files_do_not_matter) {
  fill(120);
  publish();
  const std::string full = slurp(directory / "tile/0/000");
  fs::create_directory(directory / "tile/0/000.p");
  spit(directory / "tile/0/000.p/3", full.substr(0, 96));
  spit(directory / "tile/0/000.p/9.tmp-12", "x");
  EXPECT_EQ(check().verdict(), Verdict::passed) << format_text(check());
  spit(directory / "tile/0/000.p/3", full.substr(32, 96));
  EXPECT_TRUE(failed(check(), "tiles"));
}

// The operator holds the key and signs whatever tree he likes: the chains and balances still tell.
TEST_F(Fsck, a_leaf_removed_reordered_or_replaced_and_signed_again_breaks_a_chain) {
  fill(20);
  const std::vector<Leaf> good = leaves;
  leaves.erase(leaves.begin() + 3);
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
  leaves = good;
  std::swap(leaves[2], leaves[3]);
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
  leaves = good;
  leaves[2] = leaves[7];
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
  // a whole message taken away leaves no gap in a chain, but the day does not add up
  leaves = good;
  leaves.erase(leaves.begin() + 1, leaves.begin() + 6);
  publish();
  EXPECT_FALSE(failed(check(), "chains"));
  EXPECT_FALSE(failed(check(), "root"));
  EXPECT_TRUE(failed(check(), "balance"));
}

TEST_F(Fsck, what_is_no_leaf_fails) {
  fill(1);
  leaves[2].bytes += " ";
  leaves[2].hash = leaf_hash(leaves[2].bytes);
  publish();
  EXPECT_TRUE(failed(check(), "leaves"));
}

TEST_F(Fsck, accepted_twice_closed_twice_or_from_nowhere) {
  const auto a = message();
  add(EventType::msg_closed, &a);
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
  leaves.clear();
  const auto b = base::MessageId::make(time);
  add(EventType::msg_accept, &b);
  add(EventType::msg_accept, &b);
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
  leaves.clear();
  const auto c = base::MessageId::make(time);
  add(EventType::msg_closed, &c);
  publish();
  EXPECT_TRUE(failed(check(), "chains"));
}

TEST_F(Fsck, against_a_checkpoint_that_was_mailed) {
  fill(30);
  publish();
  const std::string early = note;
  message();
  publish();
  const std::string crlf_mail = [&] {
    std::string out = "Subject: Checkpoint\r\n\r\nGuten Tag,\r\n\r\n";
    for (const char c : early) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return out + "\r\n-- \r\nGateway\r\n";
  }();
  std::string quoted_printable;
  for (const char c : early) {
    if (c == '=' || static_cast<unsigned char>(c) >= 0x80)
      quoted_printable += "=" + [](std::string s) { for (char& x : s) x = static_cast<char>(std::toupper(x)); return s; }(base::to_hex({&c, 1}));
    else
      quoted_printable += c;
  }
  for (const std::string& text : {early, crlf_mail, quoted_printable}) {
    const Report report = check({text});
    EXPECT_EQ(report.verdict(), Verdict::passed) << format_text(report);
    EXPECT_EQ(report.findings.back().check, "against");
  }
  EXPECT_TRUE(failed(check({"no checkpoint here"}), "against"));
  const auto forged = sign_checkpoint({testing_log::k_origin, 3, leaf_hash("x")}, base::Ed25519Key::from_seed(std::string(32, 'x')));
  EXPECT_TRUE(failed(check({forged}), "against"));

  // rewritten since, and signed by the same key
  leaves[5] = *compose(Event{}, {}, "a", base::EventId::make(time));
  publish();
  EXPECT_TRUE(failed(check({early}), "against"));
  // cut short
  leaves.resize(10);
  publish();
  EXPECT_TRUE(failed(check({early}), "against"));
}

TEST_F(Fsck, another_key_is_another_log) {
  fill(3);
  publish();
  vkey.key = base::Ed25519Key::from_seed(std::string(32, 'x')).public_key();
  EXPECT_TRUE(failed(check(), "log_signature"));
}

class File : public SampleLog {
 protected:
  void SetUp() override {
    fill(3);
    publish();
    for (std::uint64_t i = 1; i <= 5; ++i) receipts.push_back(receipt(i));
  }
  Report verify(const std::vector<Receipt>& list) const { return verify_receipt_file(format_receipt_file(list), vkey); }
  std::vector<Receipt> receipts;
};

TEST_F(File, of_one_whole_message_passes) {
  const Report report = verify(receipts);
  EXPECT_EQ(report.verdict(), Verdict::passed) << format_text(report);
  const auto parsed = parse_receipt_file(format_receipt_file(receipts));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(format_receipt_file(*parsed), format_receipt_file(receipts));
  EXPECT_EQ(verify({receipt(0)}).verdict(), Verdict::passed) << "log.open belongs to no message";
}

TEST_F(File, that_shows_a_part_is_indeterminate) {
  EXPECT_EQ(verify({receipts.begin(), receipts.end() - 1}).verdict(), Verdict::indeterminate);
  EXPECT_EQ(verify({receipts.begin() + 1, receipts.end()}).verdict(), Verdict::indeterminate);
  receipts.erase(receipts.begin() + 2);
  EXPECT_TRUE(failed(verify(receipts), "chain")) << "a gap inside";
}

TEST_F(File, with_another_messages_leaf_or_disclosure_fails) {
  auto mixed = receipts;
  mixed.push_back(receipt(7));
  EXPECT_TRUE(failed(verify(mixed), "chain"));
  receipts[0].disclosures[0] = receipts[1].disclosures[0];
  EXPECT_TRUE(failed(verify(receipts), "disclosures"));
}

TEST_F(File, each_flipped_bit_fails) {
  const std::string text = format_receipt_file({receipts[0]});
  ASSERT_EQ(verify_receipt_file(text, vkey).verdict(), Verdict::indeterminate);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = text;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      ASSERT_EQ(verify_receipt_file(bad, vkey).verdict(), Verdict::failed) << i << "/" << bit << "\n" << bad.substr(i < 20 ? 0 : i - 20, 40);
    }
}

TEST_F(File, shapes_that_are_no_receipt_file) {
  const std::string good = format_receipt_file(receipts);
  EXPECT_FALSE(parse_receipt_file(""));
  for (std::size_t cut = 1; cut < good.size(); cut += 97) EXPECT_FALSE(parse_receipt_file(good.substr(0, cut))) << cut;
  EXPECT_FALSE(parse_receipt_file(good + "\n"));
}

}  // namespace
}  // namespace receipts
