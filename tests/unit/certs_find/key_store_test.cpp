// The key directory: what goes in, what is chosen, and that nothing unreadable passes for absent.
#include "certs/find/key_store.hpp"

#include <unistd.h>

#include "base/core/errors.hpp"
#include "tests/unit/pki.hpp"

namespace {

using namespace tests;
using certs::Finding;
using certs::Lookup;
using certs::Method;
using certs::Role;

// Turns the bytes over: enough to see that what lies on disk is not the key.
class Sealer : public certs::KeySealer {
 public:
  base::Result<base::Bytes> seal(const std::string& name, base::ByteView plain) const override {
    return name + ":" + std::string(plain.rbegin(), plain.rend());
  }
  base::Result<base::SecretBytes> open(const std::string& name, base::ByteView sealed) const override {
    if (!sealed.starts_with(name + ":")) return base::fail(base::k_malformed, "sealed under another name");
    sealed.remove_prefix(name.size() + 1);
    return base::SecretBytes::copy_of(std::string(sealed.rbegin(), sealed.rend()));
  }
};

class Ring : public certs::OpenPgpKeys {
 public:
  base::Result<std::vector<certs::KeyInfo>> list() const override {
    if (fails) return base::fail(base::k_io, "gpg is away");
    return keys;
  }
  std::vector<certs::KeyInfo> keys;
  bool fails = false;
};

class KeyStoreTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open(certs::Revocation revocation = certs::Revocation::soft) {
    auto opened = certs::KeyStore::open({dir.path() / "keys", revocation}, sealer, &ring);
    ASSERT_TRUE(opened) << opened.error().describe();
    store = std::move(*opened);
  }
  static base::Timestamp now() { return base::system_clock().now() + std::chrono::minutes(1); }
  static mail::Address address(const std::string& text) { return *mail::Address::parse(text); }
  certs::Fingerprint import(const std::string& name, const certs::ImportOptions& options = {}) {
    auto done = store->import_certificates({Pki::get().der(name)}, {}, options, now());
    EXPECT_TRUE(done) << done.error().describe();
    return done->front();
  }
  certs::Fingerprint import_own(const std::string& name) {
    auto done = store->import_certificates({Pki::get().der(name)}, base::SecretBytes::copy_of(Pki::get().key_der(name)), {.role = Role::own}, now());
    EXPECT_TRUE(done) << done.error().describe();
    return done->front();
  }
  void trust_ca() { import("ca", {.trusted = true}); }
  certs::KeyFacts find(const std::string& who, Method method = Method::smime) { return store->find_recipient_key(address(who), method, now()); }
  std::string file(const certs::Fingerprint& key, const char* ending) const { return (dir.path() / "keys" / (key.hex + ending)).string(); }

  static certs::KeyInfo pgp(const std::string& hex, const std::string& who, int age_days) {
    certs::KeyInfo info;
    info.method = Method::openpgp;
    info.fingerprint = {std::string(40 - hex.size(), 'A') + hex};
    info.addresses = {who};
    info.algorithm = "ed25519/cv25519";
    info.not_before = now() - std::chrono::days(age_days);
    info.not_after = now() + std::chrono::days(100);
    info.can_encrypt = info.can_sign = true;
    return info;
  }

  TempDir dir;
  Sealer sealer;
  Ring ring;
  std::unique_ptr<certs::KeyStore> store;
};

TEST_F(KeyStoreTest, EmptyIsAbsentNotUnknown) {
  EXPECT_EQ(find("bob@example.org").state, Lookup::absent);
  EXPECT_EQ(find("bob@example.org", Method::openpgp).state, Lookup::absent);
}

TEST_F(KeyStoreTest, FindsAConfirmedCertificate) {
  trust_ca();
  const auto bob = import("bob", {.confirmed = true, .reads_gcm = true});
  for (const char* who : {"bob@example.org", "BOB@Example.ORG"}) {
    const auto facts = find(who);
    ASSERT_EQ(facts.state, Lookup::known);
    EXPECT_EQ(facts.chosen->fingerprint, bob);
    EXPECT_TRUE(facts.chosen->reads_gcm);
    EXPECT_EQ(facts.findings, std::set<Finding>{});
  }
  EXPECT_EQ(find("eve@example.org").state, Lookup::absent);
}

