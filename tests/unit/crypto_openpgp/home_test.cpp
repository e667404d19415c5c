// Our OpenPGP home: what goes in, and that it never asks, remembers or trusts by accident.
#include "crypto/openpgp/home.hpp"

#include <fstream>
#include <future>

#include "crypto/openpgp/packets.hpp"
#include "crypto/protect/errors.hpp"
#include "tests/unit/gpg.hpp"

namespace {

using namespace tests;
using namespace crypto::openpgp;

class OpenPgpHome : public testing::Test {
 protected:
  const HomePtr& home = OwnHome::get().home();
  static std::string secret_key(const std::string& who, const std::string& passphrase) {
    const std::string gpg = "gpg --homedir " + Partner::get().dir().string() + " --batch --no-tty --pinentry-mode loopback --passphrase '" + passphrase + "' ";
    run(gpg + "--quick-generate-key " + who + " ed25519 cert,sign never");
    run(gpg + "--quick-add-key " + Partner::get().fingerprint(who) + " cv25519 encr never");
    return run(gpg + "--armor --export-secret-keys " + who).output;
  }
};

TEST_F(OpenPgpHome, PathOf87BytesIsRefused) {
  const TempDir dir;
  const auto named = [&](std::size_t size) { return dir.path() / std::string(size - dir.path().string().size() - 1, 'x'); };
  const auto refused = open_home(named(87), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, crypto::k_bad_key);
  auto fits = open_home(named(86), base::SecretBytes::copy_of("p"));
  ASSERT_TRUE(fits) << fits.error().describe();
  EXPECT_TRUE(generate_key(**fits, "a@example.org", "")) << "the agent starts there";
  close_home(**fits);
}

// GPGME waits for its gpg for ever; what is waited for can be ended, and the operation comes back
TEST_F(OpenPgpHome, AGpgThatHangsIsEnded) {
  const TempDir dir;
  const auto program = dir.path() / "gpg", flag = dir.path() / "hang";
  std::ofstream(program) << "#!/bin/sh\n[ -e " << flag.string() << " ] && kill -STOP $$\nexec gpg \"$@\"\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  auto opened = open_home(dir.path() / "home", base::SecretBytes::copy_of("p"), program);
  ASSERT_TRUE(opened) << opened.error().describe();
  ASSERT_TRUE(generate_key(**opened, "a@example.org", ""));
  EXPECT_EQ(end_overdue(**opened, std::chrono::milliseconds{0}), 0u) << "nothing is under way";
  std::ofstream(flag) << "";
  auto waiting = std::async(std::launch::async, [&] { return list_keys(**opened); });
  // by its age it is in time
  EXPECT_EQ(end_overdue(**opened, std::chrono::hours{1}), 0u);
  std::size_t ended = 0;
  for (int i = 0; i < 2000 && waiting.wait_for(std::chrono::milliseconds{5}) != std::future_status::ready; ++i) ended += end_overdue(**opened, std::chrono::milliseconds{0});
  EXPECT_GT(ended, 0u);
  const auto answer = waiting.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, crypto::k_engine);
  std::filesystem::remove(flag);
  const auto again = list_keys(**opened);
  ASSERT_TRUE(again) << again.error().describe();
  EXPECT_EQ(again->size(), 1u);
  close_home(**opened);
}

TEST_F(OpenPgpHome, GeneratedKey) {
  const auto& key = OwnHome::get().key();
  EXPECT_EQ(key.fingerprint.hex.size(), 40u);
  EXPECT_EQ(key.addresses, std::vector<std::string>{"amt@stadt.example"});
  EXPECT_EQ(key.algorithm, "ed25519/cv25519");
  EXPECT_TRUE(key.has_private && key.can_encrypt && key.can_sign);
  EXPECT_EQ(std::chrono::round<std::chrono::days>(key.not_after - key.not_before).count(), 3 * 365);
  EXPECT_EQ(std::filesystem::status(home ? OwnHome::get().public_file() : "").type(), std::filesystem::file_type::regular);
}

TEST_F(OpenPgpHome, LooksWithoutImporting) {
  const std::string key = secret_key("seen@example.org", "");
  const auto before = list_keys(*home)->size();
  const auto seen = inspect_keys(*home, Partner::get().public_key("seen@example.org"));
  ASSERT_TRUE(seen) << seen.error().describe();
  EXPECT_EQ(seen->at(0).addresses, std::vector<std::string>{"seen@example.org"});
  EXPECT_FALSE(seen->at(0).has_private);
  EXPECT_EQ(list_keys(*home)->size(), before);
  for (const std::string& garbage : {std::string(), std::string("garbage"), std::string(2 << 20, 'x')}) EXPECT_FALSE(inspect_keys(*home, garbage));
}

