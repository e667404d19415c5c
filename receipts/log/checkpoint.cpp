#include "receipts/log/checkpoint.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace receipts {
namespace {

constexpr char k_algorithm_ed25519 = 1;
constexpr std::string_view k_dash = "\xE2\x80\x94 ";  // U+2014 and a blank

// Decimal as we would print it: no sign, no leading zero.
bool parse_size(std::string_view text, std::uint64_t& size) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), size);
  return ec == std::errc{} && end == text.data() + text.size() && (text == "0" || text.front() != '0');
}

// Cuts one line, without its newline, off the front. False if there is no newline.
bool take_line(std::string_view& text, std::string_view& line) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

base::Result<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(k_dash)) return fail(k_checkpoint_invalid, "signature line");
  line.remove_prefix(k_dash.size());
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || !is_origin(line.substr(0, blank))) return fail(k_checkpoint_invalid, "name of a signature");
  const auto bytes = base::parse_base64(line.substr(blank + 1));
  if (!bytes || bytes->size() < 5) return fail(k_checkpoint_invalid, "signature is not base64");
  NoteSignature out;
  out.name = line.substr(0, blank);
  std::copy_n(bytes->begin(), 4, out.key_id.begin());
  out.signature = bytes->substr(4);
  return out;
}

base::Result<Checkpoint> parse_body(std::string_view body) {
  std::string_view origin, size, root;
  if (!take_line(body, origin) || !take_line(body, size) || !take_line(body, root) || !body.empty())
    return fail(k_checkpoint_invalid, "a checkpoint has three lines");
  Checkpoint out;
  if (!is_origin(origin)) return fail(k_checkpoint_invalid, "origin");
  out.origin = origin;
  if (!parse_size(size, out.size)) return fail(k_checkpoint_invalid, "size");
  const auto bytes = base::parse_base64(root);
  if (!bytes || bytes->size() != out.root.size()) return fail(k_checkpoint_invalid, "root");
  std::copy(bytes->begin(), bytes->end(), out.root.begin());
  return out;
}

}  // namespace

bool is_origin(std::string_view text) {
  // printable ASCII without "+" and blank; and no quote or backslash, so that it stands in JSON as it is
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '+' && c != '"' && c != '\\';
  });
}

NoteKeyId key_id_of(std::string_view name, const base::Ed25519PublicKey& key) {
  std::string input(name);
  input += '\n';
  input += k_algorithm_ed25519;
  input.append(reinterpret_cast<const char*>(key.data()), key.size());
  const base::Sha256Digest digest = base::sha256(input);
  return {digest[0], digest[1], digest[2], digest[3]};
}

std::string format_vkey(const VerifierKey& key) {
  const NoteKeyId id = key_id_of(key.name, key.key);
  std::string coded(1, k_algorithm_ed25519);
  coded.append(reinterpret_cast<const char*>(key.key.data()), key.key.size());
  return key.name + "+" + base::to_hex({reinterpret_cast<const char*>(id.data()), id.size()}) + "+" + base::to_base64(coded);
}

base::Result<VerifierKey> parse_vkey(std::string_view text) {
  // base64 may hold a "+": the name ends at the first one, the id at the second
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return fail(k_vkey_invalid, "a vkey is name+id+key");
  const std::string_view name = text.substr(0, first);
  const auto coded = base::parse_base64(text.substr(second + 1));
  if (!is_origin(name)) return fail(k_vkey_invalid, "name");
  if (!coded || coded->size() != 33 || coded->front() != k_algorithm_ed25519) return fail(k_vkey_invalid, "not an Ed25519 key");
  VerifierKey key;
  key.name = name;
  std::copy(coded->begin() + 1, coded->end(), key.key.begin());
  if (format_vkey(key) != text) return fail(k_vkey_invalid, "the id does not belong to the key");
  return key;
}

std::string format_checkpoint(const Checkpoint& checkpoint) {
  assert(is_origin(checkpoint.origin));
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + base::to_base64(base::view(checkpoint.root)) + "\n";
}

std::string sign_checkpoint(const Checkpoint& checkpoint, const base::Ed25519Key& key) {
  const std::string body = format_checkpoint(checkpoint);
  const NoteKeyId id = key_id_of(checkpoint.origin, key.public_key());
  const base::Ed25519Signature signature = key.sign(body);
  std::string coded(id.begin(), id.end());
  coded.append(signature.begin(), signature.end());
  std::string note = body + "\n";
  note.append(k_dash).append(checkpoint.origin).append(" ").append(base::to_base64(coded)).append("\n");
  return note;
}

base::Result<SignedCheckpoint> parse_signed_checkpoint(std::string_view note) {
  if (note.size() > k_max_note) return fail(k_checkpoint_invalid, "too long");
  const std::size_t split = note.find("\n\n");
  if (split == std::string_view::npos) return fail(k_checkpoint_invalid, "no signature");
  SignedCheckpoint out;
  out.body = note.substr(0, split + 1);
  auto checkpoint = parse_body(out.body);
  if (!checkpoint) return std::move(checkpoint).error();
  out.checkpoint = std::move(*checkpoint);
  std::string_view rest = note.substr(split + 2), line;
  while (!rest.empty()) {
    if (!take_line(rest, line)) return fail(k_checkpoint_invalid, "the last line has no end");
    auto signature = parse_signature(line);
    if (!signature) return std::move(signature).error();
    out.signatures.push_back(std::move(*signature));
    if (out.signatures.size() > k_max_note_signatures) return fail(k_checkpoint_invalid, "too many signatures");
  }
  if (out.signatures.empty()) return fail(k_checkpoint_invalid, "no signature");
  return out;
}

bool verify_checkpoint(const SignedCheckpoint& note, const VerifierKey& key) {
  if (note.checkpoint.origin != key.name) return false;
  const NoteKeyId id = key_id_of(key.name, key.key);
  for (const NoteSignature& line : note.signatures) {
    base::Ed25519Signature signature{};
    if (line.name != key.name || line.key_id != id || line.signature.size() != signature.size()) continue;
    std::copy(line.signature.begin(), line.signature.end(), signature.begin());
    if (base::verify_ed25519(key.key, note.body, signature)) return true;
  }
  return false;
}

}  // namespace receipts
