// Promise: one GPGME context for the length of an operation, set up for our home and nobody else's, and data objects over
// our streams. Included by sources of crypto/openpgp only: no other room sees GPGME.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gpgme.h>

#include "base/core/stream.hpp"
#include "crypto/openpgp/home.hpp"

namespace crypto::openpgp {

inline constexpr int k_contexts = 4;  // gpg costs a process each: more than this only queue up elsewhere

struct ReleaseKey {
  void operator()(gpgme_key_t key) const { gpgme_key_unref(key); }
};
using KeyHandle = std::shared_ptr<_gpgme_key>;

// A key of the ring as we know it.
struct KeyRecord {
  certs::KeyInfo info;
  KeyHandle handle;
  std::set<std::string> encryption_ids;                                     // key ids of its encryption subkeys
  std::map<std::string, std::optional<base::Timestamp>> subkeys;            // fingerprint (primary too) to expiry
};
KeyRecord describe(gpgme_key_t key);  // takes its own reference

class Home {
 public:
  Home(std::filesystem::path directory, base::SecretBytes passphrase, std::filesystem::path program)
      : m_directory(std::move(directory)), m_program(std::move(program)), m_passphrase(std::move(passphrase)) {}
  const std::filesystem::path& directory() const { return m_directory; }
  const std::filesystem::path& program() const { return m_program; }  // "": what GPGME finds
  const base::SecretBytes& passphrase() const { return m_passphrase; }

  // nullopt: not in the ring. The ring is read once and again after each change (gpgme_get_key costs a process).
  base::Result<std::optional<KeyRecord>> find_key(const certs::Fingerprint& key) const;
  // By the fingerprint of the primary key or a subkey, or by 16 digits of it.
  base::Result<std::optional<KeyRecord>> find_by_subkey(const std::string& id) const;
  base::Result<std::vector<KeyRecord>> keys() const;
  void forget_keys() const;

  void enter() const;  // waits for one of k_contexts places
  void leave() const;
  // Every context tells how long it has been there.
  void begin(std::chrono::steady_clock::time_point at) const;
  void end(std::chrono::steady_clock::time_point at) const;
  bool has_older(std::chrono::milliseconds age) const;
  // How often end_overdue() came. A key list whose gpg was ended looks like one that is complete: who lists compares.
  std::uint64_t interruptions() const { return m_interruptions; }
  void interrupt() const { ++m_interruptions; }

 private:
  base::Result<std::shared_ptr<const std::vector<KeyRecord>>> ring() const;

  std::filesystem::path m_directory, m_program;
  base::SecretBytes m_passphrase;
  mutable std::mutex m_mutex;
  mutable std::condition_variable m_free;
  mutable int m_in_use = 0;
  mutable std::atomic<std::uint64_t> m_interruptions = 0;
  mutable std::multiset<std::chrono::steady_clock::time_point> m_begun;
  mutable std::shared_ptr<const std::vector<KeyRecord>> m_ring;
};

class Context {
 public:
  // Waits for a place. Key lists take none: they are read while an operation holds one, and all places together would wait
  // for each other.
  enum class Place { take, none };
  static base::Result<std::unique_ptr<Context>> make(const Home& home, Place place = Place::take);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  gpgme_ctx_t get() const { return m_context; }
  void set_old_passphrase(const base::SecretBytes* passphrase) { m_old = passphrase; }

 private:
  Context(const Home& home, Place place) : m_home(home), m_place(place) { m_home.begin(m_begun); }
  static gpgme_error_t give_passphrase(void* self, const char* hint, const char* info, int was_bad, int fd);

  const Home& m_home;
  Place m_place;
  const base::SecretBytes* m_old = nullptr;  // protects a key that is being imported
  int m_asked = 0;
  const std::chrono::steady_clock::time_point m_begun = std::chrono::steady_clock::now();
  gpgme_ctx_t m_context = nullptr;
};

// A gpgme_data_t that reads from a source, writes to a sink, or holds bytes.
class Data {
 public:
  explicit Data(base::ByteSource& source);
  Data(base::ByteSink& sink, base::ByteCount limit);
  explicit Data(base::ByteView bytes);  // borrowed: must outlive the Data
  ~Data();
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  gpgme_data_t get() const { return m_data; }
  // What our own side of it ran into; gpg's error is then only its echo.
  const base::Result<void>& result() const { return m_result; }
  bool limit_was_hit() const { return m_limit_hit; }

 private:
  static ssize_t on_read(void* self, void* buffer, size_t size);
  static ssize_t on_write(void* self, const void* buffer, size_t size);

  gpgme_data_t m_data = nullptr;
  base::ByteSource* m_source = nullptr;
  base::ByteSink* m_sink = nullptr;
  std::uint64_t m_left = 0;
  bool m_limit_hit = false;
  base::Result<void> m_result;
};

bool is_engine_trouble(gpgme_error_t error);
std::string text_of(gpgme_error_t error);
// For operations on keys and data of ours: k_bad_key where the key is to blame, else k_engine.
base::Error error_of(const char* what, gpgme_error_t error);

}  // namespace crypto::openpgp
