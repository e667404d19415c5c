#include <algorithm>

#include "receipts/log/epoch.hpp"
#include "receipts/verify/fsck.hpp"

namespace receipts {
namespace {

constexpr std::size_t k_max_found = 10000;
constexpr std::string_view k_dash = "\xE2\x80\x94 ";

// RFC 2045 section 6.7, as far as a checkpoint needs it.
std::string undo_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
      continue;
    }
    if (text.substr(i + 1).starts_with("\n")) {
      ++i;
    } else if (const auto byte = base::parse_hex(text.substr(i + 1, 2)); byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += '=';
    }
  }
  return out;
}

std::vector<std::string> clean_lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.starts_with(">")) line.remove_prefix(line.starts_with("> ") ? 2 : 1);
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    out.emplace_back(line);
  }
  return out;
}

std::vector<SignedCheckpoint> find_in(std::string_view text, const VerifierKey& key) {
  std::vector<SignedCheckpoint> out;
  const std::vector<std::string> lines = clean_lines(text);
  for (std::size_t i = 0; i + 4 < lines.size() && out.size() < k_max_found; ++i) {
    if (!lines[i + 3].empty() || !key_for(key, lines[i])) continue;
    std::string note;
    std::size_t end = i + 4;
    while (end < lines.size() && lines[end].starts_with(k_dash)) ++end;
    for (std::size_t k = i; k < end; ++k) note += lines[k] + "\n";
    if (auto parsed = parse_signed_checkpoint(note)) out.push_back(std::move(*parsed));
  }
  return out;
}

}  // namespace

std::vector<SignedCheckpoint> find_checkpoints(std::string_view text, const VerifierKey& key) {
  std::string unix_text(text);
  std::erase(unix_text, '\r');
  auto found = find_in(unix_text, key);
  // as it stands is tried first: base64 of a plain checkpoint may end in "="
  return found.empty() ? find_in(undo_quoted_printable(unix_text), key) : found;
}

}  // namespace receipts
