// A partner with a gpg of his own: another home, other keys. What he writes and reads is made by the gpg program.
#pragma once

#include <thread>

#include "crypto/openpgp/operate.hpp"
#include "tests/unit/pki.hpp"

namespace tests {

class Partner {
 public:
  static Partner& get() {
    static Partner partner;
    return partner;
  }
  Ran gpg(const std::string& arguments) const {
    return run("gpg --homedir " + m_dir.path().string() + " --batch --no-tty --trust-model always --pinentry-mode loopback --passphrase '' " + arguments);
  }
  std::string fingerprint(const std::string& who) const {
    const Ran listed = gpg("--with-colons --list-keys " + who + " | awk -F: '/^fpr/{print $10; exit}'");
    return listed.output.substr(0, 40);
  }
  std::string public_key(const std::string& who) const { return gpg("--armor --export " + who).output; }
  const fs::path& dir() const { return m_dir.path(); }

 private:
  Partner() {
    for (const char* key : {"firma@example.org ed25519 cert,sign", "rsa@example.org rsa2048 sign,cert"}) {
      std::istringstream words(key);
      std::string user, algorithm, usage;
      words >> user >> algorithm >> usage;
      must_gpg("--quick-generate-key '" + user + "' " + algorithm + " " + usage + " never");
      must_gpg("--quick-add-key " + fingerprint(user) + " " + (algorithm == "ed25519" ? "cv25519" : "rsa2048") + " encr never");
    }
  }
  ~Partner() { run("gpgconf --homedir " + m_dir.path().string() + " --kill gpg-agent"); }
  void must_gpg(const std::string& arguments) const {
    const Ran ran = gpg(arguments);
    if (ran.status != 0) {
      std::fprintf(stderr, "gpg %s\n%s\n", arguments.c_str(), ran.output.c_str());
      std::abort();
    }
  }
  TempDir m_dir;
};

// Our own home, with a key for amt@stadt.example and the partner's public keys in it.
class OwnHome {
 public:
  static OwnHome& get() {
    static OwnHome own;
    return own;
  }
  const crypto::openpgp::HomePtr& home() const { return m_home; }
  const certs::KeyInfo& key() const { return m_key; }
  // Both the partner and this process know each other's keys.
  std::string public_file() const { return (m_dir.path() / "own.asc").string(); }

 private:
  OwnHome() {
    crypto::openpgp::init();
    auto opened = crypto::openpgp::open_home(m_dir.path() / "gnupg", base::SecretBytes::copy_of("own passphrase"));
    if (!opened) fail(opened.error());
    m_home = *opened;
    auto key = crypto::openpgp::generate_key(*m_home, "amt@stadt.example", "Amt 53");
    if (!key) fail(key.error());
    m_key = *key;
    for (const char* who : {"firma@example.org", "rsa@example.org"})
      if (auto done = crypto::openpgp::import_keys(*m_home, Partner::get().public_key(who)); !done) fail(done.error());
    spill(public_file(), *crypto::openpgp::export_key(*m_home, m_key.fingerprint));
    must_run("gpg --homedir " + Partner::get().dir().string() + " --batch --import " + public_file());
  }
  ~OwnHome() {
    if (m_home) crypto::openpgp::close_home(*m_home);
  }
  static void fail(const base::Error& error) {
    std::fprintf(stderr, "%s\n", error.describe().c_str());
    std::abort();
  }
  TempDir m_dir;
  crypto::openpgp::HomePtr m_home;
  certs::KeyInfo m_key;
};

}  // namespace tests
