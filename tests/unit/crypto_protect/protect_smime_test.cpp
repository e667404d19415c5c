// What protect() writes with S/MIME, opened by `openssl cms`.
#include <sys/resource.h>

#include "crypto/protect/errors.hpp"
#include "tests/unit/crypto_protect/fixture.hpp"

namespace {

using namespace tests;
using crypto::ProtectRequest;
using crypto::SmimeEncrypt;
using crypto::SmimeSign;

class SmimeProtect : public testing::Test {
 protected:
  // the program's S/MIME reader wants the message as it stands
  std::string decrypt(const std::string& message, const std::string& who) {
    spill(dir.path() / "in", message);
    const auto& pki = Pki::get();
    ran = run("openssl cms -decrypt -in " + (dir.path() / "in").string() + " -inkey " + pki.file(who) + ".key -recip " + pki.file(who) +
                        ".pem -out " + (dir.path() / "out").string());
    EXPECT_EQ(ran.status, 0) << ran.output;
    return slurp(dir.path() / "out");
  }
  std::string verify(const std::string& message) {
    spill(dir.path() / "in", message);
    fs::remove(dir.path() / "out");
    ran = run("openssl cms -verify -binary -crlfeol -in " + (dir.path() / "in").string() + " -CAfile " + Pki::get().file("ca") +
                        ".pem -out " + (dir.path() / "out").string());
    return ran.status == 0 ? slurp(dir.path() / "out") : "";
  }
  TempDir dir;
  Ran ran;
};

std::string inner_of(const std::string& message) { return "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body_of(message); }

TEST_F(SmimeProtect, SignedVerifiesAndKeepsEveryByte) {
  for (const char* who : {"alice", "bob", "carol", "dora"}) {
    const auto done = tests::protect(sample(), {.sign = SmimeSign{identity(who)}, .encrypt = {}, .home = nullptr});
    ASSERT_TRUE(done) << done.error().describe();
    const std::string out = bytes_of(done->content());
    EXPECT_EQ(verify(out), inner_of(sample())) << who << ran.output;
    EXPECT_NE(out.find(std::string(who) == "dora" ? "micalg=sha-384" : "micalg=sha-256"), std::string::npos);
    EXPECT_TRUE(done->report().signed_);
    EXPECT_FALSE(done->report().encrypted);
    EXPECT_EQ(base::to_hex(base::view(done->report().output)), base::to_hex(base::view(base::sha256(out))));
    EXPECT_EQ(base::to_hex(base::view(done->report().input)), base::to_hex(base::view(base::sha256(sample()))));
  }
}

TEST_F(SmimeProtect, ChangedTextDoesNotVerify) {
  const auto done = tests::protect(sample(), {.sign = SmimeSign{identity("alice")}, .encrypt = {}, .home = nullptr});
  ASSERT_TRUE(done);
  std::string out = bytes_of(done->content());
  out.replace(out.find("geehrte"), 7, "GEEHRTE");
  EXPECT_EQ(verify(out), "");
}

TEST_F(SmimeProtect, OuterHeaderStaysInPlaceAndOrder) {
  const auto done = tests::protect(sample(), {.sign = {}, .encrypt = SmimeEncrypt{{certificate("bob")}, true, {}}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string out = bytes_of(done->content());
  EXPECT_TRUE(out.starts_with("Received: from a by b\r\nFrom: Amt <alice@stadt.example>\r\nTo: bob@example.org\r\nSubject: Bescheid\r\n"
                              "X-Folded: one\r\n two\r\nMessage-ID: <1@stadt.example>\r\nMIME-Version: 1.0\r\n"
                              "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data;\r\n name=\"smime.p7m\"\r\n"));
  const auto facts = mail::inspect(out);
  EXPECT_EQ(facts.wrapping, mail::Wrapping::smime_encrypted);
  EXPECT_TRUE(facts.defects.empty());
}

TEST_F(SmimeProtect, EncryptedOpensForEachRecipient) {
  for (const bool gcm : {false, true}) {
    const SmimeEncrypt encrypt{{certificate("alice"), certificate("bob"), certificate("carol"), certificate("dora")}, gcm, {}};
    const auto done = tests::protect(sample(), {.sign = {}, .encrypt = encrypt, .home = nullptr});
    ASSERT_TRUE(done) << done.error().describe();
    const std::string out = bytes_of(done->content());
    expect_no_marker(out);
    EXPECT_EQ(done->report().cipher, gcm ? "aes-256-gcm" : "aes-256-cbc");
    EXPECT_EQ(done->report().recipients.size(), 4u);
    for (const char* who : {"alice", "bob", "carol", "dora"}) EXPECT_EQ(decrypt(out, who), inner_of(sample())) << who << gcm;
  }
}

TEST_F(SmimeProtect, SignedThenEncrypted) {
  for (const bool gcm : {false, true}) {
    const auto done = tests::protect(sample(), {.sign = SmimeSign{identity("alice")}, .encrypt = SmimeEncrypt{{certificate("carol")}, gcm, {}}, .home = nullptr});
    ASSERT_TRUE(done) << done.error().describe();
    const std::string out = bytes_of(done->content());
    expect_no_marker(out);
    const std::string inner = decrypt(out, "carol");
    EXPECT_TRUE(inner.starts_with("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";"));
    EXPECT_EQ(verify(inner), inner_of(sample())) << ran.output;
  }
}

TEST_F(SmimeProtect, OaepWhereAskedAndNoSha1Anywhere) {
  const auto bob = certificate("bob");
  const auto done = tests::protect(sample(), {.sign = {}, .encrypt = SmimeEncrypt{{bob, certificate("carol")}, true, {crypto::smime::fingerprint_of(*bob)}}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string out = bytes_of(done->content());
  EXPECT_EQ(decrypt(out, "bob"), inner_of(sample()));
  spill(dir.path() / "m", out);
  const Ran printed = run("openssl cms -cmsout -print -noout -in " + (dir.path() / "m").string());
  EXPECT_NE(printed.output.find("rsaesOaep"), std::string::npos) << printed.output;
  EXPECT_NE(printed.output.find("dhSinglePass-stdDH-sha256kdf-scheme"), std::string::npos);
  EXPECT_NE(printed.output.find("aes-256-gcm"), std::string::npos);
  EXPECT_EQ(printed.output.find("sha1"), std::string::npos);
}

TEST_F(SmimeProtect, CapabilitiesOfferGcmAndNothingOld) {
  const auto done = tests::protect(sample(), {.sign = SmimeSign{identity("alice")}, .encrypt = {}, .home = nullptr});
  ASSERT_TRUE(done);
  const std::string out = bytes_of(done->content());
  spill(dir.path() / "m", out);
  const Ran printed = run("openssl cms -cmsout -print -noout -in " + (dir.path() / "m").string());
  // 2.16.840.1.101.3.4.1.46 as DER in the dump of the attribute
  EXPECT_NE(printed.output.find("S/MIME Capabilities"), std::string::npos);
  const std::string der = *base::parse_base64([&] {
    std::string text = body_of(out).substr(body_of(out).find("smime.p7s\"\r\n\r\n") + 13), clean;
    text.resize(text.find("--"));
    for (const char c : text)
      if (c > ' ') clean += c;
    return clean;
  }());
  EXPECT_NE(der.find(std::string("\x60\x86\x48\x01\x65\x03\x04\x01\x2e", 9)), std::string::npos);
  EXPECT_EQ(der.find(std::string("\x2a\x86\x48\x86\xf7\x0d\x03\x02", 8)), std::string::npos) << "RC2 is offered";
  EXPECT_EQ(der.find(std::string("\x2b\x0e\x03\x02\x1a", 5)), std::string::npos) << "SHA-1 is named";
}

TEST_F(SmimeProtect, PssKeySignsWhatOthersVerify) {
  Pki::get().issue("pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "email:pss@stadt.example");
  const auto done = tests::protect(sample(), {.sign = SmimeSign{identity("pss")}, .encrypt = {}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_EQ(verify(bytes_of(done->content())), inner_of(sample())) << ran.output;
}

TEST_F(SmimeProtect, MessageWithoutContentTypeKeepsTheDefaults) {
  const std::string message = sample("");
  const auto done = tests::protect(message, {.sign = {}, .encrypt = SmimeEncrypt{{certificate("carol")}, false, {}}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_EQ(decrypt(bytes_of(done->content()), "carol"), "\r\n" + body_of(message));
}

TEST_F(SmimeProtect, EmptyBody) {
  const std::string message = "From: alice@stadt.example\r\n\r\n";
  const auto done = tests::protect(message, {.sign = SmimeSign{identity("alice")}, .encrypt = SmimeEncrypt{{certificate("carol")}, true, {}}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string inner = decrypt(bytes_of(done->content()), "carol");
  EXPECT_EQ(verify(inner), "\r\n") << ran.output;
}

TEST_F(SmimeProtect, RecipientThatStandsTwiceIsOne) {
  const auto done = tests::protect(sample(), {.sign = {}, .encrypt = SmimeEncrypt{{certificate("bob"), certificate("bob")}, true, {}}, .home = nullptr});
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_EQ(done->report().recipients.size(), 1u);
}


TEST_F(SmimeProtect, RefusesWhatItCannotDo) {
  const auto code = [](const base::Result<crypto::Protected>& r) { return r ? "done" : r.error().code.name; };
  EXPECT_STREQ(code(tests::protect(sample(), {})), "protect_failed");
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = {}, .encrypt = SmimeEncrypt{}, .home = nullptr})), "bad_key");
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = crypto::OpenPgpSign{{"00"}}, .encrypt = SmimeEncrypt{{certificate("bob")}, true, {}}, .home = nullptr})), "protect_failed");
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = crypto::OpenPgpSign{{"00"}}, .encrypt = {}, .home = nullptr})), "bad_key");
  const ProtectRequest sign{.sign = SmimeSign{identity("alice")}, .encrypt = {}, .home = nullptr};
  EXPECT_STREQ(code(tests::protect(sample() + "Gr\xc3\xbc\xc3\x9f""e\r\n", sign)), "protect_failed") << "8-bit below a signature";
  EXPECT_STREQ(code(tests::protect(sample() + "bare\nline", sign)), "protect_failed");
  EXPECT_STREQ(code(tests::protect(sample() + "cut\r", sign)), "protect_failed");
  EXPECT_STREQ(code(tests::protect("no field\r\nFrom: a@b.example\r\n\r\nx\r\n", sign)), "protect_failed");
}

TEST_F(SmimeProtect, FactsOfAnotherMessageAreRefused) {
  MemoryScratch scratch;
  const std::string message = sample();
  std::string other = message;
  other.replace(other.find("bob@"), 4, "eve@");
  const auto done = crypto::protect(base::make_content(other), mail::inspect(message),
                                    {.sign = {}, .encrypt = SmimeEncrypt{{certificate("bob")}, true, {}}, .home = nullptr}, scratch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, crypto::k_protect_failed);
}

// --- size ---

class Repeated : public base::Content {
 public:
  Repeated(std::string head, std::uint64_t lines) : m_head(std::move(head)), m_lines(lines) {}
  base::ByteCount size() const override { return {m_head.size() + m_lines * 64}; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override {
    struct Source : base::ByteSource {
      const Repeated& owner;
      std::uint64_t at = 0;
      explicit Source(const Repeated& o) : owner(o) {}
      base::Result<std::size_t> read(std::span<char> into) override {
        static const std::string line = std::string(62, 'x') + "\r\n";
        if (at < owner.m_head.size()) {
          const auto n = owner.m_head.copy(into.data(), into.size(), at);
          at += n;
          return n;
        }
        std::size_t n = 0;
        while (n < into.size() && at < owner.size().value) into[n++] = line[(at++ - owner.m_head.size()) % 64];
        return n;
      }
    };
    return std::unique_ptr<base::ByteSource>(std::make_unique<Source>(*this));
  }

 private:
  std::string m_head;
  std::uint64_t m_lines;
};

class CountingScratch : public crypto::Scratch {
 public:
  base::ByteSink& sink() override { return m_sink; }
  base::Result<base::ContentPtr> finish() override { return base::make_content({}); }
  struct Sink : base::ByteSink {
    std::uint64_t count = 0;
    base::Result<void> write(base::ByteView bytes) override {
      count += bytes.size();
      return base::Done{};
    }
  } m_sink;
};

TEST_F(SmimeProtect, LargeMessageNeedsNoMoreMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer keeps what was freed";
#endif
  const auto message = std::make_shared<const Repeated>(sample(), 24u << 14);  // 24 MiB
  const auto facts = mail::inspect(*message);
  ASSERT_TRUE(facts);
  const ProtectRequest request{.sign = SmimeSign{identity("alice")}, .encrypt = SmimeEncrypt{{certificate("bob")}, true, {}}, .home = nullptr};
  ASSERT_TRUE(tests::protect(sample(), request));  // everything that is fetched once
  struct rusage before {}, after {};
  ::getrusage(RUSAGE_SELF, &before);
  CountingScratch scratch;
  const auto done = crypto::protect(message, *facts, request, scratch);
  ::getrusage(RUSAGE_SELF, &after);
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_GT(scratch.m_sink.count, message->size().value);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024) << "KiB";
}

}  // namespace
