#include "gateway/config/secret.hpp"

#include <cstdlib>

#include "gateway/config/errors.hpp"

namespace config {

base::Result<base::SecretBytes> load_secret(const SecretRef& ref) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  const bool is_given_any = directory != nullptr && *directory != '\0';
  if (ref.credential.empty() || (!is_given_any && !ref.file.empty())) return base::read_secret_file(ref.file, k_max_secret);
  if (!is_given_any)
    return base::fail(k_no_credential,
                      "credential \"" + ref.credential + "\": $CREDENTIALS_DIRECTORY is not set; outside systemd name a file");
  return base::read_secret_file(base::fs::path(directory) / ref.credential, k_max_secret);
}

}  // namespace config