TEST_F(KeyStoreTest, UnconfirmedAndCbcAreSaid) {
  trust_ca();
  import("bob");
  EXPECT_EQ(find("bob@example.org").findings, (std::set<Finding>{Finding::key_unconfirmed, Finding::cbc_only}));
}

TEST_F(KeyStoreTest, WithoutAnAnchorNothingIsChosen) {
  const auto bob = import("bob", {.confirmed = true});
  const auto facts = find("bob@example.org");
  EXPECT_EQ(facts.state, Lookup::absent);
  ASSERT_EQ(facts.rejected.size(), 1u);
  EXPECT_TRUE(facts.rejected[0].findings.contains(Finding::no_chain));
  ASSERT_TRUE(store->set_trusted(bob, true));
  EXPECT_EQ(find("bob@example.org").state, Lookup::known) << "vouched for by itself";
  ASSERT_TRUE(store->set_trusted(bob, false));
  EXPECT_EQ(find("bob@example.org").state, Lookup::absent);
}

TEST_F(KeyStoreTest, ConfirmedBeforeNewerThenNewest) {
  trust_ca();
  auto& pki = Pki::get();
  const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
  pki.issue("bob2", ec, "email:bob@example.org");
  const auto bob = import("bob", {.confirmed = true});
  const auto newer = import("bob2", {.confirmed = false});
  EXPECT_EQ(find("bob@example.org").chosen->fingerprint, bob);
  ASSERT_TRUE(store->remove(bob));
  EXPECT_EQ(find("bob@example.org").chosen->fingerprint, newer);
  const auto explained = store->explain(address("bob@example.org"), now());
  ASSERT_EQ(explained.size(), 1u);
  EXPECT_TRUE(explained[0].is_chosen);
}

TEST_F(KeyStoreTest, ExpiredIsRejectedWithItsReason) {
  trust_ca();
  import("bob", {.confirmed = true});
  const auto facts = store->find_recipient_key(address("bob@example.org"), Method::smime, now() + std::chrono::days(4000));
  EXPECT_EQ(facts.state, Lookup::absent);
  ASSERT_EQ(facts.rejected.size(), 1u);
  EXPECT_TRUE(facts.rejected[0].findings.contains(Finding::expired));
}

