// Our log before verifiers that were not written with it: Go's sumdb packages, and sh with openssl.
#include <sys/wait.h>

#include "tests/unit/receipts_verify/sample_log.hpp"

namespace receipts {
namespace {

using testing_log::SampleLog;
namespace fs = base::fs;

struct Outcome {
  int code = -1;
  std::string output;
};

Outcome run(const std::string& command) {
  Outcome out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  char piece[4096];
  for (std::size_t n = 0; (n = ::fread(piece, 1, sizeof piece, pipe)) > 0;) out.output.append(piece, n);
  const int status = ::pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

void spit(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

class Sumdb : public SampleLog {
 protected:
  static void SetUpTestSuite() {
    s_tool = fs::temp_directory_path() / ("sumdb-" + base::to_hex(base::random_bytes(8)));
    fs::create_directory(s_tool);
    const Outcome built = run("cd " AMTSBOTE_SOURCE "/tests/foreign/sumdb && GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE=" +
                              (s_tool / "cache").string() + " go build -o " + (s_tool / "verify").string() + " .");
    ASSERT_EQ(built.code, 0) << built.output;
  }
  static void TearDownTestSuite() { fs::remove_all(s_tool); }
  Outcome verify() const { return run((s_tool / "verify").string() + " " + directory.string() + " '" + format_vkey(vkey) + "'"); }

  static inline fs::path s_tool;
};

TEST_F(Sumdb, takes_logs_of_every_kind_of_size) {
  for (const std::size_t size : {1, 2, 255, 256, 257, 512, 700}) {
    leaves.clear();
    while (leaves.size() < size) add(EventType::log_heartbeat);
    publish();
    const Outcome outcome = verify();
    EXPECT_EQ(outcome.code, 0) << size << ": " << outcome.output;
  }
}

TEST_F(Sumdb, takes_a_log_of_three_levels) {
  const Leaf leaf = add(EventType::log_heartbeat);
  leaves.assign(66000, leaf);
  publish();
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.code, 0) << outcome.output;
}

TEST_F(Sumdb, refuses_what_was_changed) {
  fill(120);
  publish();
  ASSERT_EQ(verify().code, 0);
  for (const char* name : {"checkpoint", "tile/0/000", "tile/entries/001", "tile/1/000.p/2"}) {
    const std::string good = *base::read_file(directory / name, {1 << 24});
    for (std::size_t i = 1; i < good.size(); i += good.size() / 5) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 2);
      spit(directory / name, bad);
      EXPECT_EQ(verify().code, 1) << name << " at " << i;
    }
    spit(directory / name, good);
  }
  // the old checkpoint over a log with a leaf removed, reordered, replaced
  const std::vector<Leaf> all = leaves;
  const std::string signed_before = note;
  for (int kind = 0; kind < 3; ++kind) {
    leaves = all;
    if (kind == 0) leaves.erase(leaves.begin() + 9);
    if (kind == 1) std::swap(leaves[9], leaves[10]);
    if (kind == 2) leaves[9] = leaves[20];
    publish();
    spit(directory / "checkpoint", signed_before);
    EXPECT_EQ(verify().code, 1) << kind;
  }
}

class Script : public SampleLog {
 protected:
  void SetUp() override {
    fill(120);
    publish();
    file = directory / "receipts.json";
  }
  Outcome verify(const std::string& text) const {
    spit(file, text);
    return run("sh " AMTSBOTE_SOURCE "/tools/verify-receipt.sh " + file.string() + " '" + format_vkey(vkey) + "'");
  }
  fs::path file;
};

TEST_F(Script, verifies_receipts_from_all_over_the_log) {
  const std::size_t last = leaves.size() - 1;
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{255}, std::size_t{256}, std::size_t{511}, last}) {
    const Outcome outcome = verify(format_receipt_file({receipt(i)}));
    EXPECT_EQ(outcome.code, 0) << i << "\n" << outcome.output;
    EXPECT_NE(outcome.output.find(base::to_hex(base::view(leaves[i].hash))), std::string::npos);
  }
  const Outcome whole = verify(format_receipt_file({receipt(1), receipt(2), receipt(3), receipt(4), receipt(5, false)}));
  EXPECT_EQ(whole.code, 0) << whole.output;
  EXPECT_EQ(run("jq -e '.receipts | length == 5' " + file.string()).code, 0) << "the file is JSON";
  // a leaf is what RFC 8785 makes of it, by another program
  const Outcome canonical = run("jq -cS '.receipts[1].leaf' " + file.string() + " | tr -d '\\n'");
  EXPECT_EQ(canonical.output, leaves[2].bytes);
}

TEST_F(Script, refuses_flipped_bits) {
  const std::string text = format_receipt_file({receipt(300)});
  ASSERT_EQ(verify(text).code, 0);
  // a prime step walks through leaf, disclosures, proof, checkpoint and all eight bits
  for (std::size_t i = 0; i < text.size(); i += 41) {
    std::string bad = text;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    EXPECT_EQ(verify(bad).code, 1) << i << ": " << text.substr(i, 20);
  }
}

TEST_F(Script, refuses_a_leaf_or_proof_of_another) {
  Receipt mixed = receipt(300);
  mixed.leaf = receipt(301).leaf;
  EXPECT_EQ(verify(format_receipt_file({mixed})).code, 1);
  mixed = receipt(300);
  mixed.disclosures = receipt(301).disclosures;
  EXPECT_EQ(verify(format_receipt_file({mixed})).code, 1);
  vkey.key = base::Ed25519Key::from_seed(std::string(32, 'x')).public_key();
  EXPECT_EQ(verify(format_receipt_file({receipt(300)})).code, 1);
}

}  // namespace
}  // namespace receipts
