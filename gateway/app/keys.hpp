// Promise: the key directory, the OpenPGP home and the cryptographic rooms, wired into what the pipeline asks for. A Keys
// holds the store of keys; each ring() is a view whose parsed objects live as long as the view.
#pragma once

#include "certs/find/key_store.hpp"
#include "crypto/seal/seal.hpp"
#include "gateway/options/options.hpp"
#include "gateway/pipeline/key_ring.hpp"

namespace app {

class Keys {
 public:
  // Opens `keys/` and, where a passphrase is configured, `gnupg/` in the state directory.
  static base::Result<std::shared_ptr<Keys>> open(const config::Options& options, std::shared_ptr<const crypto::seal::RootKey> root);
  ~Keys();

  certs::KeyStore& store() const { return *m_store; }
  const crypto::openpgp::HomePtr& home() const { return m_home; }   // null: no OpenPGP here
  base::Result<void> reload();

  pipeline::KeyRingPtr ring(config::OptionsPtr options) const;
  // Whose keys are whose: what an [[identity]] of the configuration says is all, and whom none names uses the keys that were
  // taken in for the address. Signing: one key or none; opening: all that mail for the address may be opened with.
  certs::KeyFacts signer_key(const config::Options& options, const mail::Address& address, certs::Method method, base::Timestamp now) const;
  std::vector<certs::KeyInfo> opening_keys(const config::Options& options, const mail::Address& address) const;

 private:
  class Sealer;
  class Ring;
  Keys() = default;

  std::shared_ptr<const crypto::seal::RootKey> m_root;
  std::unique_ptr<Sealer> m_sealer;
  std::unique_ptr<certs::OpenPgpKeys> m_openpgp;
  crypto::openpgp::HomePtr m_home;
  std::unique_ptr<certs::KeyStore> m_store;
};

}  // namespace app
