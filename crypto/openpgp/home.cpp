#include "crypto/openpgp/home.hpp"

#include <algorithm>
#include <clocale>

#include <spawn.h>
#include <sys/wait.h>

#include "base/core/file.hpp"
#include "crypto/openpgp/context.hpp"
#include "crypto/protect/errors.hpp"

namespace crypto::openpgp {
namespace {

// The agent's sockets lie in the home where there is no /run/user/UID, and a socket's path is short.
constexpr std::size_t k_max_path = 86;

// Never asks, never goes online, never trusts by accident. "trust-model always" gives the decision to us: only keys that we
// name are used, and no trust database has to be locked. The algorithms are fixed so that micalg is known beforehand and a
// recipient's preferences cannot choose something weaker.
constexpr const char* k_gpg_conf =
    "batch\nno-tty\nno-greeting\nno-permission-warning\ntrust-model always\nno-auto-check-trustdb\nno-auto-key-locate\n"
    "no-auto-key-retrieve\ndisable-dirmngr\nno-symkey-cache\nno-random-seed-file\n"
    "cipher-algo AES256\ndigest-algo SHA512\ncert-digest-algo SHA512\n"
    "import-options import-minimal,no-keep-ownertrust\n";
// External caches and remembered passphrases would let any later caller sign. The passphrase is derived anew for each use: the
// count is the least there is, since it comes from a credential of many random bits and is no word that one could guess.
constexpr const char* k_agent_conf =
    "disable-scdaemon\nallow-loopback-pinentry\nno-allow-external-cache\npinentry-program /bin/false\n"
    "default-cache-ttl 0\nmax-cache-ttl 0\ns2k-count 65536\n";

base::Result<void> put_file(const std::filesystem::path& path, base::ByteView text) {
  const auto now = base::read_file(path, base::kib(64));
  if (now && *now == text) return base::Done{};
  return base::write_file_durably(path, text, 0600);
}

bool is_one_line(base::ByteView text) { return text.find_first_of(base::ByteView("\r\n\0", 3)) == base::ByteView::npos; }

// Runs over what a keylist operation yields. `before`: interruptions() from before it began.
base::Result<std::vector<KeyRecord>> collect(const Home& home, std::uint64_t before, gpgme_ctx_t context, std::size_t limit) {
  std::vector<KeyRecord> out;
  while (true) {
    gpgme_key_t key = nullptr;
    const gpgme_error_t error = gpgme_op_keylist_next(context, &key);
    if (gpgme_err_code(error) == GPG_ERR_EOF && home.interruptions() != before) return base::fail(k_engine, "key list: gpg was ended");
    if (gpgme_err_code(error) == GPG_ERR_EOF) return out;
    if (error) return error_of("key list", error);
    if (out.size() < limit) out.push_back(describe(key));
    gpgme_key_unref(key);
    if (out.size() >= limit) {
      gpgme_op_keylist_end(context);
      return base::fail(k_bad_key, "too many keys");
    }
  }
}

std::vector<certs::KeyInfo> infos(const std::vector<KeyRecord>& records) {
  std::vector<certs::KeyInfo> out;
  for (const KeyRecord& record : records) out.push_back(record.info);
  return out;
}

base::Result<std::vector<KeyRecord>> look_at(const Home& home, base::ByteView bytes) {
  if (bytes.empty() || bytes.size() > k_max_key_material.value) return base::fail(k_bad_key, "key material: size");
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  const Data data(bytes);
  const std::uint64_t before = home.interruptions();
  if (const auto error = gpgme_op_keylist_from_data_start((*context)->get(), data.get(), 0); error) return error_of("key material", error);
  auto records = collect(home, before, (*context)->get(), k_max_keys);
  if (records && records->empty()) return base::fail(k_bad_key, "no OpenPGP key in it");
  return records;
}

base::Result<void> import(const Home& home, base::ByteView bytes) {
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  const Data data(bytes);
  const auto error = gpgme_op_import((*context)->get(), data.get());
  home.forget_keys();
  if (error) return error_of("import", error);
  // garbage is imported with success, too: nothing considered
  const gpgme_import_result_t result = gpgme_op_import_result((*context)->get());
  if (result == nullptr || result->considered == 0) return base::fail(k_bad_key, "nothing was imported");
  return base::Done{};
}

// What the ring holds of the keys that were looked at: the import may have dropped user ids that nobody signed.
base::Result<std::vector<certs::KeyInfo>> imported(const Home& home, const std::vector<KeyRecord>& wanted) {
  std::vector<certs::KeyInfo> out;
  for (const KeyRecord& record : wanted) {
    auto found = home.find_key(record.info.fingerprint);
    if (!found) return std::move(found).error();
    if (!*found) return base::fail(k_bad_key, "key " + record.info.fingerprint.hex + " was not taken");
    out.push_back((*found)->info);
  }
  return out;
}

base::Result<void> change_passphrase(const Home& home, const KeyRecord& key, const base::SecretBytes& old) {
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  (*context)->set_old_passphrase(&old);
  if (const auto error = gpgme_op_passwd((*context)->get(), key.handle.get(), 0); error) return error_of("passphrase", error);
  return base::Done{};
}

}  // namespace

void init() {
  // must come before anything else of GPGME; it also ignores SIGPIPE
  gpgme_check_version(nullptr);
  gpgme_set_locale(nullptr, LC_CTYPE, "C.UTF-8");
}

base::Result<HomePtr> open_home(const std::filesystem::path& directory, base::SecretBytes passphrase, const std::filesystem::path& program) {
  std::error_code ec;
  const auto path = std::filesystem::absolute(directory, ec);
  if (ec || path.string().size() > k_max_path) return base::fail(k_bad_key, "OpenPGP home: path above 86 bytes");
  if (!is_one_line(passphrase.view())) return base::fail(k_bad_key, "OpenPGP passphrase: more than one line");
  if (auto made = base::make_directories(path, 0700); !made) return made.error();
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, ec);
  if (ec) return base::fail(k_bad_key, "OpenPGP home: " + ec.message());
  if (auto put = put_file(path / "gpg.conf", k_gpg_conf); !put) return put.error();
  if (auto put = put_file(path / "gpg-agent.conf", k_agent_conf); !put) return put.error();
  auto home = std::make_shared<const Home>(path, std::move(passphrase), program);
  // gpg missing, or the ring not readable: said now, not with the first message
  if (auto keys = home->keys(); !keys) return std::move(keys).error();
  return home;
}

