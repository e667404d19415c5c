// What open() makes of OpenPGP messages that gpg wrote, whole and tampered with.
#include <cstring>

#include "crypto/protect/errors.hpp"
#include "tests/unit/crypto_protect/fixture.hpp"
#include "tests/unit/gpg.hpp"

namespace {

using namespace tests;
using crypto::OpenFinding;

const std::vector<std::string> k_own = {"Authentication-Results", "Amtsbote-Protection"};
const std::string k_outer = "From: Firma <firma@example.org>\r\nTo: amt@stadt.example\r\nSubject: Antrag\r\nMIME-Version: 1.0\r\n";
const std::string k_entity = std::string("Content-Type: text/plain; charset=utf-8\r\nSubject: inner\r\n\r\nHallo ") + k_marker + "\r\nEnde\r\n";

class OpenPgpOpen : public testing::Test {
 protected:
  crypto::Opened open_it(const std::string& message, bool as_amt = true) {
    crypto::OpenRequest request;
    request.home = OwnHome::get().home();
    if (as_amt) request.openpgp.push_back(OwnHome::get().key().fingerprint);
    auto opened = crypto::open(base::make_content(message), mail::inspect(message), request, k_own);
    EXPECT_TRUE(opened) << opened.error().describe();
    return std::move(*opened);
  }
  void SetUp() override { OwnHome::get(); }  // the partner learns our key
  std::string file(const char* name) const { return (dir.path() / name).string(); }
  std::string gpg(const std::string& arguments, const std::string& input) {
    spill(dir.path() / "in", input);
    fs::remove(dir.path() / "out");
    const Ran ran = Partner::get().gpg(arguments.starts_with("-") ? "--output " + file("out") + " " + arguments + " " + file("in") : arguments);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return slurp(dir.path() / "out");
  }
  static std::string encrypted(const std::string& armour) {
    return k_outer + "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=bb\r\n\r\n--bb\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
           "Version: 1\r\n\r\n--bb\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n" + crlf(armour) + "\r\n--bb--\r\n";
  }
  static std::string crlf(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
    return out;
  }
  std::string signed_message(const std::string& entity, const std::string& options = "") {
    return k_outer + "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256; boundary=bb\r\n\r\n--bb\r\n" + entity +
           "\r\n--bb\r\nContent-Type: application/pgp-signature\r\n\r\n" + crlf(gpg("--armor --local-user firma@example.org " + options + " --detach-sign", entity)) + "--bb--\r\n";
  }
  const std::string to_us = "--armor --recipient amt@stadt.example ";
  static const char* has(const crypto::Opened& opened, OpenFinding finding) { return opened.findings.contains(finding) ? "yes" : "no"; }
  TempDir dir;
};

TEST_F(OpenPgpOpen, EncryptedAndSigned) {
  const auto opened = open_it(encrypted(gpg(to_us + "--local-user firma@example.org --sign --encrypt", k_entity)));
  EXPECT_TRUE(opened.opened);
  EXPECT_EQ(bytes_of(opened.content), k_outer + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + body_of(k_entity));
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_TRUE(opened.signers[0].mathematically_valid);
  EXPECT_EQ(opened.signers[0].fingerprint.hex, Partner::get().fingerprint("firma@example.org"));
  EXPECT_EQ(opened.signers[0].addresses, std::vector<std::string>{"firma@example.org"});
  EXPECT_TRUE(opened.findings.empty());
}

TEST_F(OpenPgpOpen, UnsignedCountsNoSigner) {
  const auto opened = open_it(encrypted(gpg(to_us + "--encrypt", k_entity)));
  EXPECT_TRUE(opened.opened);
  EXPECT_TRUE(opened.signers.empty());
}

TEST_F(OpenPgpOpen, OnlyForThoseWhomTheEnvelopeNames) {
  const std::string armour = gpg(to_us + "--encrypt", k_entity);
  const auto opened = open_it(encrypted(armour), false);
  EXPECT_FALSE(opened.opened);
  EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::no_recipient_key});
  EXPECT_EQ(open_it(encrypted(gpg("--armor --recipient rsa@example.org --encrypt", k_entity))).findings, std::set<OpenFinding>{OpenFinding::no_recipient_key});
}

TEST_F(OpenPgpOpen, HiddenRecipient) {
  EXPECT_TRUE(open_it(encrypted(gpg(to_us + "--throw-keyids --encrypt", k_entity))).opened);
  EXPECT_FALSE(open_it(encrypted(gpg(to_us + "--throw-keyids --encrypt", k_entity)), false).opened);
}

TEST_F(OpenPgpOpen, WithoutIntegrityNothingComesOut) {
  // RFC 4880 section 5.7 packets: what EFAIL needs. Only an old cipher makes gpg write one.
  const std::string armour = gpg(to_us + "--rfc2440 --cipher-algo 3DES --disable-mdc --encrypt", k_entity);
  const auto opened = open_it(encrypted(armour));
  EXPECT_FALSE(opened.opened);
  EXPECT_STREQ(has(opened, OpenFinding::damaged), "yes");
  EXPECT_EQ(bytes_of(opened.content).find(k_marker), std::string::npos);
}

