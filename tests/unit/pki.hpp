// A throw-away PKI made by the openssl program, and what tests need to run foreign tools. One PKI a process, in a directory
// of its own that goes away at the end.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tests {

namespace fs = std::filesystem;

class TempDir {
 public:
  TempDir() {
    std::string name = (fs::temp_directory_path() / "amtb-XXXXXX").string();
    m_path = ::mkdtemp(name.data());
  }
  ~TempDir() {
    std::error_code ec;
    fs::remove_all(m_path, ec);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const fs::path& path() const { return m_path; }

 private:
  fs::path m_path;
};

struct Ran {
  int status = -1;
  std::string output;  // both streams
};

inline Ran run(const std::string& command) {
  Ran out;
  FILE* pipe = ::popen(("( " + command + " ) 2>&1 </dev/null").c_str(), "r");
  std::array<char, 4096> piece{};
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), pipe)) out.output.append(piece.data(), n);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

inline void must_run(const std::string& command) {
  const Ran ran = run(command);
  if (ran.status != 0) {
    std::fprintf(stderr, "failed: %s\n%s\n", command.c_str(), ran.output.c_str());
    std::abort();
  }
}

inline std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void spill(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

class Pki {
 public:
  static Pki& get() {
    static Pki pki;
    return pki;
  }
  const fs::path& dir() const { return m_dir.path(); }
  std::string file(const std::string& name) const { return (m_dir.path() / name).string(); }
  std::string der(const std::string& name) const { return slurp(m_dir.path() / (name + ".der")); }
  std::string key_der(const std::string& name) const { return slurp(m_dir.path() / (name + ".key.der")); }

  static constexpr const char* k_mail = "keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement\\nextendedKeyUsage=emailProtection";

  // `key`: arguments of openssl genpkey; `san` as in openssl.cnf. Issued by `ca`.
  void issue(const std::string& name, const std::string& key, const std::string& san, const std::string& extensions = k_mail,
             const std::string& ca = "ca", const std::string& subject = "", const std::string& more = "-days 3650") {
    const std::string f = file(name);
    must_run("openssl genpkey " + key + " -out " + f + ".key && openssl pkcs8 -topk8 -nocrypt -in " + f + ".key -outform DER -out " + f + ".key.der");
    must_run("openssl req -new -key " + f + ".key -subj '/CN=" + name + subject + "' -out " + f + ".csr");
    must_run("printf 'basicConstraints=critical,CA:FALSE\\n" + extensions + "\\nsubjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n" +
             (san.empty() ? "" : "subjectAltName=" + san + "\\n") + "' > " + f + ".ext");
    must_run("openssl x509 -req -in " + f + ".csr -CA " + file(ca) + ".pem -CAkey " + file(ca) + ".key -CAcreateserial " + more + " -extfile " + f +
             ".ext -out " + f + ".pem && openssl x509 -in " + f + ".pem -outform DER -out " + f + ".der");
  }

  void make_ca(const std::string& name, const std::string& key = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256") {
    const std::string f = file(name);
    must_run("openssl genpkey " + key + " -out " + f + ".key");
    must_run("openssl req -x509 -key " + f + ".key -subj '/CN=Test " + name + "' -days 7300 -addext 'basicConstraints=critical,CA:TRUE' "
             "-addext 'keyUsage=critical,keyCertSign,cRLSign' -out " + f + ".pem && openssl x509 -in " + f + ".pem -outform DER -out " + f + ".der");
  }

 private:
  Pki() {
    make_ca("ca");
    const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:";
    issue("alice", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "email:alice@stadt.example");
    issue("bob", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "email:bob@example.org");
    issue("carol", ec + "P-256", "email:carol@example.org");
    issue("dora", ec + "P-384", "email:dora@example.org");
  }
  TempDir m_dir;
};

}  // namespace tests