TEST_F(KeyStoreTest, AKeyIsBoundOnlyToWhatItNames) {
  EXPECT_FALSE(store->import_certificates({Pki::get().der("bob")}, {}, {.addresses = {"eve@example.org"}}, now()));
  trust_ca();
  Pki::get().issue("two", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:one@example.org,email:two@example.org");
  import("two", {.addresses = {"two@example.org"}, .confirmed = true});
  EXPECT_EQ(find("one@example.org").state, Lookup::absent) << "taken in for another address";
  EXPECT_EQ(find("two@example.org").state, Lookup::known);
}

TEST_F(KeyStoreTest, OwnKeysAreSealedAndCanBeLoaded) {
  trust_ca();
  const auto alice = import_own("alice");
  const std::string on_disk = slurp(file(alice, ".key"));
  EXPECT_EQ(on_disk.find(Pki::get().key_der("alice")), std::string::npos);
  const auto loaded = store->load_private(alice);
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(loaded->private_key.view(), Pki::get().key_der("alice"));
  EXPECT_EQ(loaded->certificate, Pki::get().der("alice"));
  const auto signer = store->find_identity(address("Alice@stadt.example"), Method::smime, now());
  ASSERT_EQ(signer.state, Lookup::known);
  EXPECT_EQ(signer.chosen->fingerprint, alice);
  EXPECT_EQ(store->find_identity(address("bob@example.org"), Method::smime, now()).state, Lookup::absent);
  // expired keys no longer sign and still read
  EXPECT_EQ(store->find_identity(address("alice@stadt.example"), Method::smime, now() + std::chrono::days(4000)).state, Lookup::absent);
  ASSERT_EQ(store->identities_for(address("alice@stadt.example")).size(), 1u);
  EXPECT_TRUE(store->identities_for(address("bob@example.org")).empty());
  // a partner's import does not take our key away
  EXPECT_FALSE(store->import_certificates({Pki::get().der("alice")}, {}, {}, now()));
}

TEST_F(KeyStoreTest, ANamedIdentityIsThatKeyOrNone) {
  trust_ca();
  const auto alice = import_own("alice");
  const auto named = [&](const std::string& who, const std::string& name, Method method = Method::smime) {
    return store->find_named_identity(address(who), method, name, now());
  };
  ASSERT_EQ(named("alice@stadt.example", alice.hex.substr(0, 16)).state, Lookup::known);
  EXPECT_EQ(named("alice@stadt.example", alice.hex).chosen->fingerprint, alice);
  EXPECT_EQ(named("alice@stadt.example", std::string(64, '0')).state, Lookup::absent) << "another name never leads to the key that was imported";
  EXPECT_EQ(named("alice@stadt.example", alice.hex, Method::openpgp).state, Lookup::absent);
  const auto stranger = named("bob@example.org", alice.hex);
  EXPECT_EQ(stranger.state, Lookup::absent) << "nobody signs with a key that does not name him";
  ASSERT_EQ(stranger.rejected.size(), 1u);
  EXPECT_TRUE(stranger.rejected[0].findings.contains(Finding::address_mismatch));
  // for opening it is enough that the configuration lists it
  ASSERT_EQ(store->own_keys({alice.hex.substr(0, 16)}).size(), 1u);
  EXPECT_TRUE(store->own_keys({std::string(64, '0')}).empty());
  const auto bob = import("bob", {.confirmed = true});
  EXPECT_TRUE(store->own_keys({bob.hex}).empty()) << "a partner's key is nobody's identity";
  // two keys with one beginning: somebody must say which
  std::string common;
  Pki::get().issue("alice2", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:alice@stadt.example");
  const auto second = import_own("alice2");
  EXPECT_EQ(named("alice@stadt.example", common).state, Lookup::unknown);
  EXPECT_TRUE(store->own_keys({common}).empty());
  EXPECT_EQ(named("alice@stadt.example", second.hex).chosen->fingerprint, second);
  // a file of the key that is gone is not "no key"
  std::filesystem::remove(file(alice, ".key"));
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(named("alice@stadt.example", alice.hex).state, Lookup::unknown);
}

TEST_F(KeyStoreTest, APrivateKeyOfNobodyIsRefused) {
  EXPECT_FALSE(store->import_certificates({Pki::get().der("bob")}, base::SecretBytes::copy_of(Pki::get().key_der("alice")), {.role = Role::own}, now()));
  EXPECT_FALSE(store->import_certificates({"garbage"}, {}, {}, now()));
  EXPECT_FALSE(store->import_certificates({}, {}, {}, now()));
  EXPECT_TRUE(store->snapshot()->entries.empty());
}

TEST_F(KeyStoreTest, ReopensWithTheSameAnswers) {
  trust_ca();
  const auto bob = import("bob", {.confirmed = true, .reads_gcm = true, .oaep = true});
  import_own("alice");
  open();
  EXPECT_EQ(find("bob@example.org").chosen->fingerprint, bob);
  const auto entry = store->find_entry(bob);
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->metadata.oaep && entry->metadata.reads_gcm && entry->metadata.confirmed);
  EXPECT_EQ(store->find_identity(address("alice@stadt.example"), Method::smime, now()).state, Lookup::known);
}

TEST_F(KeyStoreTest, WhatCannotBeReadIsNeverAbsent) {
  trust_ca();
  const auto bob = import("bob", {.confirmed = true});
  import("carol", {.confirmed = true});
  spill(file(bob, ".der"), "broken");
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("bob@example.org").state, Lookup::unknown) << "the notes say whom it concerns";
  EXPECT_EQ(find("carol@example.org").state, Lookup::known);
  EXPECT_EQ(find("eve@example.org").state, Lookup::absent);
  spill(file(bob, ".meta"), "method = smime\nrole = partner\nconfirmd = yes\n");
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("eve@example.org").state, Lookup::unknown) << "it could be anybody's";
  EXPECT_FALSE(find("eve@example.org").detail.empty());
  EXPECT_EQ(find("carol@example.org").state, Lookup::known);
  fs::remove(file(bob, ".meta"));
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("eve@example.org").state, Lookup::unknown) << "a certificate without notes";
}

TEST_F(KeyStoreTest, FilesThatOthersMayWriteAreNotBelieved) {
  trust_ca();
  const auto bob = import("bob", {.confirmed = true});
  fs::permissions(file(bob, ".meta"), fs::perms(0666));
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("bob@example.org").state, Lookup::unknown);
}

