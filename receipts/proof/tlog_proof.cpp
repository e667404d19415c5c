#include "receipts/proof/tlog_proof.hpp"

#include <algorithm>
#include <charconv>

namespace receipts {
namespace {

constexpr std::string_view k_first = "c2sp.org/tlog-proof@v1";
constexpr std::size_t k_max_extra = 64 * 1024;

bool take_line(std::string_view& text, std::string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

// Decimal as we would print it.
bool parse_index(std::string_view line, std::uint64_t& index) {
  if (!line.starts_with("index ")) return false;
  line.remove_prefix(6);
  const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), index);
  return ec == std::errc{} && end == line.data() + line.size() && (line == "0" || line.front() != '0');
}

}  // namespace

std::string format_tlog_proof(const TlogProof& proof) {
  std::string out(k_first);
  out += '\n';
  if (proof.extra) out += "extra " + base::to_base64(*proof.extra) + "\n";
  out += "index " + std::to_string(proof.index) + "\n";
  for (const base::Sha256Digest& hash : proof.hashes) out += base::to_base64(base::view(hash)) + "\n";
  return out + "\n" + proof.checkpoint;
}

base::Result<TlogProof> parse_tlog_proof(std::string_view text) {
  if (text.size() > 2 * k_max_extra + k_max_note) return fail(k_proof_invalid, "too long");
  TlogProof out;
  std::string_view line;
  if (!take_line(text, line) || line != k_first) return fail(k_proof_invalid, "first line");
  if (!take_line(text, line)) return fail(k_proof_invalid, "no index");
  if (line.starts_with("extra ")) {
    auto extra = base::parse_base64(line.substr(6));
    if (!extra || extra->size() > k_max_extra) return fail(k_proof_invalid, "extra");
    out.extra = std::move(*extra);
    if (!take_line(text, line)) return fail(k_proof_invalid, "no index");
  }
  if (!parse_index(line, out.index)) return fail(k_proof_invalid, "index");
  while (true) {
    if (!take_line(text, line)) return fail(k_proof_invalid, "no checkpoint");
    if (line.empty()) break;
    const auto bytes = base::parse_base64(line);
    base::Sha256Digest hash{};
    if (!bytes || bytes->size() != hash.size()) return fail(k_proof_invalid, "hash");
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    out.hashes.push_back(hash);
    if (out.hashes.size() > k_max_proof_hashes) return fail(k_proof_invalid, "too many hashes");
  }
  out.checkpoint = text;
  return out;
}

}  // namespace receipts
