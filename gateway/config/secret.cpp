#include "gateway/config/secret.hpp"

#include <cstdlib>

#include "gateway/config/errors.hpp"

namespace config {

base::Result<base::SecretBytes> load_secret(const SecretRef& ref) {
  if (ref.credential.empty()) return base::read_secret_file(ref.file, k_max_secret);
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0')
    return base::fail(k_no_credential, "credential \"" + ref.credential + "\": $CREDENTIALS_DIRECTORY is not set; outside systemd name a file");
  return base::read_secret_file(base::fs::path(directory) / ref.credential, k_max_secret);
}

}  // namespace config
