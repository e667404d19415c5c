#include "gateway/app/init.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/core/errors.hpp"
#include "base/core/random.hpp"
#include "certs/model/self_signed.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/app/start.hpp"
#include "gateway/config/load.hpp"

namespace app {
namespace {

namespace fs = base::fs;

constexpr const char* k_service_user = "amtsbote";
constexpr std::chrono::days k_tls_lifetime{397}, k_identity_lifetime{365};
constexpr std::size_t k_key_bytes = 32;
constexpr std::size_t k_passphrase_bytes = 24;

base::Error failed(const std::string& what) { return base::fail(base::k_io, what + ": " + base::errno_text(errno)); }

// The user of the package's unit, where root sets up for him. Files that he reads belong to root and to his group.
struct ServiceUser {
  uid_t uid = 0;
  gid_t gid = 0;

  static std::optional<ServiceUser> find() {
    const passwd* entry = ::geteuid() == 0 ? ::getpwnam(k_service_user) : nullptr;
    if (entry == nullptr) return std::nullopt;
    return ServiceUser{entry->pw_uid, entry->pw_gid};
  }
};

class Setup {
 public:
  Setup(const InitAnswers& answers, const base::SecretBytes& password) : m_answers(answers), m_password(password), m_state(answers.state_directory()) {
    if (answers.is_system()) m_user = ServiceUser::find();
  }
  ~Setup() {
    if (!m_is_complete) roll_back();
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  base::Result<InitDone> run() {
    if (auto done = prepare(); !done) return done.error();
    if (auto done = look_for_what_is_there(); !done) return done.error();
    if (auto done = write(); !done) return done.error();
    if (auto done = fill_store(); !done) return done.error();
    m_is_complete = true;
    return std::move(m_done);
  }

 private:
  // A text, or a secret, under its name.
  base::Result<void> prepare() {
    m_files = plan_files(m_answers);
    const base::Timestamp now = base::system_clock().now();
    std::vector<std::string> names = {m_answers.hostname};
    if (!m_answers.is_system()) names.insert(names.end(), {"localhost", "127.0.0.1", "::1"});
    auto tls = certs::make_server_certificate(names, now, k_tls_lifetime);
    if (!tls) return tls.error();
    m_files.push_back({"tls/gw.pem", tls->certificate, 0644});
    m_secrets.emplace_back("secrets/tls.key", std::move(tls->key));
    m_secrets.emplace_back("secrets/seal.key", base::SecretBytes::random(k_key_bytes));
    m_secrets.emplace_back("secrets/log.key", base::SecretBytes::random(k_key_bytes));
    m_secrets.emplace_back("secrets/openpgp.key", base::SecretBytes::copy_of(base::to_base64(base::random_bytes(k_passphrase_bytes))));
    if (!m_answers.has_identity) return base::Done{};
    auto identity = certs::make_mail_certificate(m_answers.department, m_answers.address, now, k_identity_lifetime);
    if (!identity) return identity.error();
    m_identity = *std::move(identity);
    return base::Done{};
  }

  base::Result<void> look_for_what_is_there() {
    std::error_code error;
    std::vector<fs::path> all;
    for (const InitFile& file : m_files) all.push_back(file.name);
    for (const auto& [name, value] : m_secrets) all.push_back(name);
    for (const fs::path& name : all)
      if (fs::exists(fs::symlink_status(m_answers.directory / name, error))) return in_the_way(m_answers.directory / name);
    if (!fs::exists(fs::symlink_status(m_state, error))) return base::Done{};
    const auto names = base::list_directory(m_state);
    if (!names) return names.error();
    if (!names->empty()) return in_the_way(m_state / names->front());
    return base::Done{};
  }

  static base::Error in_the_way(const fs::path& path) {
    return base::fail(base::k_malformed, path.string() + " exists already: nothing was written");
  }

  base::Result<void> write() {
    for (const InitFile& file : m_files) {
      if (auto done = write_new(file.name, file.text, file.mode, m_user); !done) return done;
    }
    // read by systemd, which hands them on, and by root's commands: the daemon's user cannot open these files
    for (const auto& [name, secret] : m_secrets)
      if (auto done = write_new(name, secret.view(), 0400, std::nullopt); !done) return done;
    if (!m_answers.is_system()) return base::Done{};
    if (auto made = make_directory(m_state, 0700); !made) return made;
    if (m_user && ::chown(m_state.c_str(), m_user->uid, m_user->gid) != 0) return failed(m_state.string());
    return base::Done{};
  }

  base::Result<void> write_new(const fs::path& name, base::ByteView bytes, unsigned mode, const std::optional<ServiceUser>& reader) {
    const fs::path path = m_answers.directory / name;
    if (auto made = make_parents(path.parent_path(), mode == 0400 ? 0700 : 0750, reader); !made) return made;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed(path.string());
    m_made.push_back(path);
    const bool is_written = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
                            (!reader || ::fchown(fd, static_cast<uid_t>(-1), reader->gid) == 0) && ::fchmod(fd, mode) == 0 && ::fsync(fd) == 0;
    const base::Error error = failed(path.string());
    ::close(fd);
    if (!is_written) return error;
    m_done.files.push_back(path);
    return base::Done{};
  }

  base::Result<void> make_parents(const fs::path& path, unsigned mode, const std::optional<ServiceUser>& reader) {
    std::error_code error;
    if (fs::is_directory(path, error)) return base::Done{};
    if (path != path.root_path())
      if (auto made = make_parents(path.parent_path(), mode, reader); !made) return made;
    if (auto made = make_directory(path, mode); !made) return made;
    if (reader && ::chown(path.c_str(), static_cast<uid_t>(-1), reader->gid) != 0) return failed(path.string());
    return base::Done{};
  }

  base::Result<void> make_directory(const fs::path& path, unsigned mode) {
    if (::mkdir(path.c_str(), 0700) != 0) return errno == EEXIST ? base::Result<void>(base::Done{}) : failed(path.string());
    m_made.push_back(path);
    if (::chmod(path.c_str(), mode) != 0) return failed(path.string());
    return base::Done{};
  }

  // The account and the trial identity lie in the store, which only a whole configuration opens.
  base::Result<void> fill_store() {
    const auto loaded = config::load_config(m_answers.directory / "amtsbote.toml");
    if (!loaded.options) return base::fail(base::k_malformed, loaded.faults.empty() ? "" : policies::format_fault(loaded.faults.front()));
    m_opened_store = true;
    auto local = LocalStore::open(loaded.options);
    if (!local) return local.error();
    Live& live = (*local)->live();
    auto hash = crypto::seal::hash_password(m_password.view());
    if (!hash) return hash.error();
    store::Account account;
    account.name = m_answers.account;
    account.password_hash = *std::move(hash);
    account.created = live.now();
    account.addresses = {m_answers.address};
    if (auto put = live.store().put_account(account); !put) return put.error();
    if (!m_answers.has_identity) return base::Done{};
    return import_identity(live);
  }

  base::Result<void> import_identity(Live& live) {
    std::string pem = m_identity.certificate + std::string(m_identity.key.view());
    const auto parsed = crypto::smime::parse_key_file(pem, {});
    base::wipe(pem);
    if (!parsed) return parsed.error();
    certs::ImportOptions options;
    options.role = certs::Role::own;
    options.confirmed = options.trusted = true;  // no authority stands behind it
    const auto keys = live.keys().store().import_certificates(parsed->certificates, parsed->private_key, options, live.now());
    if (!keys) return keys.error();
    m_done.identity = keys->front().hex;
    return base::Done{};
  }

  // Only what we made: the state directory was empty or absent, so what is in it now is ours.
  void roll_back() {
    std::error_code ignored;
    if (m_opened_store)
      for (const std::string& name : base::list_directory(m_state).value_or(std::vector<std::string>{})) fs::remove_all(m_state / name, ignored);
    if (m_opened_store && !m_answers.is_system()) fs::remove(m_state, ignored);
    for (auto path = m_made.rbegin(); path != m_made.rend(); ++path) fs::remove(*path, ignored);
  }

  const InitAnswers& m_answers;
  const base::SecretBytes& m_password;
  fs::path m_state;
  std::optional<ServiceUser> m_user;
  std::vector<InitFile> m_files;
  std::vector<std::pair<fs::path, base::SecretBytes>> m_secrets;
  certs::SelfSigned m_identity;
  std::vector<fs::path> m_made;  // in the order of their making
  bool m_opened_store = false, m_is_complete = false;
  InitDone m_done;
};

}  // namespace

base::Result<InitDone> init_site(const InitAnswers& answers, const base::SecretBytes& password) {
  Setup setup(answers, password);
  auto done = setup.run();
  if (done && answers.is_system() && ServiceUser::find()) done->service_user = k_service_user;
  return done;
}

}  // namespace app
