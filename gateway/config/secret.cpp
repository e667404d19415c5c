#include "gateway/config/secret.hpp"

#include <unistd.h>

#include <cstdlib>

#include "gateway/config/errors.hpp"

namespace config {

namespace {

// A command of root that works as another user for a while (the saved id tells) reads secrets as root: they are closed to that user.
class AsRoot {
 public:
  AsRoot() {
    uid_t real = 0, effective = 0, saved = 0;
    if (::getresuid(&real, &effective, &saved) != 0 || effective == 0 || saved != 0) return;
    m_before = effective;
    m_has_changed = ::seteuid(0) == 0;
  }
  ~AsRoot() {
    if (m_has_changed && ::seteuid(m_before) != 0) std::abort();
  }
  AsRoot(const AsRoot&) = delete;
  AsRoot& operator=(const AsRoot&) = delete;

 private:
  uid_t m_before = 0;
  bool m_has_changed = false;
};

}  // namespace

base::Result<base::SecretBytes> load_secret(const SecretRef& ref) {
  const AsRoot as_root;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  const bool is_given_any = directory != nullptr && *directory != '\0';
  if (ref.credential.empty() || (!is_given_any && !ref.file.empty())) return base::read_secret_file(ref.file, k_max_secret);
  if (!is_given_any)
    return base::fail(k_no_credential,
                      "credential \"" + ref.credential + "\": $CREDENTIALS_DIRECTORY is not set; outside systemd name a file");
  return base::read_secret_file(base::fs::path(directory) / ref.credential, k_max_secret);
}

}  // namespace config
