// Promise: one GNUPGHOME of our own that never asks, never goes online and never trusts by accident. Trust is decided by us:
// only fingerprints that the caller names are used. Secret keys have a passphrase, given by loopback and not remembered.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "base/core/secret.hpp"
#include "certs/model/key.hpp"

namespace crypto::openpgp {

// Limits of what is looked at or imported at once.
inline constexpr base::ByteCount k_max_key_material = base::mib(1);
inline constexpr std::size_t k_max_keys = 100;
inline constexpr std::size_t k_max_user_ids = 200;  // of one key: the rest is not looked at

class Home;
using HomePtr = std::shared_ptr<const Home>;

// Once, first thing in main: readies GPGME (which also ignores SIGPIPE).
void init();

// Creates or opens `directory` (0700) with gpg.conf and gpg-agent.conf of ours. The path must stay below 87 bytes, or the
// agent's socket does not fit: k_bad_key says so.
// `program`: the gpg to run; "" lets GPGME find it.
base::Result<HomePtr> open_home(const std::filesystem::path& directory, base::SecretBytes passphrase, const std::filesystem::path& program = {});
// Ends the agent.
void close_home(const Home& home);
// If an operation on this home is older than `age`: ends its gpg, and the agent that it may be waiting for, so that the
// operation comes back with k_engine. Returns how many processes were ended. Looks at processes of ours for this home only.
std::size_t end_overdue(const Home& home, std::chrono::milliseconds age);

// Looks at key material without importing it. k_bad_key.
base::Result<std::vector<certs::KeyInfo>> inspect_keys(const Home& home, base::ByteView bytes);
// Imports one or more public keys; material with a secret key in it is refused, since gpg would take that in as well.
base::Result<std::vector<certs::KeyInfo>> import_keys(const Home& home, base::ByteView bytes);
// Imports our own secret keys; `passphrase` is what protects them now (empty: nothing), the home's replaces it.
base::Result<std::vector<certs::KeyInfo>> import_secret_keys(const Home& home, base::ByteView bytes, const base::SecretBytes& passphrase);
base::Result<std::vector<certs::KeyInfo>> list_keys(const Home& home);
base::Result<std::string> export_key(const Home& home, const certs::Fingerprint& key);  // armoured, public only
base::Result<void> remove_key(const Home& home, const certs::Fingerprint& key);
// A new secret key (ed25519 with cv25519) for `address`.
base::Result<certs::KeyInfo> generate_key(const Home& home, const std::string& address, const std::string& name);

}  // namespace crypto::openpgp