void close_home(const Home& home) {
  // the agent's own tool: it knows where the socket of this home lies
  std::string program = "gpgconf", option = "--homedir", directory = home.directory().string(), kill = "--kill", agent = "gpg-agent";
  char* arguments[] = {program.data(), option.data(), directory.data(), kill.data(), agent.data(), nullptr};
  pid_t child = 0;
  int status = 0;
  if (::posix_spawnp(&child, "gpgconf", nullptr, nullptr, arguments, environ) == 0) ::waitpid(child, &status, 0);
}

base::Result<std::vector<certs::KeyInfo>> inspect_keys(const Home& home, base::ByteView bytes) {
  auto records = look_at(home, bytes);
  if (!records) return std::move(records).error();
  return infos(*records);
}

base::Result<std::vector<certs::KeyInfo>> import_keys(const Home& home, base::ByteView bytes) {
  auto records = look_at(home, bytes);
  if (!records) return std::move(records).error();
  for (const KeyRecord& record : *records)
    if (record.info.has_private) return base::fail(k_bad_key, "a secret key is in it");
  if (auto done = import(home, bytes); !done) return done.error();
  return imported(home, *records);
}

base::Result<std::vector<certs::KeyInfo>> import_secret_keys(const Home& home, base::ByteView bytes, const base::SecretBytes& passphrase) {
  auto records = look_at(home, bytes);
  if (!records) return std::move(records).error();
  if (!is_one_line(passphrase.view())) return base::fail(k_bad_key, "passphrase: more than one line");
  for (const KeyRecord& record : *records)
    if (!record.info.has_private) return base::fail(k_bad_key, "a key without its secret part is in it");
  if (auto done = import(home, bytes); !done) return done.error();
  for (const KeyRecord& record : *records) {
    auto found = home.find_key(record.info.fingerprint);
    if (!found) return std::move(found).error();
    if (!*found || !(*found)->info.has_private) return base::fail(k_bad_key, "secret key was not taken");
    if (auto changed = change_passphrase(home, **found, passphrase); !changed) {
      (void)remove_key(home, record.info.fingerprint);  // a key that nobody can use would only puzzle
      return changed.error();
    }
  }
  return imported(home, *records);
}

base::Result<std::vector<certs::KeyInfo>> list_keys(const Home& home) {
  home.forget_keys();
  auto records = home.keys();
  if (!records) return std::move(records).error();
  return infos(*records);
}

base::Result<std::string> export_key(const Home& home, const certs::Fingerprint& key) {
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  base::StringSink sink(k_max_key_material);
  const Data data(sink, k_max_key_material);
  const auto error = gpgme_op_export((*context)->get(), key.hex.c_str(), GPGME_EXPORT_MODE_MINIMAL, data.get());
  if (error) return error_of("export", error);
  if (sink.bytes().empty()) return base::fail(k_bad_key, "no key " + key.hex);
  return std::move(sink.bytes());
}

