// What open() makes of S/MIME messages that the openssl program wrote, whole and tampered with.
#include "crypto/protect/errors.hpp"
#include "crypto/smime/base64.hpp"
#include "tests/unit/crypto_protect/fixture.hpp"

namespace {

using namespace tests;
using crypto::OpenFinding;

const std::vector<std::string> k_own = {"Authentication-Results", "Amtsbote-Protection"};
const std::string k_outer = "From: Bob <bob@example.org>\r\nTo: alice@stadt.example\r\nSubject: Re: Bescheid\r\nMessage-ID: <2@example.org>\r\n";
const std::string k_entity = std::string("Content-Type: text/plain; charset=utf-8\r\nX-Inner: dropped\r\nSubject: inner\r\n\r\nHallo ") + k_marker + "\r\nEnde\r\n";

crypto::Opened open_it(const std::string& message, const std::vector<std::string>& who = {"alice"}) {
  crypto::OpenRequest request;
  for (const auto& name : who) request.smime.push_back(identity(name));
  auto opened = crypto::open(base::make_content(message), mail::inspect(message), request, k_own);
  EXPECT_TRUE(opened) << opened.error().describe();
  return std::move(*opened);
}

class SmimeOpen : public testing::Test {
 protected:
  std::string file(const char* name) const { return (dir.path() / name).string(); }
  std::string pem(const std::string& who) const { return Pki::get().file(who) + ".pem"; }

