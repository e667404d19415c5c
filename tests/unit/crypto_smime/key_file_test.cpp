// Key files in every form that the openssl program writes.
#include <algorithm>

#include "crypto/protect/errors.hpp"
#include "crypto/smime/identity.hpp"
#include "tests/unit/pki.hpp"

namespace {

using namespace tests;
using crypto::smime::parse_key_file;

class KeyFile : public testing::Test {
 protected:
  static std::string in(const char* name) { return Pki::get().file(name); }
  std::string make(const std::string& command) {
    const std::string out = (dir.path() / "f").string();
    const Ran ran = run("openssl " + command + " -out " + out);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return slurp(out);
  }
  static base::SecretBytes secret(const std::string& text) { return base::SecretBytes::copy_of(text); }
  void expect_alice(const base::Result<crypto::smime::ImportedKeys>& keys, std::size_t certificates, bool key) {
    ASSERT_TRUE(keys) << keys.error().describe();
    ASSERT_EQ(keys->certificates.size(), certificates);
    const auto& all = keys->certificates;
    EXPECT_EQ(std::count(all.begin(), all.end(), Pki::get().der("alice")), certificates > 0 ? 1 : 0);
    if (key) {
      const auto id = crypto::smime::load_identity(Pki::get().der("alice"), {}, keys->private_key);
      EXPECT_TRUE(id) << id.error().describe();
    } else {
      EXPECT_TRUE(keys->private_key.empty());
    }
  }
  TempDir dir;
};

TEST_F(KeyFile, EveryForm) {
  const std::string a = in("alice"), ca = in("ca");
  expect_alice(parse_key_file(slurp(a + ".pem"), {}), 1, false);
  expect_alice(parse_key_file(slurp(a + ".der"), {}), 1, false);
  expect_alice(parse_key_file(slurp(a + ".pem") + "\n# words between\n" + slurp(ca + ".pem") + slurp(a + ".key"), {}), 2, true);
  expect_alice(parse_key_file(slurp(a + ".key.der"), {}), 0, true);
  expect_alice(parse_key_file(make("pkey -in " + a + ".key -traditional"), {}), 0, true);
  expect_alice(parse_key_file(make("pkcs8 -topk8 -in " + a + ".key -passout pass:geheim"), secret("geheim")), 0, true);
  expect_alice(parse_key_file(make("pkcs8 -topk8 -outform DER -in " + a + ".key -passout pass:geheim"), secret("geheim")), 0, true);
  expect_alice(parse_key_file(make("crl2pkcs7 -nocrl -certfile " + a + ".pem -certfile " + ca + ".pem"), {}), 2, false);
  expect_alice(parse_key_file(make("crl2pkcs7 -nocrl -outform DER -certfile " + a + ".pem"), {}), 1, false);
}

TEST_F(KeyFile, Pkcs12NewAndOld) {
  const std::string from = "pkcs12 -export -in " + in("alice") + ".pem -inkey " + in("alice") + ".key -certfile " + in("ca") + ".pem -passout pass:geheim";
  expect_alice(parse_key_file(make(from), secret("geheim")), 2, true);
  // RC2-40 and 3DES, as Windows wrote them for twenty years
  expect_alice(parse_key_file(make(from + " -legacy"), secret("geheim")), 2, true);
  for (const std::string options : {"", " -legacy"}) {
    const auto wrong = parse_key_file(make(from + options), secret("falsch"));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, crypto::k_bad_key);
  }
}

TEST_F(KeyFile, RefusesOthers) {
  EXPECT_FALSE(parse_key_file("", {}));
  EXPECT_FALSE(parse_key_file("garbage", {}));
  EXPECT_FALSE(parse_key_file(std::string(2 << 20, 'x'), {}));
  EXPECT_FALSE(parse_key_file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {}));
  EXPECT_FALSE(parse_key_file("-----BEGIN CERTIFICATE-----\nMIIB", {}));
  EXPECT_FALSE(parse_key_file(slurp(in("alice") + ".key") + slurp(in("bob") + ".key"), {})) << "two private keys";
  // an encrypted key without a password: no question on any terminal
  EXPECT_FALSE(parse_key_file(make("pkcs8 -topk8 -in " + in("alice") + ".key -passout pass:geheim"), {}));
}

TEST_F(KeyFile, IdentityMustMatchAndBeUsable) {
  const auto& pki = Pki::get();
  EXPECT_TRUE(crypto::smime::load_identity(pki.der("alice"), {pki.der("ca")}, secret(pki.key_der("alice"))));
  EXPECT_FALSE(crypto::smime::load_identity(pki.der("bob"), {}, secret(pki.key_der("alice"))));
  EXPECT_FALSE(crypto::smime::load_identity(pki.der("alice"), {"x"}, secret(pki.key_der("alice"))));
  EXPECT_FALSE(crypto::smime::load_identity(pki.der("alice"), {}, {}));
  EXPECT_FALSE(crypto::smime::load_certificate(pki.der("alice") + "x"));
  Pki::get().issue("ed25519", "-algorithm ED25519", "email:e@example.org");
  const auto ed = crypto::smime::load_identity(pki.der("ed25519"), {}, secret(pki.key_der("ed25519")));
  ASSERT_FALSE(ed) << "its signature would fail in the middle of the message";
  EXPECT_EQ(ed.error().code, crypto::k_bad_key);
}

}  // namespace
