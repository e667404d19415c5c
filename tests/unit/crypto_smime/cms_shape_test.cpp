// The walker over CMS: what openssl writes, each prefix of it, and each byte of it changed.
#include "crypto/smime/cms_shape.hpp"

#include <set>

#include "crypto/smime/base64.hpp"
#include "crypto/smime/write.hpp"
#include "tests/unit/pki.hpp"

namespace {

using namespace tests;
using crypto::smime::CmsKind;

std::string cms(const std::string& arguments) {
  const TempDir dir;
  const std::string out = (dir.path() / "o").string(), in = (dir.path() / "i").string();
  spill(in, "Content-Type: text/plain\r\n\r\nhallo\r\n");
  const Ran ran = run("openssl cms " + arguments + " -binary -outform DER -in " + in + " -out " + out);
  EXPECT_EQ(ran.status, 0) << ran.output;
  return slurp(out);
}
std::string recipient(const char* name) { return " -recip " + Pki::get().file(name) + ".pem"; }

crypto::smime::RecipientId id(const char* name) {
  return crypto::smime::recipient_id_of(**crypto::smime::load_certificate(Pki::get().der(name)));
}

TEST(CmsShape, ReadsWhatOpensslWrites) {
  const auto gcm = crypto::smime::parse_cms(cms("-encrypt -aes-256-gcm" + recipient("alice") + recipient("carol")));
  ASSERT_TRUE(gcm);
  EXPECT_EQ(gcm->kind, CmsKind::auth_enveloped);
  EXPECT_EQ(gcm->cipher, "aes-256-gcm");
  EXPECT_EQ(gcm->tag_size, 16u);
  EXPECT_EQ(gcm->nonce_size, 12u);
  EXPECT_EQ((std::set<crypto::smime::RecipientId>(gcm->recipients.begin(), gcm->recipients.end())), (std::set<crypto::smime::RecipientId>{id("alice"), id("carol")}));
  for (const char* stream : {"", " -stream"}) {
    const auto cbc = crypto::smime::parse_cms(cms(std::string("-encrypt -aes-128-cbc") + stream + recipient("bob")));
    ASSERT_TRUE(cbc) << stream;
    EXPECT_EQ(cbc->kind, CmsKind::enveloped);
    EXPECT_EQ(cbc->cipher, "aes-128-cbc");
    EXPECT_EQ(cbc->recipients, std::vector{id("bob")});
  }
  const auto by_key = crypto::smime::parse_cms(cms("-encrypt -aes-128-cbc -keyid" + recipient("bob") + recipient("dora")));
  ASSERT_TRUE(by_key);
  for (const auto& one : by_key->recipients) EXPECT_EQ(one.key_id.size(), 20u);
  const auto opaque = crypto::smime::parse_cms(cms("-sign -nodetach -signer " + Pki::get().file("alice") + ".pem -inkey " + Pki::get().file("alice") + ".key"));
  ASSERT_TRUE(opaque);
  EXPECT_EQ(opaque->kind, CmsKind::signed_data);
  EXPECT_TRUE(opaque->has_content);
  const auto detached = crypto::smime::parse_cms(cms("-sign -signer " + Pki::get().file("alice") + ".pem -inkey " + Pki::get().file("alice") + ".key"));
  ASSERT_TRUE(detached);
  EXPECT_FALSE(detached->has_content);
}

TEST(CmsShape, EveryPrefixNeedsMoreOrIsTheHead) {
  for (const char* how : {"-encrypt -aes-256-gcm", "-encrypt -aes-256-cbc -stream"}) {
    const std::string whole = cms(how + recipient("alice") + recipient("carol"));
    bool seen = false;
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      const auto head = crypto::smime::parse_cms_head(whole.substr(0, n));
      ASSERT_TRUE(head) << n;
      ASSERT_TRUE(!seen || head->has_value()) << n;
      seen = head->has_value();
      EXPECT_EQ(bool(crypto::smime::parse_cms(whole.substr(0, n))), n == whole.size()) << how << n;
    }
    EXPECT_TRUE(seen);
    EXPECT_FALSE(crypto::smime::parse_cms(whole + std::string(1, '\0')));
  }
}

TEST(CmsShape, ChangedBytesNeverCrash) {
  const std::string whole = cms("-encrypt -aes-256-gcm" + recipient("alice") + recipient("carol"));
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      std::string changed = whole;
      changed[i] ^= mask;
      (void)crypto::smime::parse_cms(changed);
      (void)crypto::smime::parse_cms_head(changed);
    }
}

TEST(CmsShape, Limits) {
  // 17 containers of indefinite length inside each other, and a length of five bytes
  std::string deep("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80", 15);
  for (int i = 0; i < 17; ++i) deep += std::string("\x24\x80", 2);
  EXPECT_FALSE(crypto::smime::parse_cms(deep + std::string(38, '\0')));
  EXPECT_FALSE(crypto::smime::parse_cms(std::string("\x30\x85\x01\x00\x00\x00\x00", 7)));
  EXPECT_FALSE(crypto::smime::parse_cms(""));
}

TEST(Base64Decoder, AnySplitAndNothingForeign) {
  const std::string bytes = "\x00\x01 some bytes \xff";
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const std::string text = base::to_base64(bytes.substr(0, length));
    for (std::size_t split = 0; split <= text.size(); ++split) {
      crypto::smime::Base64Decoder decoder;
      std::string out;
      ASSERT_TRUE(decoder.feed(text.substr(0, split), out));
      ASSERT_TRUE(decoder.feed("\r\n " + text.substr(split), out));
      ASSERT_TRUE(decoder.finish());
      EXPECT_EQ(out, bytes.substr(0, length));
    }
  }
  for (const char* bad : {"AA=A", "AAAA=", "=", "A", "AA", "AAA", "AA==AA==", "AA-_", "AAAA text."}) {
    crypto::smime::Base64Decoder decoder;
    std::string out;
    EXPECT_FALSE(decoder.feed(bad, out) && decoder.finish()) << bad;
  }
}

class Failing : public base::ByteSink {
 public:
  base::Result<void> write(base::ByteView) override { return base::fail(base::Code{1, "full"}); }
};

TEST(Encryptor, RefusesUnusableRecipientsAndReportsTheSinksError) {
  auto& pki = Pki::get();
  pki.issue("pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "email:p@example.org");
  pki.issue("weak", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "email:p@example.org");
  Failing sink;
  for (const char* name : {"pss", "weak"}) {
    const auto certificate = *crypto::smime::load_certificate(pki.der(name));
    const auto started = crypto::smime::Encryptor::start({{certificate, false}}, true, sink);
    ASSERT_FALSE(started) << name;
    EXPECT_STREQ(started.error().code.name, "bad_key");
  }
  EXPECT_FALSE(crypto::smime::Encryptor::start({}, true, sink));
  auto encryptor = crypto::smime::Encryptor::start({{*crypto::smime::load_certificate(pki.der("bob")), false}}, true, sink);
  ASSERT_TRUE(encryptor);
  const auto written = encryptor->write(std::string(100000, 'x'));
  const auto finished = encryptor->finish();
  ASSERT_TRUE(!written || !finished);
  EXPECT_STREQ((written ? finished : written).error().code.name, "full");
}

}  // namespace
