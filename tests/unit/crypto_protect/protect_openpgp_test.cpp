// What protect() writes with OpenPGP, opened by `gpg`.
#include <set>

#include "crypto/openpgp/operate.hpp"
#include "crypto/protect/errors.hpp"
#include "tests/unit/crypto_protect/fixture.hpp"
#include "tests/unit/gpg.hpp"

namespace {

using namespace tests;
using crypto::OpenPgpEncrypt;
using crypto::OpenPgpSign;

std::string inner() { return "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body_of(sample()); }

std::string part_between(const std::string& message, const std::string& begin, const std::string& end) {
  const auto from = message.find(begin);
  const auto to = message.find(end, from);
  return from == std::string::npos || to == std::string::npos ? "" : message.substr(from, to + end.size() - from);
}

class OpenPgpProtect : public testing::Test {
 protected:
  const crypto::openpgp::HomePtr& home = OwnHome::get().home();
  certs::Fingerprint own = OwnHome::get().key().fingerprint;
  certs::Fingerprint firma{Partner::get().fingerprint("firma@example.org")};
  certs::Fingerprint rsa{Partner::get().fingerprint("rsa@example.org")};
  std::string file(const char* name) const { return (dir.path() / name).string(); }
  TempDir dir;
};

TEST_F(OpenPgpProtect, EncryptedAndSignedOpensWithGpg) {
  const auto done = tests::protect(sample(), {.sign = OpenPgpSign{own}, .encrypt = OpenPgpEncrypt{{firma, rsa}}, .home = home});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string out = bytes_of(done->content());
  expect_no_marker(out);
  EXPECT_EQ(mail::inspect(out).wrapping, mail::Wrapping::pgp_encrypted);
  EXPECT_EQ(done->report().recipients.size(), 2u);
  EXPECT_EQ(done->report().signer, own);
  spill(dir.path() / "m.asc", part_between(out, "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"));
  const Ran ran = Partner::get().gpg("--status-fd 1 --output " + file("plain") + " --decrypt " + file("m.asc"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(slurp(dir.path() / "plain"), inner());
  EXPECT_NE(ran.output.find("GOODSIG"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("VALIDSIG " + own.hex), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("GOODMDC"), std::string::npos);
}

// what a copy shows to everybody who holds no key: the key id of the one whom it is for, and of nobody else, the signer included
TEST_F(OpenPgpProtect, ACopyForOneShowsTheKeyOfThatOneOnly) {
  fs::create_directory(dir.path() / "empty");
  fs::permissions(dir.path() / "empty", fs::perms::owner_all);
  for (const certs::Fingerprint& one : {firma, rsa}) {
    const auto done = tests::protect(sample(), {.sign = OpenPgpSign{own}, .encrypt = OpenPgpEncrypt{{one}}, .home = home});
    ASSERT_TRUE(done) << done.error().describe();
    spill(dir.path() / "copy.asc", part_between(bytes_of(done->content()), "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"));
    const Ran ran = run("gpg --batch --no-tty --homedir " + file("empty") + " --list-packets " + file("copy.asc"));
    std::set<std::string> shown;
    std::size_t packets = 0;
    for (std::size_t at = 0; (at = ran.output.find(":pubkey enc packet:", at)) != std::string::npos; ++at, ++packets) {
      const auto id = ran.output.find("keyid ", at);
      ASSERT_NE(id, std::string::npos) << ran.output;
      shown.insert(ran.output.substr(id + 6, 16));
    }
    EXPECT_EQ(packets, 1u) << ran.output;
    EXPECT_EQ(shown, *crypto::openpgp::encryption_key_ids(*home, one)) << ran.output;
    EXPECT_EQ(ran.output.find("signature packet"), std::string::npos) << "the signature lies inside";
  }
}

TEST_F(OpenPgpProtect, SignedVerifiesWithGpg) {
  const auto done = tests::protect(sample(), {.sign = OpenPgpSign{own}, .encrypt = {}, .home = home});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string out = bytes_of(done->content());
  const auto facts = mail::inspect(out);
  ASSERT_EQ(facts.wrapping, mail::Wrapping::pgp_signed);
  ASSERT_EQ(facts.parts.size(), 3u);
  const auto& part = facts.parts[1];
  const std::string entity = out.substr(part.header_begin, part.body_end - part.header_begin);
  EXPECT_EQ(entity, inner());
  EXPECT_NE(out.find("micalg=pgp-sha512"), std::string::npos);
  spill(dir.path() / "m", entity);
  spill(dir.path() / "m.sig", out.substr(facts.parts[2].body_begin, facts.parts[2].body_end - facts.parts[2].body_begin));
  const Ran ran = Partner::get().gpg("--status-fd 1 --verify " + file("m.sig") + " " + file("m"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("VALIDSIG " + own.hex), std::string::npos) << ran.output;
}

TEST_F(OpenPgpProtect, EncryptedOnlyMayBe8Bit) {
  const std::string message = sample() + "Gr\xc3\xbc\xc3\x9f""e\r\n";
  const auto done = tests::protect(message, {.sign = {}, .encrypt = OpenPgpEncrypt{{rsa}}, .home = home});
  ASSERT_TRUE(done) << done.error().describe();
  const std::string out = bytes_of(done->content());
  spill(dir.path() / "m.asc", part_between(out, "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"));
  EXPECT_EQ(Partner::get().gpg("--output " + file("plain") + " --decrypt " + file("m.asc")).status, 0);
  EXPECT_EQ(slurp(dir.path() / "plain"), "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body_of(message));
}

TEST_F(OpenPgpProtect, RefusesKeysThatAreNotThere) {
  const auto code = [](const base::Result<crypto::Protected>& r) { return r ? "done" : r.error().code.name; };
  const certs::Fingerprint nobody{std::string(40, 'A')};
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = {}, .encrypt = OpenPgpEncrypt{{firma, nobody}}, .home = home})), "bad_key");
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = {}, .encrypt = OpenPgpEncrypt{{}}, .home = home})), "bad_key");
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = OpenPgpSign{nobody}, .encrypt = {}, .home = home})), "bad_key");
  // the partner's public key is in our home, but its secret key is not ours: no other key may step in
  EXPECT_STREQ(code(tests::protect(sample(), {.sign = OpenPgpSign{firma}, .encrypt = {}, .home = home})), "bad_key");
  EXPECT_STREQ(code(tests::protect(sample() + "\xff\r\n", {.sign = OpenPgpSign{own}, .encrypt = OpenPgpEncrypt{{rsa}}, .home = home})), "protect_failed");
}

TEST_F(OpenPgpProtect, ManyThreadsShareTheHome) {
  std::vector<std::thread> threads;
  std::array<bool, 6> good{};
  for (std::size_t i = 0; i < good.size(); ++i)
    threads.emplace_back([&, i] { good[i] = bool(tests::protect(sample(), {.sign = OpenPgpSign{own}, .encrypt = OpenPgpEncrypt{{rsa}}, .home = home})); });
  for (auto& thread : threads) thread.join();
  for (const bool one : good) EXPECT_TRUE(one);
}

}  // namespace
