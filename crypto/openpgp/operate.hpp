// Promise: OpenPGP operations over streams with memory that does not grow with the message. Only keys that the caller names
// are used, and the result is compared with what was asked; secret keys are tried for nobody else. gpg releases clear text
// before it has judged it, so what decrypt() wrote is worthless unless it returned Outcome::good: write to a sealed place.
// Threads: any number may call; at most k_contexts operations run at a time on one home, others wait.
// Deadlines: an operation that hangs in gpg or its agent cannot be ended from here (nor by GPGME). Run it on a thread that
// may be lost and replaced, and let a watchdog call end_overdue, which ends what it waits for.
// Standards: RFC 4880, 6637; RFC 3156 for what the results go into.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/stream.hpp"
#include "crypto/openpgp/home.hpp"

namespace crypto::openpgp {

inline constexpr const char* k_micalg = "pgp-sha512";      // digest-algo of our gpg.conf
inline constexpr std::uint64_t k_max_expansion = 100;      // a message may grow to so many times its size when it is opened
inline constexpr std::size_t k_max_signature = 256 * 1024; // bytes of one detached signature

// Armoured detached signature (LF line ends) over all of `in`. k_bad_key, k_protect_failed, k_engine.
base::Result<std::string> sign_detached(const Home& home, const certs::Fingerprint& key, base::ByteSource& in);

// Armoured message (LF line ends) around all of `in`, to every one of `recipients` (at least one, no duplicates), signed
// inside if `signer` is given. k_bad_key (it names the key), k_protect_failed, k_engine.
base::Result<void> encrypt(const Home& home, const std::vector<certs::Fingerprint>& recipients,
                           const std::optional<certs::Fingerprint>& signer, base::ByteSource& in, base::ByteSink& out);

// The key ids (16 hex digits) of the subkeys of `key` that can encrypt. k_bad_key if the home does not know it.
base::Result<std::set<std::string>> encryption_key_ids(const Home& home, const certs::Fingerprint& key);

struct SignatureFound {
  certs::Fingerprint fingerprint;        // of the primary key; of an unknown key, what the signature tells (16 digits or more)
  bool is_known = false;                 // the key is in the home
  bool is_valid = false;                 // holds, by a key that was neither revoked nor expired at the signature's time
  std::string digest;                    // "sha512"
  std::optional<base::Timestamp> time;   // claimed
  std::vector<std::string> addresses;    // of the key, folded
};

// One signature block over all of `in`. An empty list: no signature in it. k_engine, k_io.
base::Result<std::vector<SignatureFound>> verify_detached(const Home& home, base::ByteView signature, base::ByteSource& in);

enum class Outcome { good, no_key, damaged, too_large };
struct Decrypted {
  Outcome outcome = Outcome::damaged;
  std::string cipher;                    // "AES256.CFB"
  std::vector<SignatureFound> signatures;
};

// `allowed`: primary fingerprints of those who may read; a message that names none of them is no_key, whatever else the
// home holds. `message` is read twice. Never more than `limit` bytes nor k_max_expansion times the input reach `out`.
base::Result<Decrypted> decrypt(const Home& home, const std::vector<certs::Fingerprint>& allowed, const base::Content& message,
                                base::ByteSink& out, base::ByteCount limit);

}  // namespace crypto::openpgp
