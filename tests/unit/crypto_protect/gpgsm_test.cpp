// S/MIME of ours in the hands of another implementation: gpgsm.
#include "tests/unit/crypto_protect/fixture.hpp"

namespace {

using namespace tests;

class Gpgsm : public testing::Test {
 protected:
  void SetUp() override {
    const auto& pki = Pki::get();
    fs::create_directory(home(), ec);
    fs::permissions(home(), fs::perms::owner_all);
    spill(home() / "gpgsm.conf", "disable-crl-checks\ndisable-dirmngr\n");
    spill(home() / "gpg-agent.conf", "allow-loopback-pinentry\n");
    spill(home() / "trustlist.txt", fingerprint(pki.file("ca") + ".pem") + " S relax\n");
    ASSERT_EQ(gpgsm("--import " + pki.file("ca") + ".pem").status, 0);
    must_run("openssl pkcs12 -export -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -in " + pki.file("bob") + ".pem -inkey " + pki.file("bob") + ".key -passout pass:x -out " + file("bob.p12"));
    // its status tells of certificates that it could not check; the list tells what came in
    const Ran imported = run("echo x | " + k_gpgsm + home().string() + " --pinentry-mode loopback --passphrase-fd 0 --import " + file("bob.p12"));
    ran = gpgsm("--list-secret-keys");
    ASSERT_NE(ran.output.find("bob@example.org"), std::string::npos) << imported.output << ran.output;
  }
  void TearDown() override { run("gpgconf --homedir " + home().string() + " --kill all"); }
  fs::path home() const { return dir.path() / "g"; }
  std::string file(const char* name) const { return (dir.path() / name).string(); }
  Ran gpgsm(const std::string& arguments) const { return run(k_gpgsm + home().string() + " " + arguments); }
  static std::string fingerprint(const std::string& pem) {
    std::string text = run("openssl x509 -noout -fingerprint -sha1 -in " + pem).output;
    text = text.substr(text.find('=') + 1);
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
  }
  static std::string base64_part(const std::string& text) {
    std::string out;
    for (const char c : text)
      if (c > ' ') out += c;
    return *base::parse_base64(out);
  }
  const std::string k_gpgsm = "gpgsm --batch --no-tty --homedir ";
  TempDir dir;
  Ran ran;
  std::error_code ec;
};

TEST_F(Gpgsm, ReadsWhatWeEncrypt) {
  const auto done = tests::protect(sample(), {.sign = {}, .encrypt = crypto::SmimeEncrypt{{certificate("bob")}, false, {}}, .home = nullptr});
  ASSERT_TRUE(done);
  spill(dir.path() / "m.p7m", base64_part(body_of(bytes_of(done->content()))));
  ran = run("echo x | " + k_gpgsm + home().string() + " --pinentry-mode loopback --passphrase-fd 0 --output " + file("out") + " --decrypt " + file("m.p7m"));
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(slurp(dir.path() / "out"), "Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body_of(sample()));
}

TEST_F(Gpgsm, VerifiesWhatWeSign) {
  for (const char* who : {"bob", "alice", "carol", "dora"}) {
    const auto done = tests::protect(sample(), {.sign = crypto::SmimeSign{identity(who)}, .encrypt = {}, .home = nullptr});
    ASSERT_TRUE(done);
    const std::string out = bytes_of(done->content());
    const auto facts = mail::inspect(out);
    ASSERT_EQ(facts.parts.size(), 3u);
    spill(dir.path() / "m", out.substr(facts.parts[1].header_begin, facts.parts[1].body_end - facts.parts[1].header_begin));
    spill(dir.path() / "m.p7s", base64_part(out.substr(facts.parts[2].body_begin, facts.parts[2].body_end - facts.parts[2].body_begin)));
    ran = gpgsm("--status-fd 1 --verify " + file("m.p7s") + " " + file("m"));
    EXPECT_EQ(ran.status, 0) << who << ran.output;
    EXPECT_NE(ran.output.find("GOODSIG"), std::string::npos) << who << ran.output;
  }
}

}  // namespace
