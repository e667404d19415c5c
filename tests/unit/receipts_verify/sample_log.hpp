// A log of a few messages, made by the rooms under test, in a directory of its own.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/core/random.hpp"
#include "receipts/log/balance.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/proof/tile_reader.hpp"
#include "receipts/proof/tlog_proof.hpp"
#include "receipts/verify/fsck.hpp"
#include "receipts/verify/receipt_file.hpp"

namespace receipts::testing_log {

namespace fs = base::fs;

inline constexpr const char* k_origin = "evidence.stadt.example/receipts/2026";

class SampleLog : public testing::Test {
 protected:
  SampleLog() : directory(fs::temp_directory_path() / ("log-" + base::to_hex(base::random_bytes(8)))) {}
  ~SampleLog() override { fs::remove_all(directory); }

  Leaf add(EventType type, const base::MessageId* mid = nullptr, std::vector<Fact> facts = {}, std::string out = {}) {
    Event e;
    e.type = type;
    e.time = time;
    e.out = std::move(out);
    e.facts = std::move(facts);
    ChainLink link;
    if (mid != nullptr) {
      e.mid = *mid;
      e.disclosures = {{DisclosureClass::env, "to", "max@example.de"}, {DisclosureClass::msg, "subject", "Gr\xC3\xBC\xC3\x9F"}};
      link.mseq = ++chains[*mid].first;
      if (link.mseq > 1) link.prev = chains[*mid].second;
    }
    auto leaf = compose(e, link, "a", base::EventId::make(time));
    EXPECT_TRUE(leaf);
    if (mid != nullptr) chains[*mid].second = leaf->hash;
    balance.count(type, e.facts, e.out);
    leaves.push_back(*leaf);
    return *leaf;
  }
  // One message: accepted, decided, attempted, handed over, closed.
  base::MessageId message(bool close = true) {
    const auto mid = base::MessageId::make(time);
    add(EventType::msg_accept, &mid);
    add(EventType::msg_decide, &mid);
    add(EventType::relay_attempt, &mid);
    add(EventType::relay_ok, &mid);
    if (close) add(EventType::msg_closed, &mid, {}, "final");
    return mid;
  }
  void fill(int messages) {
    add(EventType::log_open);
    for (int i = 0; i < messages; ++i) message(i % 7 != 3);
    const auto late = message();
    add(EventType::log_balance, nullptr, balance.facts());
    add(EventType::dsn_sent, &late);  // after msg.closed
  }
  void publish() {
    fs::remove_all(directory);
    auto writer = TileWriter::open(directory);
    for (const Leaf& leaf : leaves) ASSERT_TRUE(writer->add(leaf.bytes, leaf.hash));
    note = sign_checkpoint({k_origin, writer->size(), writer->root()}, key);
    ASSERT_TRUE(writer->publish(note));
  }
  Receipt receipt(std::uint64_t index, bool disclose = true) const {
    TileReader reader(directory, leaves.size());
    Receipt out;
    out.leaf = leaves[index].bytes;
    if (disclose)
      for (const EncodedDisclosure& d : leaves[index].disclosures) out.disclosures.push_back(d.encoded);
    out.proof = format_tlog_proof({index, *prove_inclusion(reader, index, leaves.size()), note});
    return out;
  }
  Report check(std::vector<std::string> against = {}) const { return fsck({directory, vkey, std::move(against)}); }
  static bool failed(const Report& report, std::string_view check) {
    for (const Finding& f : report.findings)
      if (f.check == check && f.verdict == Verdict::failed) return true;
    return false;
  }

  fs::path directory;
  base::Timestamp time = *base::parse_utc("2026-03-01T08:15:30.123Z");
  base::Ed25519Key key = base::Ed25519Key::from_seed(std::string(32, 'k'));
  VerifierKey vkey{k_origin, key.public_key()};
  std::vector<Leaf> leaves;
  std::string note;
  Balance balance;
  std::map<base::MessageId, std::pair<std::uint64_t, base::Sha256Digest>> chains;
};

}  // namespace receipts::testing_log
