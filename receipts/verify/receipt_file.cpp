#include "receipts/verify/receipt_file.hpp"

#include <algorithm>

#include "receipts/log/epoch.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/proof/tlog_proof.hpp"
#include "receipts/verify/chains.hpp"

namespace receipts {
namespace {

constexpr std::string_view k_head = "{\n\"format\": \"amtsbote-receipts/1\",\n\"receipts\": [\n";

void append_strings(std::string& out, const std::vector<std::string_view>& strings) {
  for (std::size_t i = 0; i < strings.size(); ++i) out.append("\"").append(strings[i]).append(i + 1 < strings.size() ? "\",\n" : "\"\n");
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Walks the fixed lines of the layout.
class Lines {
 public:
  explicit Lines(std::string_view text) : m_rest(text) {}
  bool take(std::string_view expected) {
    if (!m_rest.starts_with(expected)) return false;
    m_rest.remove_prefix(expected.size());
    return true;
  }
  // What stands before `end` on this line.
  bool take_until(std::string_view end, std::string_view& value) {
    const std::size_t newline = m_rest.find('\n');
    if (newline == std::string_view::npos) return false;
    const std::string_view line = m_rest.substr(0, newline + 1);
    if (!line.ends_with(end)) return false;
    value = line.substr(0, line.size() - end.size());
    m_rest.remove_prefix(line.size());
    return true;
  }
  // Lines "…", up to and with the closing line. No escapes: neither base64 nor a checkpoint needs any.
  bool take_strings(std::string_view closing, std::vector<std::string>& out) {
    bool more = false;
    while (!take(closing)) {
      std::string_view value;
      if (!out.empty() && !more) return false;
      if (!take("\"")) return false;
      more = take_until("\",\n", value);
      if (!more && !take_until("\"\n", value)) return false;
      if (value.find_first_of("\"\\") != std::string_view::npos) return false;
      out.emplace_back(value);
    }
    return !more;
  }
  bool at_end() const { return m_rest.empty(); }

 private:
  std::string_view m_rest;
};

base::Result<Receipt> take_receipt(Lines& lines) {
  Receipt out;
  std::string_view leaf;
  if (!lines.take("{\n\"leaf\": ") || !lines.take_until(",\n", leaf)) return fail(k_receipt_file_invalid, "leaf");
  out.leaf = leaf;
  if (!lines.take("\"disclosures\": [\n") || !lines.take_strings("],\n", out.disclosures))
    return fail(k_receipt_file_invalid, "disclosures");
  std::vector<std::string> proof;
  if (!lines.take("\"proof\": [\n") || !lines.take_strings("]\n", proof)) return fail(k_receipt_file_invalid, "proof");
  for (const std::string& line : proof) out.proof += line + "\n";
  return out;
}

void verify_disclosures(const Receipt& receipt, const ParsedLeaf& leaf, const std::string& subject, Report& report) {
  std::size_t good = 0;
  for (const std::string& encoded : receipt.disclosures) {
    if (!belongs_to(leaf, encoded))
      report.add("disclosures", Verdict::failed, subject, "a disclosure does not belong to the leaf");
    else if (auto opened = parse_disclosure(encoded); !opened)
      report.add("disclosures", Verdict::failed, subject, "a disclosure cannot be read: " + opened.error().detail);
    else
      ++good;
  }
  if (good == receipt.disclosures.size())
    report.add("disclosures", Verdict::passed, subject,
               std::to_string(good) + " of " + std::to_string(leaf.dr.size()) + " shown, all belong to the leaf");
}

// The epoch in which the receipt says that it stands; "" if there is no telling.
std::string verify_proof(const Receipt& receipt, const VerifierKey& key, const std::string& subject, Report& report) {
  const auto proof = parse_tlog_proof(receipt.proof);
  const auto note = proof ? parse_signed_checkpoint(proof->checkpoint) : base::Result<SignedCheckpoint>(proof.error());
  if (!note) {
    report.add("inclusion", Verdict::failed, subject, "the proof cannot be read: " + note.error().detail);
    report.add("log_signature", Verdict::failed, subject, "there is no checkpoint");
    return {};
  }
  const Checkpoint& head = note->checkpoint;
  const bool included = verify_inclusion(proof->index, head.size, leaf_hash(receipt.leaf), proof->hashes, head.root);
  report.add("inclusion", included ? Verdict::passed : Verdict::failed, subject,
             included ? "entry " + std::to_string(proof->index) + " of " + std::to_string(head.size) : "the proof does not lead to the root");
  const auto signer = key_for(key, head.origin);
  const bool is_signed = signer && verify_checkpoint(*note, *signer);
  report.add("log_signature", is_signed ? Verdict::passed : Verdict::failed, subject,
             is_signed ? "by " + signer->name : "no good signature of " + key.name);
  return std::string(epoch_of(head.origin));
}

struct PlacedLeaf {
  ParsedLeaf leaf;
  std::string epoch;
};

void verify_chain(const std::vector<PlacedLeaf>& leaves, bool all_parsed, Report& report) {
  if (!all_parsed) return report.add("chain", Verdict::failed, "", "not every leaf can be read");
  const auto& mid = leaves.front().leaf.event.mid;
  if (!mid && leaves.size() == 1) return report.add("chain", Verdict::passed, "", "an event of no message");
  Chains chains;
  std::string epoch;
  for (const auto& [leaf, place] : leaves) {
    if (place != epoch) chains.enter(epoch = place);
    if (!mid || leaf.event.mid != mid) return report.add("chain", Verdict::failed, "", "leaves of more than one message");
    const std::string fault = chains.add(leaf);
    if (fault.empty()) continue;
    // a file may show a part of a chain; whether something lies before it cannot be told from here
    const bool starts_late = &leaf == &leaves.front().leaf;
    if (!starts_late) return report.add("chain", Verdict::failed, leaf.eid.text(), fault);
    return report.add("chain", Verdict::indeterminate, leaf.eid.text(), fault);
  }
  if (const auto& first = leaves.front().leaf.link; first.mseq != 1)
    return report.add("chain", Verdict::indeterminate, mid->text(), "begins in epoch " + first.epoch + ", which is not shown");
  if (chains.is_closed(*mid)) return report.add("chain", Verdict::passed, mid->text(), std::to_string(leaves.size()) + " leaves, closed");
  report.add("chain", Verdict::indeterminate, mid->text(), "does not reach msg.closed");
}

}  // namespace

std::string format_receipt_file(const std::vector<Receipt>& receipts) {
  std::string out(k_head);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    const Receipt& receipt = receipts[i];
    out.append("{\n\"leaf\": ").append(receipt.leaf).append(",\n\"disclosures\": [\n");
    append_strings(out, {receipt.disclosures.begin(), receipt.disclosures.end()});
    out += "],\n\"proof\": [\n";
    append_strings(out, lines_of(receipt.proof));
    out += i + 1 < receipts.size() ? "]\n},\n" : "]\n}\n";
  }
  return out + "]\n}\n";
}

base::Result<std::vector<Receipt>> parse_receipt_file(std::string_view text) {
  if (text.size() > k_max_receipt_file) return fail(k_receipt_file_invalid, "too long");
  Lines lines(text);
  if (!lines.take(k_head)) return fail(k_receipt_file_invalid, "head");
  std::vector<Receipt> out;
  bool more = true;
  while (more) {
    auto receipt = take_receipt(lines);
    if (!receipt) return std::move(receipt).error();
    out.push_back(std::move(*receipt));
    if (out.size() > k_max_receipts) return fail(k_receipt_file_invalid, "too many receipts");
    more = lines.take("},\n");
  }
  if (!lines.take("}\n]\n}\n") || !lines.at_end()) return fail(k_receipt_file_invalid, "end");
  return out;
}

Report verify_receipt_file(std::string_view text, const VerifierKey& key) {
  Report report;
  const auto receipts = parse_receipt_file(text);
  if (!receipts) {
    report.add("file", Verdict::failed, "", receipts.error().detail);
    return report;
  }
  report.add("file", Verdict::passed, "", std::to_string(receipts->size()) + " receipts");
  std::vector<PlacedLeaf> leaves;
  for (std::size_t i = 0; i < receipts->size(); ++i) {
    const Receipt& receipt = (*receipts)[i];
    auto leaf = parse_leaf(receipt.leaf);
    const std::string subject = "receipt " + std::to_string(i + 1) + (leaf ? std::string(" ") + name_of(leaf->event.type) : "");
    report.add("hash", leaf ? Verdict::passed : Verdict::failed, subject,
               leaf ? base::to_hex(base::view(leaf->hash)) : "not a leaf: " + leaf.error().detail);
    std::string epoch = verify_proof(receipt, key, subject, report);
    if (!leaf) continue;
    verify_disclosures(receipt, *leaf, subject, report);
    leaves.push_back({std::move(*leaf), std::move(epoch)});
  }
  verify_chain(leaves, leaves.size() == receipts->size(), report);
  return report;
}

}  // namespace receipts