  std::string der(const std::string& command, const std::string& input) {
    spill(dir.path() / "in", input);
    fs::remove(dir.path() / "out");
    const Ran ran = run("openssl cms " + command + " -binary -outform DER -in " + file("in") + " -out " + file("out"));
    EXPECT_EQ(ran.status, 0) << ran.output;
    return slurp(dir.path() / "out");
  }
  std::string encrypt_der(const std::string& entity, const std::string& options) { return der("-encrypt " + options + " -recip " + pem("alice"), entity); }
  std::string sign_der(const std::string& entity, const std::string& who = "bob", const std::string& options = "") {
    return der("-sign " + options + " -signer " + pem(who) + " -inkey " + Pki::get().file(who) + ".key", entity);
  }
  static std::string fold(const std::string& bytes) {
    const std::string text = base::to_base64(bytes);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\r\n";
    return out;
  }
  static std::string pkcs7(const std::string& bytes, const std::string& type = "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m") {
    return "Content-Type: " + type + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fold(bytes);
  }
  static std::string signed_entity(const std::string& entity, const std::string& signature) {
    return "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=bb\r\n\r\n--bb\r\n" + entity +
           "\r\n--bb\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fold(signature) + "--bb--\r\n";
  }
  std::string sign(const std::string& entity, const std::string& who = "bob", const std::string& options = "") {
    return signed_entity(entity, sign_der(entity, who, options));
  }
  static std::string mime(const std::string& rest) { return k_outer + "MIME-Version: 1.0\r\n" + rest; }
  static const char* has(const crypto::Opened& opened, OpenFinding finding) { return opened.findings.contains(finding) ? "yes" : "no"; }
  TempDir dir;
};

TEST_F(SmimeOpen, EncryptedIsOpenedAndTakesContentFieldsOnly) {
  for (const char* cipher : {"-aes-256-gcm", "-aes-128-gcm", "-aes-256-cbc", "-des3"}) {
    const auto opened = open_it(mime(pkcs7(encrypt_der(k_entity, cipher))));
    EXPECT_TRUE(opened.was_encrypted && opened.opened) << cipher;
    EXPECT_EQ(bytes_of(opened.content), mime("Content-Type: text/plain; charset=utf-8\r\n\r\n" + body_of(k_entity)));
    const bool gcm = std::string(cipher).ends_with("gcm");
    EXPECT_STREQ(has(opened, OpenFinding::not_authenticated), gcm ? "no" : "yes") << cipher;
    EXPECT_STREQ(has(opened, OpenFinding::weak_cipher), std::string(cipher) == "-des3" ? "yes" : "no");
    EXPECT_TRUE(opened.signers.empty());
    EXPECT_EQ(opened.layers, std::vector<std::string>{"smime-encrypted"});
  }
}

TEST_F(SmimeOpen, EveryKindOfRecipientKey) {
  for (const char* who : {"alice", "bob", "carol", "dora"}) {
    const auto bytes = der(std::string("-encrypt -aes-256-gcm -recip ") + pem("alice") + " -recip " + pem("bob") + " -recip " + pem("carol") + " -recip " + pem("dora"), k_entity);
    EXPECT_TRUE(open_it(mime(pkcs7(bytes)), {who}).opened) << who;
  }
  for (const char* options : {"-keyid", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"})
    EXPECT_TRUE(open_it(mime(pkcs7(der(std::string("-encrypt -aes-256-cbc ") + (options[1] == 'k' && options[4] == 'i' ? options : "") + " -recip " + pem("alice") +
                                        (options[4] == 'o' ? std::string(" ") + options : ""), k_entity)))).opened) << options;
}

TEST_F(SmimeOpen, FailuresToDecryptLookAlike) {
  const std::string gcm = encrypt_der(k_entity, "-aes-256-gcm");
  std::string flipped = gcm, tag = gcm, cut = gcm.substr(0, gcm.size() - 3), blob = gcm, trailing = gcm + "x";
  flipped[flipped.size() - 40] ^= 1;
  tag.back() ^= 1;
  blob[blob.size() / 2] ^= 1;
  for (const auto& [name, bytes] : std::vector<std::pair<std::string, std::string>>{{"flipped", flipped}, {"tag", tag}, {"cut", cut}, {"blob", blob}, {"trailing", trailing}}) {
    const std::string message = mime(pkcs7(bytes));
    const auto opened = open_it(message);
    EXPECT_TRUE(opened.was_encrypted && !opened.opened) << name;
    EXPECT_EQ(bytes_of(opened.content), message) << name;
    EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::damaged}) << name;
  }
  const auto foreign = open_it(mime(pkcs7(gcm)), {"bob", "carol"});
  EXPECT_EQ(foreign.findings, std::set<OpenFinding>{OpenFinding::no_recipient_key});
  EXPECT_FALSE(foreign.opened);
}

TEST_F(SmimeOpen, AuthenticationTagCutTo4BytesIsRefused) {
  std::string bytes = encrypt_der(k_entity, "-aes-256-gcm");
  // the mac is the last element: 04 10 and 16 bytes. Shortened, with every definite length around it made smaller by 12.
  ASSERT_EQ(bytes.substr(bytes.size() - 18, 2), std::string("\x04\x10", 2));
  std::string shorter = bytes.substr(0, bytes.size() - 18) + std::string("\x04\x04", 2) + bytes.substr(bytes.size() - 16, 4);
  const auto shrink = [&](std::size_t at) {  // 0x82 hi lo
    ASSERT_EQ(static_cast<unsigned char>(shorter[at]), 0x82);
    const unsigned value = (static_cast<unsigned char>(shorter[at + 1]) << 8 | static_cast<unsigned char>(shorter[at + 2])) - 12u;
    shorter[at + 1] = static_cast<char>(value >> 8);
    shorter[at + 2] = static_cast<char>(value & 0xff);
  };
  shrink(1);
  shrink(4 + 13 + 1);
  shrink(4 + 13 + 4 + 1);
  // the library itself takes it, which is why we look
  spill(dir.path() / "cut.der", shorter);
  EXPECT_EQ(run("openssl cms -decrypt -inform DER -in " + file("cut.der") + " -recip " + pem("alice") + " -inkey " + Pki::get().file("alice") + ".key").status, 0);
  const auto opened = open_it(mime(pkcs7(shorter)));
  EXPECT_FALSE(opened.opened);
  EXPECT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::damaged});
}

TEST_F(SmimeOpen, FlippedCbcIsMarkedAsNotAuthenticated) {
  const std::string long_entity = "Content-Type: text/plain\r\n\r\n" + std::string(300, 'a') + "\r\n";
  std::string bytes = encrypt_der(long_entity, "-aes-256-cbc");
  bytes[bytes.size() - 120] ^= 1;
  const auto opened = open_it(mime(pkcs7(bytes)));
  EXPECT_STREQ(has(opened, OpenFinding::not_authenticated), "yes");
}

