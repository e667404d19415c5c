#include "certs/find/key_store.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "certs/find/load.hpp"
#include "certs/model/certificate.hpp"

namespace certs {
namespace {

constexpr base::ByteCount k_max_sealed_key = base::kib(64);

// Whom the importer means, never more than the certificate names.
base::Result<std::vector<std::string>> bound_addresses(const KeyInfo& info, const ImportOptions& options) {
  if (options.addresses.empty()) return info.addresses;
  for (const std::string& address : options.addresses)
    if (!info.addresses.empty() && std::find(info.addresses.begin(), info.addresses.end(), address) == info.addresses.end())
      return base::fail(k_bad_certificate, "the key does not name " + address);
  return options.addresses;
}

}  // namespace

base::Result<std::unique_ptr<KeyStore>> KeyStore::open(KeyStoreOptions options, const KeySealer& sealer, const OpenPgpKeys* openpgp) {
  if (auto made = base::make_directories(options.directory, 0700); !made) return made.error();
  std::unique_ptr<KeyStore> out(new KeyStore(std::move(options), sealer, openpgp));
  if (auto loaded = out->reload(); !loaded) return loaded.error();
  return out;
}

SnapshotPtr KeyStore::snapshot() const {
  const std::lock_guard lock(m_mutex);
  return m_snapshot;
}

base::Result<void> KeyStore::reload() {
  auto loaded = load_snapshot(m_options.directory, m_openpgp);
  if (!loaded) return std::move(loaded).error();
  const std::lock_guard lock(m_mutex);
  m_snapshot = std::move(*loaded);
  return base::Done{};
}

base::Result<void> KeyStore::store_metadata(const Fingerprint& key, const Metadata& metadata) {
  return base::write_file_durably(file(key, ".meta"), format_metadata(metadata), 0644);
}

base::Result<std::vector<Fingerprint>> KeyStore::import_certificates(const std::vector<std::string>& certificates, const base::SecretBytes& private_key,
                                                                     const ImportOptions& options, base::Timestamp now) {
  const std::lock_guard change(m_changes);
  struct Planned {
    KeyInfo info;
    Metadata metadata;
    const std::string* der;
    bool has_key;
  };
  std::vector<Planned> plan;
  bool key_placed = private_key.empty();
  // everything is looked at before anything is written
  for (const std::string& der : certificates) {
    auto info = describe_certificate(der);
    if (!info) return base::fail(k_bad_certificate, info.error().detail);
    Planned planned{std::move(*info), {}, &der, false};
    Metadata& metadata = planned.metadata;
    planned.has_key = !private_key.empty() && key_belongs_to(private_key.view(), der);
    key_placed = key_placed || planned.has_key;
    metadata.role = planned.has_key ? Role::own : is_authority(der) ? Role::authority : options.role == Role::own ? Role::partner : options.role;
    metadata.trusted = options.trusted;
    metadata.imported = now;
    if (metadata.role != Role::authority) {
      auto addresses = bound_addresses(planned.info, options);
      if (!addresses) return std::move(addresses).error();
      metadata.addresses = std::move(*addresses);
      metadata.confirmed = options.confirmed || planned.has_key;
      metadata.reads_gcm = options.reads_gcm;
      metadata.oaep = options.oaep;
    }
    plan.push_back(std::move(planned));
  }
  if (plan.empty()) return base::fail(k_bad_certificate, "no certificate");
  if (!key_placed) return base::fail(k_bad_certificate, "the private key belongs to none of the certificates");

  std::vector<Fingerprint> out;
  for (const Planned& planned : plan) {
    const Fingerprint& key = planned.info.fingerprint;
    const auto known = find_entry(key);
    // what is here keeps what was decided about it, and a second import does not take a private key or a trust away
    if (known && !planned.has_key && planned.metadata.role == Role::authority && !planned.metadata.trusted) continue;
    if (known && known->info.has_private && !planned.has_key) return base::fail(k_key_exists, key.hex);
    if (planned.has_key) {
      auto sealed = m_sealer.seal(key.hex, private_key.view());
      if (!sealed) return std::move(sealed).error();
      if (auto put = base::write_file_durably(file(key, ".key"), *sealed, 0600); !put) return put.error();
    }
    // the notes last: files without them are reported, notes without files would name a key that is not there
    if (auto put = base::write_file_durably(file(key, ".der"), *planned.der, 0644); !put) return put.error();
    if (auto put = store_metadata(key, planned.metadata); !put) return put.error();
    out.push_back(key);
  }
  if (auto loaded = reload(); !loaded) return loaded.error();
  return out;
}

base::Result<Fingerprint> KeyStore::import_crl(std::string_view der) {
  const std::lock_guard change(m_changes);
  if (!make_trust_store({{}, {}, {std::string(der)}})) return base::fail(k_bad_certificate, "not a CRL");
  const Fingerprint name = fingerprint_of(der);
  if (auto put = base::write_file_durably(file(name, ".crl"), der, 0644); !put) return put.error();
  if (auto loaded = reload(); !loaded) return loaded.error();
  return name;
}

base::Result<void> KeyStore::note_openpgp(const Fingerprint& key, const ImportOptions& options, base::Timestamp now) {
  const std::lock_guard change(m_changes);
  if (auto loaded = reload(); !loaded) return loaded;
  const auto entry = find_entry(key);
  if (!entry) return entry.error();
  if (entry->info.method != Method::openpgp) return base::fail(k_no_such_key, "not an OpenPGP key");
  Metadata metadata = entry->metadata;
  auto addresses = bound_addresses(entry->info, options);
  if (!addresses) return std::move(addresses).error();
  metadata.addresses = std::move(*addresses);
  metadata.confirmed = options.confirmed || entry->info.has_private;
  metadata.imported = now;
  if (auto put = store_metadata(key, metadata); !put) return put;
  return reload();
}

base::Result<void> KeyStore::set_trusted(const Fingerprint& key, bool trusted) {
  const std::lock_guard change(m_changes);
  const auto entry = find_entry(key);
  if (!entry) return entry.error();
  if (entry->info.method != Method::smime) return base::fail(k_no_such_key, "trust of OpenPGP keys is their confirmation");
  Metadata metadata = entry->metadata;
  metadata.trusted = trusted;
  if (auto put = store_metadata(key, metadata); !put) return put;
  return reload();
}

base::Result<void> KeyStore::remove(const Fingerprint& key) {
  const std::lock_guard change(m_changes);
  const auto entry = find_entry(key);
  std::error_code ec;
  const bool is_crl = std::filesystem::exists(file(key, ".crl"), ec);
  if (!entry && !is_crl) return entry.error();
  // the private key first: what is left after a crash is a certificate that says its key is missing
  for (const char* ending : {".key", ".meta", ".der", ".crl"}) {
    std::filesystem::remove(file(key, ending), ec);
    if (ec) return base::fail(base::k_io, file(key, ending).string() + ": " + ec.message());
  }
  if (auto synced = base::sync_directory(m_options.directory); !synced) return synced;
  return reload();
}

base::Result<Entry> KeyStore::find_entry(const Fingerprint& key) const {
  const SnapshotPtr now = snapshot();
  for (const Entry& entry : now->entries)
    if (entry.info.fingerprint == key) return entry;
  return base::fail(k_no_such_key, key.hex);
}

base::Result<PrivateMaterial> KeyStore::load_private(const Fingerprint& key) const {
  auto entry = find_entry(key);
  if (!entry) return std::move(entry).error();
  if (entry->info.method != Method::smime || !entry->info.has_private) return base::fail(k_no_such_key, "no private key: " + key.hex);
  auto sealed = base::read_file(file(key, ".key"), k_max_sealed_key);
  if (!sealed) return std::move(sealed).error();
  auto opened = m_sealer.open(key.hex, *sealed);
  if (!opened) return std::move(opened).error();
  PrivateMaterial out{entry->der, {}, std::move(*opened)};
  // time plays no part: the chain is only sent along
  const auto verdict = verify_path(*snapshot()->trust, {entry->der, {}, entry->info.not_before, Purpose::sign, std::nullopt, Revocation::none});
  for (std::size_t i = 1; i + 1 < verdict.chain.size(); ++i) out.chain.push_back(verdict.chain[i]);
  return out;
}

}  // namespace certs
