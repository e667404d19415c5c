// Promise: the head of the log as a C2SP tlog-checkpoint in a C2SP signed-note (Ed25519, signature type 0x01): three lines
// origin, size, base64(root), a blank line, then lines "— <name> <base64(key id[4] || signature)>". The signature covers the
// text up to and with its last newline. Notes are hostile: size and number of signature lines are limited, extension lines
// are refused, signatures by keys we were not told about are ignored (witnesses may sign beside the log).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/digest.hpp"
#include "receipts/log/errors.hpp"

namespace receipts {

inline constexpr std::size_t k_max_note = 64 * 1024;
inline constexpr std::size_t k_max_note_signatures = 64;  // the standard: at least 16

struct Checkpoint {
  std::string origin;  // a URL without scheme: no blank, no "+", no control character
  std::uint64_t size = 0;
  base::Sha256Digest root{};
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

bool is_origin(std::string_view text);

// A public key with the name under which it signs. Text form (vkey): name+hex(key id)+base64(0x01 || key).
struct VerifierKey {
  std::string name;
  base::Ed25519PublicKey key{};
};
using NoteKeyId = std::array<unsigned char, 4>;
NoteKeyId key_id_of(std::string_view name, const base::Ed25519PublicKey& key);
std::string format_vkey(const VerifierKey& key);
base::Result<VerifierKey> parse_vkey(std::string_view text);  // k_vkey_invalid

struct NoteSignature {
  std::string name;
  NoteKeyId key_id{};
  base::Bytes signature;  // without the key id
};

struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string body;  // what is signed, last newline included
  std::vector<NoteSignature> signatures;
};

// The three lines. The origin must be one (asserted).
std::string format_checkpoint(const Checkpoint& checkpoint);
// The whole note, signed under the origin as the key's name.
std::string sign_checkpoint(const Checkpoint& checkpoint, const base::Ed25519Key& key);
base::Result<SignedCheckpoint> parse_signed_checkpoint(std::string_view note);  // k_checkpoint_invalid

// The origin must be the key's name, and one signature line must be a good one of that key.
bool verify_checkpoint(const SignedCheckpoint& note, const VerifierKey& key);

}  // namespace receipts