TEST_F(SmimeOpen, CbcWithASoundSignatureInsideIsAuthenticated) {
  const auto opened = open_it(mime(pkcs7(encrypt_der(sign("Content-Type: text/plain\r\n\r\nhallo\r\n"), "-aes-256-cbc"))));
  EXPECT_TRUE(opened.opened);
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_TRUE(opened.signers[0].mathematically_valid);
  EXPECT_STREQ(has(opened, OpenFinding::not_authenticated), "no");
  EXPECT_EQ(opened.layers, (std::vector<std::string>{"smime-encrypted", "smime-signed"}));
  EXPECT_NE(bytes_of(opened.content).find("multipart/signed"), std::string::npos) << "stays whole";
}

TEST_F(SmimeOpen, DamagedKeyBlobNeverGivesText) {
  // a wrong v1.5 blob becomes a random key: now and then the padding of the garbage fits, and the library says yes
  const std::string bytes = encrypt_der(k_entity, "-aes-256-cbc");
  const auto at = bytes.find(std::string("\x04\x82\x01\x00", 4));
  ASSERT_NE(at, std::string::npos);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    damaged[at + 10 + static_cast<std::size_t>(i % 200)] = static_cast<char>(i * 7 + 1);
    damaged[at + 30 + static_cast<std::size_t>(i % 100)] ^= static_cast<char>(0x55);
    const auto opened = open_it(mime(pkcs7(damaged)));
    ASSERT_FALSE(opened.opened) << i;
    ASSERT_EQ(opened.findings, std::set<OpenFinding>{OpenFinding::damaged});
  }
}

TEST_F(SmimeOpen, VerdictsOverManySignedMessages) {
  const std::vector<std::string> bodies = {"hallo\r\n", "", "no line end", "8 bit \xc3\xa4\xc3\xb6\xc3\xbc\r\n", "  trailing  \r\n\t\r\n", "\r\n\r\nblank first\r\n",
                                           "-- \r\nsig\r\n", "--not a boundary\r\n", "From the start\r\n.\r\n..\r\n", std::string(5000, 'x') + "\r\n"};
  for (const char* who : {"alice", "bob", "carol", "dora"})
    for (const std::string& body : bodies) {
      const std::string entity = "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body;
      const std::string message = mime(sign(entity, who));
      const auto opened = open_it(message);
      ASSERT_EQ(opened.signers.size(), 1u);
      EXPECT_TRUE(opened.signers[0].mathematically_valid) << who << ": " << body;
      EXPECT_EQ(opened.signers[0].addresses, std::vector<std::string>{std::string(who) + (std::string(who) == "alice" ? "@stadt.example" : "@example.org")});
      EXPECT_EQ(opened.signers[0].fingerprint, crypto::smime::fingerprint_of(*certificate(who)));
      EXPECT_TRUE(opened.signers[0].claimed_time.has_value());
      EXPECT_EQ(bytes_of(opened.content), message) << "under a signature no byte changes";
      std::string changed = message;
      changed[changed.find("text/plain") + 3] = 'u';
      const auto bad = open_it(changed);
      ASSERT_EQ(bad.signers.size(), 1u);
      EXPECT_FALSE(bad.signers[0].mathematically_valid) << who;
    }
}

TEST_F(SmimeOpen, OpaqueSignedIsUnwrapped) {
  const auto opened = open_it(mime(pkcs7(sign_der(k_entity, "carol", "-nodetach"), "application/pkcs7-mime; smime-type=signed-data")));
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_TRUE(opened.signers[0].mathematically_valid);
  EXPECT_EQ(bytes_of(opened.content), mime("Content-Type: text/plain; charset=utf-8\r\n\r\n" + body_of(k_entity)));
  EXPECT_FALSE(opened.was_encrypted);
}

TEST_F(SmimeOpen, TripleWrapped) {
  const std::string inner = sign(k_entity, "bob");
  const std::string middle = pkcs7(encrypt_der(inner, "-aes-256-gcm"));
  const auto opened = open_it(mime(sign(middle, "carol")));
  EXPECT_TRUE(opened.opened);
  EXPECT_EQ(opened.layers, (std::vector<std::string>{"smime-signed", "smime-encrypted", "smime-signed"}));
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_EQ(opened.signers[0].fingerprint, crypto::smime::fingerprint_of(*certificate("bob"))) << "the innermost signs what is read";
}

