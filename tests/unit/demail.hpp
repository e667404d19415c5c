// A De-Mail with all its fields, and tests/data/demail/integrity.py, which hashes, signs and verifies it independently.
#pragma once

#include "demail/integrity/integrity.hpp"
#include "tests/unit/pki.hpp"

namespace tests {

struct SplitMessage {
  mail::Header header;
  base::ContentPtr body;
};
inline SplitMessage split(const std::string& message) {
  const auto end = message.find("\r\n\r\n");
  return {*mail::Header::parse(message.substr(0, end + 4)), base::make_content(message.substr(end + 4))};
}

inline const std::string k_demail_header =
    "Received: from client.stadt.example by pvd.anbieter.de-mail.example; Mon, 02 Mar 2026 08:15:29 +0000\r\n"
    "x-de-mail-message-id: <4711.20260302@pvd.anbieter.de-mail.example>\r\n"
    "x-de-mail-originator-provider: pvd.anbieter.de-mail.example\r\n"
    "x-de-mail-message-type: normal\r\n"
    "x-de-mail-version: 1.8\r\n"
    "x-de-mail-auth-level: high\r\n"
    "x-de-mail-auth-mechanism: client certificate\r\n"
    "x-de-mail-account-holder: Stadt Beispiel\r\n"
    "x-de-mail-actual-recipient: to=anna.muster@anderer.de-mail.example\r\n"
    "X-De-Mail-Confirmation-Of-Dispatch: yes\r\n"
    "x-de-mail-confirmation-of-receipt: yes\r\n"
    "x-de-mail-confirmation-of-retrieve: no\r\n"
    "x-de-mail-authoritative: yes\r\n"
    "x-de-mail-private: no\r\n"
    "x-de-mail-sender: amt53@stadt.de-mail.example\r\n"
    "x-de-mail-chosen-recipient: to=anna.muster@anderer.de-mail.example;\r\n\tcc=bernd.muster@anderer.de-mail.example\r\n"
    "x-de-mail-private-id: 0197c1d2-8f00\r\n"
    "From: Amt 53 <amt53@stadt.de-mail.example>\r\n"
    "To: anna.muster@anderer.de-mail.example\r\n"
    "Reply-To: amt53@stadt.de-mail.example\r\n"
    "Subject: =?UTF-8?Q?Bescheid_=C3=BCber?=\r\n  etwas, in zwei Zeilen \r\n"
    "Date: Mon, 02 Mar 2026 08:15:30 +0000\r\n"
    "Message-ID: <1@stadt.example>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain\r\n";
inline const std::string k_demail = k_demail_header + "\r\nSehr geehrte Frau Muster,\r\n\r\nanbei der Bescheid.\r\n";

inline std::string script(const std::string& arguments, const std::string& message) {
  static TempDir dir;
  spill(dir.path() / "in", message);
  must_run("python3 " AMTSBOTE_TEST_DATA "/demail/integrity.py " + arguments + " < " + (dir.path() / "in").string() + " > " +
           (dir.path() / "out").string());
  return slurp(dir.path() / "out");
}

// What the script says of each message.
inline std::vector<std::string> checked(const std::vector<std::string>& messages) {
  const TempDir dir;
  std::string files;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto path = dir.path() / std::to_string(i);
    spill(path, messages[i]);
    files += " " + path.string();
  }
  const Ran ran = run("python3 " AMTSBOTE_TEST_DATA "/demail/integrity.py check" + files);
  std::vector<std::string> out;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) out.push_back(line);
  EXPECT_EQ(out.size(), messages.size()) << ran.output;
  out.resize(messages.size());
  return out;
}
inline std::string checked(const std::string& message) { return checked(std::vector{message})[0]; }

// Certificates of providers, under one authority; what a provider's looks like is not written down, so there are several.
class Providers {
 public:
  static Pki& pki() {
    static Providers made;
    return Pki::get();
  }
  static const certs::TrustStore& anchors() {
    static const auto store = *certs::make_trust_store({{pki().der("ca")}, {}, {}});
    return *store;
  }
  // a little later: certificates are issued while the test runs
  static base::Timestamp now() { return base::system_clock().now() + std::chrono::minutes(1); }

 private:
  Providers() {
    const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:";
    const std::string seal = "keyUsage=critical,nonRepudiation";
    Pki::get().issue("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "", seal);
    Pki::get().issue("ec", ec + "P-256", "", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=1.3.6.1.5.5.7.3.36");
    Pki::get().issue("brainpool", ec + "brainpoolP384r1", "", seal);
    Pki::get().issue("pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:3072", "", seal);
    Pki::get().issue("web", ec + "P-256", "DNS:pvd.anbieter.de-mail.example",
                     "keyUsage=critical,digitalSignature\\nextendedKeyUsage=serverAuth");
  }
};

}  // namespace tests
