// Promise: answers whose key may be used for an address, now, and why every other candidate may not. Certificates, notes and
// sealed private keys lie in one directory; all of it is read at start into a snapshot that never changes, a change makes a
// new one. What cannot be read is remembered: a lookup that it could concern is unknown, never absent. Private keys are
// opened when they are asked for and not kept. Trust anchors are entries that somebody marked so; nothing else is trusted.
// Files, for a fingerprint F: F.der (certificate), F.key (private key, sealed), F.meta (see metadata.hpp), *.crl (DER).
// OpenPGP keys lie in their own home, reached through a port; only their notes lie here.
// Threads: lookups from any; changes one at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/core/secret.hpp"
#include "certs/find/metadata.hpp"
#include "certs/verify/verify.hpp"

namespace certs {

inline constexpr std::size_t k_max_entries = 200'000;

// Seals private keys under the root key; `name` is bound to what is sealed.
class KeySealer {
 public:
  virtual ~KeySealer() = default;
  virtual base::Result<base::Bytes> seal(const std::string& name, base::ByteView plain) const = 0;
  virtual base::Result<base::SecretBytes> open(const std::string& name, base::ByteView sealed) const = 0;
};

// The OpenPGP ring; an error makes every OpenPGP lookup unknown.
class OpenPgpKeys {
 public:
  virtual ~OpenPgpKeys() = default;
  virtual base::Result<std::vector<KeyInfo>> list() const = 0;
};

struct Entry {
  KeyInfo info;            // reads_gcm and has_private filled in
  Metadata metadata;
  std::string der;         // S/MIME
};

// A file that could not be read or understood.
struct Unreadable {
  std::string file, why;
  std::vector<std::string> addresses;  // whom it concerns; empty: it could be anybody
};

struct Snapshot {
  std::vector<Entry> entries;
  std::multimap<std::string, std::size_t> by_address;  // folded address to entry
  std::vector<Unreadable> unreadable;
  std::vector<std::string> foreign_files;              // by their names none of ours: left alone, and of no effect
  TrustStorePtr trust;
  std::string openpgp_error;                           // the ring could not be listed
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct KeyStoreOptions {
  std::filesystem::path directory;
  Revocation revocation = Revocation::soft;
};

struct ImportOptions {
  Role role = Role::partner;            // authorities are known by themselves
  std::vector<std::string> addresses;   // folded; empty: all that the certificate names
  bool confirmed = false, reads_gcm = false, oaep = false;
  bool trusted = false;                 // of a leaf: vouched for without a path; of authorities: anchors
};

struct PrivateMaterial {
  std::string certificate;              // DER
  std::vector<std::string> chain;       // DER of the intermediates to send along, without the anchor
  base::SecretBytes private_key;        // PKCS#8 DER
};

// One candidate in `keys explain`.
struct Explained {
  KeyInfo info;
  Metadata metadata;
  std::set<Finding> findings;
  bool is_chosen = false;
};

class KeyStore {
 public:
  // Both ports must outlive the store; `openpgp` may be null. k_io, k_not_found, k_bad_permissions.
  static base::Result<std::unique_ptr<KeyStore>> open(KeyStoreOptions options, const KeySealer& sealer, const OpenPgpKeys* openpgp);

  SnapshotPtr snapshot() const;
  base::Result<void> reload();          // an error leaves the old snapshot

  // Certificates as they came in one file, with the private key of one of them or none. Gives the fingerprints taken in.
  // k_bad_certificate, k_key_exists (another private key for a certificate that has one).
  base::Result<std::vector<Fingerprint>> import_certificates(const std::vector<std::string>& certificates, const base::SecretBytes& private_key,
                                                             const ImportOptions& options, base::Timestamp now);
  base::Result<Fingerprint> import_crl(std::string_view der);
  // Notes for a key that the OpenPGP ring already holds.
  base::Result<void> note_openpgp(const Fingerprint& key, const ImportOptions& options, base::Timestamp now);
  base::Result<void> set_trusted(const Fingerprint& key, bool trusted);
  base::Result<void> remove(const Fingerprint& key);

  // Whom to encrypt to, and as whom to sign. Never fails: what cannot be told is Lookup::unknown.
  KeyFacts find_recipient_key(const mail::Address& address, Method method, base::Timestamp now) const;
  KeyFacts find_identity(const mail::Address& address, Method method, base::Timestamp now) const;
  // As whom to sign where the configuration names the key, by its fingerprint (upper case) or a beginning that one key alone
  // has: that key by the same rules, or none. A beginning that several have is unknown: somebody must say which.
  KeyFacts find_named_identity(const mail::Address& address, Method method, std::string_view name, base::Timestamp now) const;
  // Own keys with these names, expired ones too, whoever they were taken in for; names that no or several keys have give none.
  std::vector<KeyInfo> own_keys(const std::vector<std::string>& names) const;
  // Our own keys that may read mail for `address`, expired ones too: old mail must stay readable.
  std::vector<KeyInfo> identities_for(const mail::Address& address) const;
  // Could a file that was not to be read hold a key of ours that reads mail for `address`: one of these names, or without
  // names any.
  bool may_miss_own_key(const mail::Address& address, const std::vector<std::string>& names) const;
  // Every candidate for the address in the order in which they were weighed.
  std::vector<Explained> explain(const mail::Address& address, base::Timestamp now) const;

  base::Result<Entry> find_entry(const Fingerprint& key) const;             // k_no_such_key
  base::Result<PrivateMaterial> load_private(const Fingerprint& key) const; // k_no_such_key, and what the sealer says

 private:
  KeyStore(KeyStoreOptions options, const KeySealer& sealer, const OpenPgpKeys* openpgp)
      : m_options(std::move(options)), m_sealer(sealer), m_openpgp(openpgp) {}
  std::filesystem::path file(const Fingerprint& key, const char* ending) const { return m_options.directory / (key.hex + ending); }
  base::Result<void> store_metadata(const Fingerprint& key, const Metadata& metadata);

  KeyStoreOptions m_options;
  const KeySealer& m_sealer;
  const OpenPgpKeys* m_openpgp;
  mutable std::mutex m_mutex;           // the pointer below; never held while working
  std::mutex m_changes;                 // one change at a time
  SnapshotPtr m_snapshot;
};

}  // namespace certs