TEST_F(SmimeOpen, TooManyLayersEnd) {
  std::string entity = k_entity;
  for (int i = 0; i < 7; ++i) entity = pkcs7(encrypt_der(entity, "-aes-256-gcm"));
  const auto opened = open_it(mime(entity));
  EXPECT_FALSE(opened.opened);
  EXPECT_EQ(opened.layers.size(), 5u);
  EXPECT_STREQ(has(opened, OpenFinding::too_many_layers), "yes");
}

TEST_F(SmimeOpen, OutlooksOddities) {
  const std::string bytes = encrypt_der(k_entity, "-aes-256-cbc");
  for (const char* type : {"application/pkcs7-mime; name=smime.p7m", "application/x-pkcs7-mime", "application/octet-stream; name=\"smime.P7M\"",
                           "application/pkcs7-mime; smime-type=authEnveloped-data"})
    EXPECT_TRUE(open_it(mime(pkcs7(bytes, type))).opened) << type;
  // LF inside: what goes on has CRLF
  std::string lf = k_entity;
  for (std::size_t at = 0; (at = lf.find("\r\n", at)) != std::string::npos;) lf.erase(at, 1);
  EXPECT_EQ(bytes_of(open_it(mime(pkcs7(encrypt_der(lf, "-aes-256-gcm")))).content), mime("Content-Type: text/plain; charset=utf-8\r\n\r\n" + body_of(k_entity)));
}

TEST_F(SmimeOpen, ForgedMarksGoOrAreReported) {
  const std::string forged = "Authentication-Results: gw.stadt.example; smime=pass\r\nAmtsbote-Protection: signed=valid\r\n";
  const std::string gone = bytes_of(open_it(forged + mime(pkcs7(encrypt_der(forged + k_entity, "-aes-256-gcm")))).content);
  EXPECT_EQ(gone.find("Authentication-Results"), std::string::npos);
  EXPECT_EQ(gone.find("Amtsbote-Protection"), std::string::npos);
  EXPECT_STREQ(has(open_it(mime(sign(forged + k_entity))), OpenFinding::forged_mark), "yes") << "below a signature it cannot be taken out";
  EXPECT_STREQ(has(open_it(mime(sign("Content-Type: message/rfc822\r\n\r\n" + forged + k_entity))), OpenFinding::forged_mark), "yes");
  EXPECT_STREQ(has(open_it(mime(sign(k_entity))), OpenFinding::forged_mark), "no");
}

TEST_F(SmimeOpen, PartsAreNotTheMessage) {
  const std::string mixed = "Content-Type: multipart/mixed; boundary=mm\r\n\r\n--mm\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil.example/\r\n--mm\r\n";
  for (const std::string& part : {sign(k_entity), pkcs7(encrypt_der(k_entity, "-aes-256-cbc"))}) {
    const std::string message = mime(mixed + part + "\r\n--mm--\r\n");
    const auto opened = open_it(message);
    EXPECT_TRUE(opened.signers.empty());
    EXPECT_FALSE(opened.was_encrypted);
    EXPECT_EQ(bytes_of(opened.content), message);
    EXPECT_STREQ(has(opened, OpenFinding::partly_protected), "yes");
  }
}

TEST_F(SmimeOpen, EContentBesideDetachedContentCountsForNothing) {
  const auto opened = open_it(mime(signed_entity(k_entity, sign_der(k_entity, "bob", "-nodetach"))));
  EXPECT_TRUE(opened.signers.empty());
  EXPECT_STREQ(has(opened, OpenFinding::both_contents), "yes");
}

TEST_F(SmimeOpen, WeakDigestsAreFindings) {
  EXPECT_STREQ(has(open_it(mime(sign(k_entity, "bob", "-md sha1"))), OpenFinding::weak_digest), "yes");
  EXPECT_STREQ(has(open_it(mime(sign(k_entity, "bob", "-md md5"))), OpenFinding::weak_digest), "yes");
  EXPECT_STREQ(has(open_it(mime(sign(k_entity, "bob", "-md sha256"))), OpenFinding::weak_digest), "no");
}