base::Result<void> remove_key(const Home& home, const certs::Fingerprint& key) {
  auto found = home.find_key(key);
  if (!found) return std::move(found).error();
  if (!*found) return base::fail(k_bad_key, "no key " + key.hex);
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  const auto error = gpgme_op_delete_ext((*context)->get(), (*found)->handle.get(), GPGME_DELETE_ALLOW_SECRET | GPGME_DELETE_FORCE);
  home.forget_keys();
  if (error) return error_of("delete", error);
  return base::Done{};
}

base::Result<certs::KeyInfo> generate_key(const Home& home, const std::string& address, const std::string& name) {
  const auto parsed = mail::Address::parse(address);
  if (!parsed || !is_one_line(name) || name.find_first_of("<>") != std::string::npos) return base::fail(k_bad_key, "name or address");
  const std::string user_id = name.empty() ? parsed->text() : name + " <" + parsed->text() + ">";
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  constexpr unsigned long k_lifetime = 3ul * 365 * 24 * 3600;
  const auto error = gpgme_op_createkey((*context)->get(), user_id.c_str(), "future-default", 0, k_lifetime, nullptr, GPGME_CREATE_FORCE);
  home.forget_keys();
  if (error) return error_of("generate", error);
  const gpgme_genkey_result_t made = gpgme_op_genkey_result((*context)->get());
  if (made == nullptr || made->fpr == nullptr) return base::fail(k_engine, "generate: no fingerprint");
  const std::string fingerprint = made->fpr;
  context->reset();
  auto found = home.find_key({fingerprint});
  if (!found) return std::move(found).error();
  if (!*found) return base::fail(k_engine, "generate: the key is not there");
  return (*found)->info;
}

base::Result<std::shared_ptr<const std::vector<KeyRecord>>> Home::ring() const {
  const std::uint64_t before = interruptions();
  {
    const std::lock_guard lock(m_mutex);
    if (m_ring) return m_ring;
  }
  auto context = Context::make(*this, Context::Place::none);
  if (!context) return std::move(context).error();
  gpgme_set_keylist_mode((*context)->get(), GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_SECRET);
  if (const auto error = gpgme_op_keylist_start((*context)->get(), nullptr, 0); error) return error_of("key list", error);
  auto records = collect(*this, before, (*context)->get(), SIZE_MAX);
  if (!records) return std::move(records).error();
  auto ring = std::make_shared<const std::vector<KeyRecord>>(std::move(*records));
  const std::lock_guard lock(m_mutex);
  m_ring = ring;
  return ring;
}

base::Result<std::vector<KeyRecord>> Home::keys() const {
  auto records = ring();
  if (!records) return std::move(records).error();
  return **records;
}

base::Result<std::optional<KeyRecord>> Home::find_key(const certs::Fingerprint& key) const {
  auto records = ring();
  if (!records) return std::move(records).error();
  for (const KeyRecord& record : **records)
    if (record.info.fingerprint == key) return std::optional(record);
  return std::optional<KeyRecord>();
}

base::Result<std::optional<KeyRecord>> Home::find_by_subkey(const std::string& id) const {
  auto records = ring();
  if (!records) return std::move(records).error();
  if (id.size() < 16) return std::optional<KeyRecord>();
  for (const KeyRecord& record : **records)
    for (const auto& [fingerprint, expiry] : record.subkeys)
      if (fingerprint.ends_with(id)) return std::optional(record);
  return std::optional<KeyRecord>();
}

void Home::forget_keys() const {
  const std::lock_guard lock(m_mutex);
  m_ring.reset();
}

void Home::begin(std::chrono::steady_clock::time_point at) const {
  const std::lock_guard lock(m_mutex);
  m_begun.insert(at);
}

void Home::end(std::chrono::steady_clock::time_point at) const {
  const std::lock_guard lock(m_mutex);
  m_begun.erase(m_begun.find(at));
}

bool Home::has_older(std::chrono::milliseconds age) const {
  const std::lock_guard lock(m_mutex);
  return !m_begun.empty() && *m_begun.begin() + age <= std::chrono::steady_clock::now();
}

void Home::enter() const {
  std::unique_lock lock(m_mutex);
  m_free.wait(lock, [&] { return m_in_use < k_contexts; });
  ++m_in_use;
}

void Home::leave() const {
  {
    const std::lock_guard lock(m_mutex);
    --m_in_use;
  }
  m_free.notify_one();
}

}  // namespace crypto::openpgp
