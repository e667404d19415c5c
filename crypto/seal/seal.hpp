// Promise: no clear text at rest. A root key of 32 bytes wraps one random key for each message; small values are sealed with
// XChaCha20-Poly1305, spool files with libsodium's secretstream in chunks of 64 KiB whose end is marked, so that a cut file
// is noticed. Associated data binds each value to its place: nothing sealed can be moved to another message or column.
#pragma once

#include <filesystem>
#include <memory>

#include "base/core/secret.hpp"
#include "base/core/stream.hpp"

namespace crypto::seal {

class RootKey {
 public:
  // 32 bytes. k_malformed.
  static base::Result<RootKey> of(base::SecretBytes bytes);
  const base::Bytes& id() const { return m_id; }  // 8 bytes that name the key and tell nothing of it
  // A key of its own for another purpose, e.g. "search tags".
  base::SecretBytes derive(std::string_view purpose) const;

  base::Bytes wrap(const base::SecretBytes& key, base::ByteView associated) const;
  // k_wrong_root_key if another root key wrapped it, k_sealed_broken.
  base::Result<base::SecretBytes> unwrap(base::ByteView wrapped, base::ByteView associated) const;

 private:
  base::SecretBytes m_key;
  base::Bytes m_id;
};

base::SecretBytes make_message_key();

base::Bytes seal(const base::SecretBytes& key, base::ByteView plain, base::ByteView associated);
base::Result<base::Bytes> unseal(const base::SecretBytes& key, base::ByteView sealed, base::ByteView associated);

// Writes a new sealed file. Nothing is durable before sync().
class SealedFileWriter : public base::ByteSink {
 public:
  // The file must not exist. k_io, k_disk_full.
  static base::Result<std::unique_ptr<SealedFileWriter>> create(const std::filesystem::path& path, const base::SecretBytes& key);
  ~SealedFileWriter() override;
  base::Result<void> write(base::ByteView bytes) override;
  base::Result<void> finish();     // the end mark; then only sync()
  base::Result<void> sync();       // fdatasync of the file and fsync of its directory; blocks
  base::ByteCount size() const;    // plain bytes so far

 private:
  struct Impl;
  explicit SealedFileWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

// The plain content of a sealed file of that many plain bytes. Reading fails with k_sealed_broken where it was changed or cut.
base::ContentPtr open_sealed_file(std::filesystem::path path, base::SecretBytes key, base::ByteCount size);

// Argon2id with 19 MiB and two passes: 24 ms. The caller bounds how many run at once.
base::Result<std::string> hash_password(base::ByteView password);                // k_busy
base::Result<bool> verify_password(const std::string& stored, base::ByteView password);  // k_busy; parameters of `stored` are capped

}  // namespace crypto::seal
