// Promise: a secret comes from a systemd credential ($CREDENTIALS_DIRECTORY) or from a file that nobody else can read;
// its permissions are those of the very file that is read. Where a reference names both, the credential is for the unit and the
// file for whoever runs the program without one: inside a unit a credential that is missing is an error, never the file.
#pragma once

#include "base/core/secret.hpp"
#include "gateway/options/options.hpp"

namespace config {

inline constexpr base::ByteCount k_max_secret{64 * 1024};  // a PEM key with its chain is far below

// k_no_credential, and what base::read_secret_file says.
base::Result<base::SecretBytes> load_secret(const SecretRef& ref);

}  // namespace config