TEST_F(KeyStoreTest, LeftoversAndForeignFilesHaveNoEffect) {
  trust_ca();
  spill(dir.path() / "keys" / "README", "x");
  spill(dir.path() / "keys" / (std::string(64, 'A') + ".meta.tmp-0011"), "half");
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("eve@example.org").state, Lookup::absent);
  EXPECT_EQ(store->snapshot()->foreign_files, std::vector<std::string>{"README"});
}

TEST_F(KeyStoreTest, HardRevocationWithoutCrlIsUnknown) {
  open(certs::Revocation::hard);
  trust_ca();
  import("bob", {.confirmed = true});
  EXPECT_EQ(find("bob@example.org").state, Lookup::unknown);
}

TEST_F(KeyStoreTest, OpenPgp) {
  ring.keys = {pgp("1", "firma@example.org", 10)};
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("Firma@example.org", Method::openpgp).findings, std::set<Finding>{Finding::key_unconfirmed});
  ASSERT_TRUE(store->note_openpgp(ring.keys[0].fingerprint, {.confirmed = true}, now()));
  EXPECT_EQ(find("firma@example.org", Method::openpgp).findings, std::set<Finding>{});
  open();
  EXPECT_EQ(find("firma@example.org", Method::openpgp).findings, std::set<Finding>{}) << "the note is kept";
  // a newer one that nobody compared does not push it aside
  ring.keys.push_back(pgp("2", "firma@example.org", 1));
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("firma@example.org", Method::openpgp).chosen->fingerprint, ring.keys[0].fingerprint);
}

TEST_F(KeyStoreTest, OpenPgpAmbiguityAndFaults) {
  ring.keys = {pgp("1", "firma@example.org", 10), pgp("2", "firma@example.org", 1)};
  ASSERT_TRUE(store->reload());
  const auto facts = find("firma@example.org", Method::openpgp);
  EXPECT_EQ(facts.state, Lookup::absent);
  ASSERT_EQ(facts.rejected.size(), 2u);
  EXPECT_TRUE(facts.rejected[0].findings.contains(Finding::ambiguous));
  ring.keys = {pgp("3", "a@example.org", 1), pgp("4", "b@example.org", 1), pgp("5", "c@example.org", 1), pgp("6", "d@example.org", 1)};
  ring.keys[0].is_revoked = true;
  ring.keys[0].can_encrypt = false;
  ring.keys[1].not_after = now() - std::chrono::days(1);
  ring.keys[2].can_encrypt = false;
  ring.keys[3].rsa_bits = 1024;
  ASSERT_TRUE(store->reload());
  const auto reason = [&](const char* who) { return find(who, Method::openpgp).rejected.at(0).findings; };
  EXPECT_TRUE(reason("a@example.org").contains(Finding::revoked));
  EXPECT_TRUE(reason("b@example.org").contains(Finding::expired));
  EXPECT_TRUE(reason("c@example.org").contains(Finding::no_encryption_subkey));
  EXPECT_TRUE(reason("d@example.org").contains(Finding::weak_key));
  ring.fails = true;
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(find("eve@example.org", Method::openpgp).state, Lookup::unknown);
  EXPECT_EQ(find("eve@example.org", Method::smime).state, Lookup::absent);
}

TEST_F(KeyStoreTest, OwnOpenPgpKeySigns) {
  ring.keys = {pgp("7", "amt@stadt.example", 1)};
  ring.keys[0].has_private = true;
  ASSERT_TRUE(store->reload());
  EXPECT_EQ(store->find_identity(address("amt@stadt.example"), Method::openpgp, now()).state, Lookup::known);
  EXPECT_EQ(store->identities_for(address("amt@stadt.example")).size(), 1u);
}

TEST(Metadata, RoundTripAndStrictness) {
  certs::Metadata metadata;
  metadata.role = Role::own;
  metadata.addresses = {"a@example.org", "b@example.org"};
  metadata.reads_gcm = true;
  const auto text = certs::format_metadata(metadata);
  const auto back = certs::parse_metadata(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(certs::format_metadata(*back), text);
  for (const std::string bad : {"", "method = smime\n", "method = smime\nrole = boss\n", "method = smime\nrole = own\nconfirmed = maybe\n", "method = smime\nrole = own\nrole = partner\n",
                                "method = smime\nrole = own\naddress = no address\n", "method = smime\nrole = own\nnonsense\n", "method = smime\nrole = own\nnew = 1\n"})
    EXPECT_FALSE(certs::parse_metadata(bad)) << bad;
}

}  // namespace