TEST_F(OpenPgpHome, ASecretKeyIsNoPublicKey) {
  const std::string key = secret_key("smuggled@example.org", "");
  const auto before = list_keys(*home)->size();
  const auto refused = import_keys(*home, key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, crypto::k_bad_key);
  EXPECT_EQ(list_keys(*home)->size(), before);
}

TEST_F(OpenPgpHome, SecretKeyTakesTheHomesPassphrase) {
  for (const std::string old : {"", "old passphrase"}) {
    const std::string who = old.empty() ? "open@example.org" : "locked@example.org";
    const auto imported = import_secret_keys(*home, secret_key(who, old), base::SecretBytes::copy_of(old));
    ASSERT_TRUE(imported) << who << imported.error().describe();
    ASSERT_TRUE(imported->at(0).has_private);
    auto source = base::make_content("text\r\n")->open();
    const auto signature = sign_detached(*home, imported->at(0).fingerprint, **source);
    EXPECT_TRUE(signature) << who << signature.error().describe();
    EXPECT_TRUE(remove_key(*home, imported->at(0).fingerprint));
    EXPECT_FALSE(export_key(*home, imported->at(0).fingerprint));
  }
}

TEST_F(OpenPgpHome, NothingIsRemembered) {
  // the right passphrase was used in this agent; a home with a wrong one must not get in on its coat-tails
  auto source = base::make_content("text\r\n")->open();
  ASSERT_TRUE(sign_detached(*home, OwnHome::get().key().fingerprint, **source));
  const auto directory = std::filesystem::path(OwnHome::get().public_file()).parent_path() / "gnupg";
  const auto other = open_home(directory, base::SecretBytes::copy_of("wrong"));
  ASSERT_TRUE(other);
  source = base::make_content("text\r\n")->open();
  EXPECT_FALSE(sign_detached(**other, OwnHome::get().key().fingerprint, **source));
}

TEST_F(OpenPgpHome, ExportIsPublicOnly) {
  const auto text = export_key(*home, OwnHome::get().key().fingerprint);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
}

TEST_F(OpenPgpHome, ExpiredAndRevokedKeysAreNotEncryptedTo) {
  const Partner& partner = Partner::get();
  secret_key("revoked@example.org", "");
  const std::string fingerprint = partner.fingerprint("revoked@example.org");
  ASSERT_TRUE(import_keys(*home, partner.public_key("revoked@example.org")));
  const std::string file = (partner.dir() / "openpgp-revocs.d" / (fingerprint + ".rev")).string();
  must_run("sed -i 's/^:-----BEGIN/-----BEGIN/' " + file);
  ASSERT_EQ(partner.gpg("--import " + file).status, 0);
  const auto revoked = import_keys(*home, partner.public_key("revoked@example.org"));
  ASSERT_TRUE(revoked) << revoked.error().describe();
  EXPECT_TRUE(revoked->at(0).is_revoked);
  EXPECT_FALSE(revoked->at(0).can_encrypt);
  auto source = base::make_content("text\r\n")->open();
  base::StringSink sink;
  const auto refused = encrypt(*home, {{fingerprint}}, std::nullopt, **source, sink);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, crypto::k_bad_key);
  EXPECT_TRUE(sink.bytes().empty());
}

TEST(Armour, ShapeOfWhatGpgWrites) {
  const TempDir dir;
  spill(dir.path() / "m", std::string(5000, 'x'));
  const auto shape = [&](const std::string& options) {
    ArmourReader reader;
    const Ran ran = Partner::get().gpg("--armor --output - " + options + " " + (dir.path() / "m").string() + " 2>/dev/null");
    for (const char c : ran.output)  // byte by byte: any split
      if (const auto fed = reader.feed({&c, 1}); !fed) return base::Result<MessageShape>(fed.error());
    return reader.finish();
  };
  const auto two = shape("-r firma@example.org -r rsa@example.org --encrypt");
  ASSERT_TRUE(two) << two.error().describe();
  EXPECT_EQ(two->key_ids.size(), 2u);
  EXPECT_TRUE(two->has_integrity && !two->has_password);
  const auto hidden = shape("--throw-keyids -r firma@example.org --encrypt");
  ASSERT_TRUE(hidden);
  EXPECT_EQ(hidden->key_ids, std::vector<std::string>{"0000000000000000"});
  const auto password = shape("--passphrase x --symmetric");
  ASSERT_TRUE(password);
  EXPECT_TRUE(password->has_password);
  const auto bare = shape("--rfc2440 --cipher-algo 3DES --disable-mdc -r firma@example.org --encrypt");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->has_integrity);
  EXPECT_FALSE(shape("--store"));
}

}  // namespace
