// Promise: the authorities and certificates of two providers and their customers, made at the first start in a directory and
// read from there at the next; nothing of it is worth any trust outside a test. Files are NAME.pem and NAME.key (PEM, keys in
// clear, mode 0600):
//   tls-root, signature-root, foreign-root   the authorities; nobody has a reason to trust the third
//   {a,b}-tls, {a,b}-push                    the providers' servers; what they show as clients
//   {a,b}-sign-{rsa,ec}, {a,b}-expired-{rsa,ec}, {a,b}-foreign-{rsa,ec}
//   client-ACCOUNT                           the common name is the account's
// Standard: RFC 5280; RFC 3739 (the statement of a qualified certificate); key sizes as BSI TR-02102-1 has them.
#pragma once

#include <array>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/file.hpp"
#include "simulator/model/account.hpp"
#include "simulator/sign/signer.hpp"

namespace simulator {

enum class Trust { good, expired, foreign };

struct ProviderKeys {
  Signer tls, push;
  std::array<Signer, 3> rsa, ec;  // by Trust

  const Signer& signer(Scheme scheme, Trust trust = Trust::good) const {
    return (scheme == Scheme::ec_dsa ? ec : rsa).at(static_cast<std::size_t>(trust));
  }
};

struct Pki {
  base::fs::path directory;
  std::array<ProviderKeys, 2> providers;  // by Side

  const ProviderKeys& of(Side side) const { return providers.at(static_cast<std::size_t>(side)); }
  base::fs::path file(std::string_view name) const { return directory / (std::string(name) + ".pem"); }
};

base::Result<Pki> open_pki(const base::fs::path& directory, const std::vector<Account>& accounts, base::Timestamp now);

}  // namespace simulator
