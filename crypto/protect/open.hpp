// Promise: an incoming message is opened as a whole or not at all: nothing of a decrypted part is given out unless all of it
// authenticated, a signature counts only for the root that it covers, and every failure to decrypt looks the same.
// Layers are unwrapped in turn (encrypted, opaque-signed inside), at most k_max_layers; multipart/signed stays whole.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "crypto/protect/protect.hpp"

namespace crypto {

inline constexpr int k_max_layers = 5;                                  // triple-wrapped mail has three
inline constexpr base::ByteCount k_max_open_size = base::mib(40);       // above it: delivered unopened and marked

// Who may read: the identities that the envelope recipients may use, nothing else.
struct OpenRequest {
  std::vector<smime::IdentityPtr> smime;
  std::vector<certs::Fingerprint> openpgp;
  openpgp::HomePtr home;
  bool is_incomplete = false;            // a key that they may use could not be read: it might be the one
};

enum class OpenFinding {
  weak_cipher, weak_digest, not_authenticated, // CBC or no MDC without a signature inside
  forged_mark,                                 // a mark of ours below a signature, where it may not be removed
  no_recipient_key, damaged, too_large, too_many_layers, unsupported, partly_protected, unknown_signer, several_signers,
  both_contents,                               // eContent and detached content at once
  compressed,
};
const char* name_of(OpenFinding finding);

// One signer as the message presents it; chains are judged by certs/verify, called from the pipeline.
struct Signer {
  certs::Method method = certs::Method::smime;
  bool mathematically_valid = false;     // digest and signature hold over the root
  certs::Fingerprint fingerprint;
  std::string certificate;               // DER; S/MIME only
  std::vector<std::string> bag;          // other certificates that came along, DER; hints for a chain, never trusted
  std::vector<std::string> addresses;    // of the key, folded
  std::optional<base::Timestamp> claimed_time;
  std::string digest;                    // "sha256"
};

struct Opened {
  base::ContentPtr content;              // the message to deliver: what was given if nothing was opened
  bool was_encrypted = false;
  bool opened = false;                   // an encryption layer was there and all of them were opened
  std::string cipher;
  std::vector<Signer> signers;           // of the innermost signed root; empty: not signed
  std::vector<std::string> layers;       // "smime-encrypted", "smime-signed", …, outermost first
  std::set<OpenFinding> findings;
};

// Always gives an Opened where the message can be delivered in some form; an Error only for what is temporary (k_engine,
// k_io; k_engine too where no key fits and one of ours could not be read) or ours. Memory: about four bytes for each input byte of CMS; the caller holds the budget.
// After unwrapping, only Content-* fields are taken from inside; the marks named in `own_fields` are removed from each
// layer's outermost header that is unwrapped.
base::Result<Opened> open(const base::ContentPtr& message, const mail::MessageFacts& facts, const OpenRequest& request,
                          const std::vector<std::string>& own_fields);

}  // namespace crypto