TEST_F(SmimeOpen, SignerWithoutCertificateIsUnknown) {
  const auto opened = open_it(mime(sign(k_entity, "bob", "-nocerts")));
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_FALSE(opened.signers[0].mathematically_valid);
  EXPECT_STREQ(has(opened, OpenFinding::unknown_signer), "yes");
}

TEST_F(SmimeOpen, SeveralSigners) {
  const auto opened = open_it(mime(signed_entity(k_entity, der("-sign -signer " + pem("bob") + " -inkey " + Pki::get().file("bob") + ".key -signer " + pem("carol") +
                                                              " -inkey " + Pki::get().file("carol") + ".key", k_entity))));
  EXPECT_EQ(opened.signers.size(), 2u);
  EXPECT_STREQ(has(opened, OpenFinding::several_signers), "yes");
}

TEST_F(SmimeOpen, CompressedIsRefused) {
  // ContentInfo { id-ct-compressedData, [0] { SEQUENCE {} } }
  const std::string bytes("\x30\x11\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09\xa0\x02\x30\x00", 19);
  EXPECT_STREQ(has(open_it(mime(pkcs7(bytes, "application/pkcs7-mime"))), OpenFinding::compressed), "yes");
}

TEST_F(SmimeOpen, GarbageStaysWhatItIs) {
  for (const std::string& body : {std::string(), std::string("!!!"), std::string("MIIB"), std::string(100000, 'M')}) {
    const std::string message = mime("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body);
    const auto opened = open_it(message);
    EXPECT_EQ(bytes_of(opened.content), message);
    EXPECT_STREQ(has(opened, OpenFinding::damaged), "yes");
  }
}

TEST_F(SmimeOpen, WhatWeWriteWeOpen) {
  const auto done = tests::protect(sample(), {.sign = crypto::SmimeSign{identity("bob")}, .encrypt = crypto::SmimeEncrypt{{certificate("alice")}, true, {}}, .home = nullptr});
  ASSERT_TRUE(done);
  const auto opened = open_it(bytes_of(done->content()));
  EXPECT_TRUE(opened.opened);
  ASSERT_EQ(opened.signers.size(), 1u);
  EXPECT_TRUE(opened.signers[0].mathematically_valid);
  EXPECT_FALSE(opened.signers[0].bag.empty());
  EXPECT_TRUE(opened.findings.empty());
}

// --- mail that the sender protected himself ---

TEST_F(SmimeOpen, RecognisesWhatTheSenderEncrypted) {
  const auto finding = [&](const std::string& message) {
    const auto done = crypto::recognise(base::make_content(message), mail::inspect(message));
    return done ? done->finding() : std::string(done.error().code.name);
  };
  EXPECT_EQ(finding(mime(pkcs7(encrypt_der(k_entity, "-aes-256-gcm")))), "smime aes-256-gcm, 1 recipients");
  EXPECT_EQ(finding(mime(pkcs7(encrypt_der(k_entity, "-aes-128-cbc -stream")))), "smime aes-128-cbc, 1 recipients");
  EXPECT_EQ(finding(mime(pkcs7(encrypt_der(std::string(100000, 'x'), "-aes-256-gcm")))), "smime aes-256-gcm, 1 recipients");
  EXPECT_EQ(finding(mime(pkcs7(encrypt_der(k_entity, "-des3")))), "not_protected");
  EXPECT_EQ(finding(mime(pkcs7(sign_der(k_entity, "bob", "-nodetach")))), "not_protected") << "says enveloped-data, is signed";
  EXPECT_EQ(finding(mime(pkcs7(encrypt_der(k_entity, "-aes-256-cbc")) + "\r\nPS: in clear\r\n")), "not_protected");
  EXPECT_EQ(finding(mime("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nnot at all\r\n")), "not_protected");
  EXPECT_EQ(finding(mime(sign(k_entity))), "not_protected");
  EXPECT_EQ(finding(sample()), "not_protected");
}

}  // namespace