TEST_F(OpenPgpOpen, DamagedCutAndJoinedGiveNothing) {
  const std::string binary = gpg("--recipient amt@stadt.example --compress-algo none --encrypt", std::string(k_entity) + std::string(20000, 'x'));
  const auto armoured = [&](const std::string& bytes) {
    spill(dir.path() / "bin", bytes);
    fs::remove(dir.path() / "armour");
    const Ran ran = Partner::get().gpg("--output " + file("armour") + " --enarmor " + file("bin"));
    EXPECT_EQ(ran.status, 0) << ran.output;
    std::string text = slurp(dir.path() / "armour");
    for (const char* word : {"BEGIN PGP ARMORED FILE", "END PGP ARMORED FILE"}) {
      const auto at = text.find(word);
      text.replace(at, std::strlen(word), word[0] == 'B' ? "BEGIN PGP MESSAGE" : "END PGP MESSAGE");
    }
    return text;
  };
  EXPECT_TRUE(open_it(encrypted(armoured(binary))).opened) << "the frame itself is sound";
  std::string flipped = binary;
  flipped[flipped.size() - 5000] ^= 1;
  const std::string cut = binary.substr(0, binary.size() - 100);
  for (const auto& bytes : {flipped, cut, binary + binary}) {
    const auto opened = open_it(encrypted(armoured(bytes)));
    EXPECT_FALSE(opened.opened);
    EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::damaged});
    EXPECT_EQ(bytes_of(opened.content).find(k_marker), std::string::npos);
  }
}

TEST_F(OpenPgpOpen, PlainOrSignedPacketsAreNotEncrypted) {
  for (const char* how : {"--armor --store", "--armor --local-user firma@example.org --sign"}) {
    const auto opened = open_it(encrypted(gpg(how, k_entity)));
    EXPECT_FALSE(opened.opened) << how;
    EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::damaged});
  }
}

TEST_F(OpenPgpOpen, BombIsStopped) {
  const auto opened = open_it(encrypted(gpg(to_us + "--compress-algo zlib --encrypt", "Content-Type: text/plain\r\n\r\n" + std::string(60 << 20, 'x'))));
  EXPECT_FALSE(opened.opened);
  EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::too_large});
}

TEST_F(OpenPgpOpen, VerdictsOverManySignedMessages) {
  for (const std::string& body : {std::string("hallo\r\n"), std::string(), std::string("no end"), std::string("\xc3\xa4\r\n"), std::string("trailing  \r\n"), std::string("- dash\r\n")})
    for (const char* options : {"", "--digest-algo SHA512", "--textmode"}) {
      const std::string entity = "Content-Type: text/plain\r\n\r\n" + body;
      const std::string message = signed_message(entity, options);
      const auto opened = open_it(message);
      ASSERT_EQ(opened.signers.size(), 1u);
      EXPECT_TRUE(opened.signers[0].mathematically_valid) << body << options;
      EXPECT_EQ(bytes_of(opened.content), message);
      std::string changed = message;
      changed[changed.find("text/plain") + 3] = 'u';
      const auto bad = open_it(changed);
      ASSERT_EQ(bad.signers.size(), 1u);
      EXPECT_FALSE(bad.signers[0].mathematically_valid) << body << options;
    }
  EXPECT_STREQ(has(open_it(signed_message(k_entity, "--digest-algo SHA1")), OpenFinding::weak_digest), "yes");
}

TEST_F(OpenPgpOpen, UnknownSigner) {
  const TempDir other;
  const std::string stranger = "gpg --homedir " + other.path().string() + " --batch --no-tty --pinentry-mode loopback --passphrase '' ";
  must_run(stranger + "--quick-generate-key eve@example.net ed25519 sign never");
  spill(dir.path() / "e", k_entity);
  must_run(stranger + "--armor --output " + file("e.sig") + " --detach-sign " + file("e"));
  run("gpgconf --homedir " + other.path().string() + " --kill gpg-agent");
  const std::string message = k_outer + "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=bb\r\n\r\n--bb\r\n" + k_entity +
                              "\r\n--bb\r\nContent-Type: application/pgp-signature\r\n\r\n" + crlf(slurp(dir.path() / "e.sig")) + "--bb--\r\n";
  const auto opened = open_it(message);
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_FALSE(opened.signers[0].mathematically_valid);
  EXPECT_TRUE(opened.signers[0].addresses.empty());
  EXPECT_STREQ(has(opened, OpenFinding::unknown_signer), "yes");
}

TEST_F(OpenPgpOpen, RecognisesWhatTheSenderEncrypted) {
  const auto finding = [&](const std::string& message) {
    const auto done = crypto::recognise(base::make_content(message), mail::inspect(message));
    return done ? done->finding() : std::string(done.error().code.name);
  };
  const std::string armour = gpg(to_us + "--recipient rsa@example.org --encrypt", k_entity);
  EXPECT_EQ(finding(encrypted(armour)), "openpgp, 2 recipients");
  EXPECT_EQ(finding(encrypted(armour + "in clear\n")), "not_protected");
  EXPECT_EQ(finding(encrypted("in clear\n" + armour)), "not_protected");
  EXPECT_EQ(finding(encrypted(gpg("--armor --store", k_entity))), "not_protected");
  EXPECT_EQ(finding(encrypted("nothing\n")), "not_protected");
  std::string preamble = encrypted(armour);
  preamble.insert(preamble.find("--bb\r\n"), std::string(600, 'p') + "\r\n");
  EXPECT_EQ(finding(preamble), "not_protected");
}

}  // namespace
