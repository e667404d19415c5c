// Verdicts over certificates that the openssl program issued.
#include "certs/verify/verify.hpp"

#include "certs/model/certificate.hpp"
#include "tests/unit/pki.hpp"

namespace {

using namespace tests;
using certs::Finding;
using certs::Purpose;

using Findings = std::set<Finding>;

class VerifyPath : public testing::Test {
 protected:
  // a little later: certificates are issued while the test runs
  static base::Timestamp now() { return base::system_clock().now() + std::chrono::minutes(1); }
  static certs::TrustStorePtr trust(std::vector<std::string> anchors, std::vector<std::string> intermediates = {}, std::vector<std::string> crls = {}) {
    auto made = certs::make_trust_store({std::move(anchors), std::move(intermediates), std::move(crls)});
    EXPECT_TRUE(made);
    return *made;
  }
  static certs::TrustStorePtr ca() {
    static const auto store = trust({Pki::get().der("ca")});
    return store;
  }
  static Findings verdict(const certs::TrustStore& store, const std::string& name, const std::string& address, Purpose purpose = Purpose::encrypt,
                          base::Timestamp at = now(), certs::Revocation revocation = certs::Revocation::soft) {
    certs::PathQuestion question{Pki::get().der(name), {}, at, purpose, std::nullopt, revocation};
    if (!address.empty()) question.address = *mail::Address::parse(address);
    return certs::verify_path(store, question).findings;
  }
};

TEST_F(VerifyPath, GoodOnes) {
  for (const Purpose purpose : {Purpose::encrypt, Purpose::sign}) {
    EXPECT_EQ(verdict(*ca(), "bob", "bob@example.org", purpose), Findings{});
    EXPECT_EQ(verdict(*ca(), "alice", "alice@stadt.example", purpose), Findings{Finding::rsa_below_3000});
    EXPECT_EQ(verdict(*ca(), "carol", "Carol@EXAMPLE.org", purpose), purpose == Purpose::sign ? Findings{} : Findings{Finding::classical_key_agreement});
  }
  const auto full = certs::verify_path(*ca(), {Pki::get().der("bob"), {}, now(), Purpose::encrypt, std::nullopt});
  EXPECT_EQ(full.chain, (std::vector<std::string>{Pki::get().der("bob"), Pki::get().der("ca")}));
  EXPECT_EQ(full.info.algorithm, "RSA-3072");
  EXPECT_EQ(full.info.addresses, std::vector<std::string>{"bob@example.org"});
}

TEST_F(VerifyPath, AnotherAddress) {
  EXPECT_EQ(verdict(*ca(), "bob", "eve@example.org"), Findings{Finding::address_mismatch});
  EXPECT_EQ(verdict(*ca(), "bob", "bob@example.net"), Findings{Finding::address_mismatch});
}

TEST_F(VerifyPath, Time) {
  using std::chrono::days;
  EXPECT_TRUE(verdict(*ca(), "bob", "", Purpose::encrypt, now() - days(2)).contains(Finding::not_yet_valid));
  EXPECT_TRUE(verdict(*ca(), "bob", "", Purpose::encrypt, now() + days(3651)).contains(Finding::expired));
  EXPECT_EQ(verdict(*ca(), "bob", "", Purpose::encrypt, now() + days(3600)), Findings{});
}

TEST_F(VerifyPath, TrustComesFromOurAnchorsOnly) {
  Pki::get().make_ca("other");
  EXPECT_TRUE(verdict(*trust({Pki::get().der("other")}), "bob", "").contains(Finding::no_chain));
  EXPECT_TRUE(verdict(*trust({}), "bob", "").contains(Finding::no_chain));
  // an anchor that comes along in the bag is a hint and nothing more
  const auto with_bag = certs::verify_path(*trust({}), {Pki::get().der("bob"), {Pki::get().der("ca")}, now(), Purpose::encrypt, std::nullopt});
  EXPECT_TRUE(certs::forbids_use(with_bag.findings));
  // a single certificate that somebody vouches for
  EXPECT_EQ(verdict(*trust({Pki::get().der("bob")}), "bob", ""), Findings{});
  EXPECT_TRUE(verdict(*trust({Pki::get().der("bob")}), "carol", "").contains(Finding::no_chain)) << "it issues nothing";
}

TEST_F(VerifyPath, Intermediates) {
  auto& pki = Pki::get();
  must_run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out " + pki.file("sub") + ".key");
  must_run("openssl req -new -key " + pki.file("sub") + ".key -subj '/CN=Sub' -out " + pki.file("sub") + ".csr");
  spill(pki.file("sub.ext"), "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
  must_run("openssl x509 -req -in " + pki.file("sub") + ".csr -CA " + pki.file("ca") + ".pem -CAkey " + pki.file("ca") + ".key -CAcreateserial -days 3650 -extfile " +
           pki.file("sub.ext") + " -out " + pki.file("sub") + ".pem && openssl x509 -in " + pki.file("sub") + ".pem -outform DER -out " + pki.file("sub") + ".der");
  pki.issue("below", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:below@example.org", Pki::k_mail, "sub");
  EXPECT_TRUE(verdict(*ca(), "below", "").contains(Finding::no_chain));
  EXPECT_FALSE(certs::forbids_use(verdict(*trust({pki.der("ca")}, {pki.der("sub")}), "below", "")));
  EXPECT_FALSE(certs::forbids_use(certs::verify_path(*ca(), {pki.der("below"), {pki.der("sub"), "garbage"}, now(), Purpose::encrypt, std::nullopt}).findings));
  EXPECT_FALSE(certs::forbids_use(verdict(*trust({pki.der("sub")}), "below", ""))) << "an intermediate may be an anchor";
  // a leaf cannot issue
  pki.issue("forged", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:amt@stadt.example", Pki::k_mail, "carol");
  EXPECT_TRUE(certs::forbids_use(certs::verify_path(*ca(), {pki.der("forged"), {pki.der("carol")}, now(), Purpose::sign, std::nullopt}).findings));
  EXPECT_TRUE(certs::forbids_use(verdict(*trust({pki.der("carol")}), "forged", "", Purpose::sign))) << "not even where it is vouched for";
}

TEST_F(VerifyPath, SelfSignedIsGoodOnlyWhereVouchedFor) {
  const std::string f = Pki::get().file("self");
  must_run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + f + ".key -subj /CN=self -days 100 -addext basicConstraints=critical,CA:FALSE "
           "-addext keyUsage=critical,digitalSignature,keyAgreement -addext extendedKeyUsage=emailProtection -addext subjectAltName=email:self@example.org -out " + f +
           ".pem && openssl x509 -in " + f + ".pem -outform DER -out " + f + ".der");
  EXPECT_TRUE(verdict(*ca(), "self", "self@example.org").contains(Finding::no_chain));
  EXPECT_EQ(verdict(*trust({Pki::get().der("self")}), "self", "self@example.org", Purpose::sign), Findings{});
}

TEST_F(VerifyPath, Purposes) {
  auto& pki = Pki::get();
  const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
  pki.issue("tls", ec, "email:tls@example.org", "keyUsage=critical,digitalSignature,keyAgreement\\nextendedKeyUsage=serverAuth");
  pki.issue("signonly", ec, "email:s@example.org", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=emailProtection");
  pki.issue("enconly", ec, "email:e@example.org", "keyUsage=critical,keyAgreement\\nextendedKeyUsage=emailProtection");
  for (const Purpose purpose : {Purpose::encrypt, Purpose::sign}) EXPECT_TRUE(verdict(*ca(), "tls", "", purpose).contains(Finding::wrong_purpose));
  EXPECT_TRUE(verdict(*ca(), "signonly", "").contains(Finding::wrong_purpose));
  EXPECT_EQ(verdict(*ca(), "signonly", "", Purpose::sign), Findings{});
  EXPECT_TRUE(verdict(*ca(), "enconly", "", Purpose::sign).contains(Finding::wrong_purpose));
  EXPECT_FALSE(certs::forbids_use(verdict(*ca(), "enconly", "")));
}

// Seals over documents come from certificates that were not issued for mail, and have no address.
TEST_F(VerifyPath, Attest) {
  auto& pki = Pki::get();
  const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
  const std::tuple<const char*, const char*, bool> rows[] = {
      {"seal1", "keyUsage=critical,nonRepudiation", true},
      {"seal2", "keyUsage=critical,digitalSignature", true},
      {"seal3", "keyUsage=critical,nonRepudiation\\nextendedKeyUsage=1.3.6.1.5.5.7.3.36", true},  // documentSigning
      {"seal4", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=clientAuth,emailProtection", true},
      {"seal5", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=anyExtendedKeyUsage", true},
      {"seal6", "keyUsage=critical,keyAgreement", false},
      {"seal7", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=serverAuth,clientAuth", false},
      {"seal8", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=timeStamping", false},
      {"seal9", "keyUsage=critical,digitalSignature\\nextendedKeyUsage=codeSigning", false},
  };
  for (const auto& [name, extensions, good] : rows) {
    pki.issue(name, ec, "", extensions);
    EXPECT_EQ(verdict(*ca(), name, "", Purpose::attest), good ? Findings{} : Findings{Finding::wrong_purpose}) << name;
  }
  EXPECT_EQ(verdict(*ca(), "seal3", "", Purpose::sign), Findings{Finding::wrong_purpose}) << "for mail it is none";
  EXPECT_TRUE(verdict(*trust({}), "seal1", "", Purpose::attest).contains(Finding::no_chain));
  // a leaf issues nothing here either
  pki.issue("below_seal", ec, "", "keyUsage=critical,digitalSignature", "seal2");
  EXPECT_TRUE(certs::forbids_use(certs::verify_path(*ca(), {pki.der("below_seal"), {pki.der("seal2")}, now(), Purpose::attest, std::nullopt}).findings));
}

TEST_F(VerifyPath, WeakAndUnsupported) {
  auto& pki = Pki::get();
  pki.issue("rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "email:w@example.org");
  EXPECT_TRUE(verdict(*ca(), "rsa1024", "").contains(Finding::weak_key));
  pki.issue("sha1", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:w@example.org", Pki::k_mail, "ca", "", "-days 3650 -sha1");
  EXPECT_TRUE(verdict(*ca(), "sha1", "").contains(Finding::weak_algorithm));
  pki.issue("pssleaf", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:3072", "email:p@example.org");
  EXPECT_TRUE(verdict(*ca(), "pssleaf", "").contains(Finding::unsupported_key)) << "it cannot be encrypted to";
  EXPECT_EQ(verdict(*ca(), "pssleaf", "", Purpose::sign), Findings{});
  pki.issue("ed", "-algorithm ED25519", "email:ed@example.org");
  EXPECT_TRUE(verdict(*ca(), "ed", "", Purpose::sign).contains(Finding::unsupported_key));
}

TEST_F(VerifyPath, AlteredCertificate) {
  certs::PathQuestion question{Pki::get().der("bob"), {}, now(), Purpose::encrypt, std::nullopt};
  question.leaf.back() ^= 1;
  EXPECT_TRUE(certs::verify_path(*ca(), question).findings.contains(Finding::bad_signature));
  question.leaf = Pki::get().der("bob") + "x";
  EXPECT_EQ(certs::verify_path(*ca(), question).findings, Findings{Finding::malformed});
  question.leaf = "";
  EXPECT_EQ(certs::verify_path(*ca(), question).findings, Findings{Finding::malformed});
}

TEST_F(VerifyPath, Revocation) {
  auto& pki = Pki::get();
  spill(pki.file("ca.cnf"), "[ca]\ndefault_ca=d\n[d]\ndatabase=" + pki.file("index") + "\ncrlnumber=" + pki.file("crlnumber") +
                                "\ndefault_md=sha256\ndefault_crl_days=30\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n");
  spill(pki.file("index"), "");
  spill(pki.file("crlnumber"), "01\n");
  pki.issue("gone", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "email:gone@example.org");
  const std::string ca_options = " -config " + pki.file("ca.cnf") + " -cert " + pki.file("ca") + ".pem -keyfile " + pki.file("ca") + ".key ";
  must_run("openssl ca" + ca_options + "-revoke " + pki.file("gone") + ".pem");
  must_run("openssl ca" + ca_options + "-gencrl -out " + pki.file("crl.pem") + " && openssl crl -in " + pki.file("crl.pem") + " -outform DER -out " + pki.file("crl.der"));
  const auto with_crl = trust({pki.der("ca")}, {}, {slurp(pki.file("crl.der"))});
  EXPECT_TRUE(verdict(*with_crl, "gone", "").contains(Finding::revoked));
  EXPECT_EQ(verdict(*with_crl, "bob", ""), Findings{});
  // the lists go along under other anchors, and are found again for a chain
  const auto other = certs::with_anchors(*with_crl, {pki.der("ca")});
  ASSERT_TRUE(other);
  EXPECT_TRUE(verdict(**other, "gone", "").contains(Finding::revoked));
  EXPECT_EQ(certs::crls_about(**other, {pki.der("bob"), pki.der("ca")}), std::vector{slurp(pki.file("crl.der"))});
  EXPECT_TRUE(certs::crls_about(**other, {}).empty());
  EXPECT_TRUE(certs::crls_about(*trust({pki.der("ca")}), {pki.der("bob")}).empty());
  EXPECT_FALSE(certs::with_anchors(*with_crl, {"no certificate"}));
  EXPECT_EQ(verdict(*with_crl, "bob", "", Purpose::encrypt, now(), certs::Revocation::hard), Findings{});
  EXPECT_FALSE(verdict(*ca(), "gone", "").contains(Finding::revoked)) << "no CRL is known";
  EXPECT_EQ(verdict(*ca(), "bob", "", Purpose::encrypt, now(), certs::Revocation::hard), Findings{Finding::revocation_unknown});
  EXPECT_TRUE(verdict(*with_crl, "bob", "", Purpose::encrypt, now() + std::chrono::days(60), certs::Revocation::hard).contains(Finding::revocation_unknown));
}

// gateway-failings 4: a certificate for " victim@example.org" is not one for victim@example.org
TEST_F(VerifyPath, OnlyCanonicalNamesCount) {
  EXPECT_EQ(certs::canonical_address("Victim@Example.ORG"), "victim@example.org");
  for (const std::string text : {" victim@example.org", "victim@example.org ", "victim @example.org", "victim@example.org\n", "\"victim\"@example.org", "(x)victim@example.org",
                                 "<victim@example.org>", "victim@example.org,eve@example.org", "victim", "@example.org", ""})
    EXPECT_FALSE(certs::canonical_address(text)) << text;
  EXPECT_FALSE(certs::canonical_address(std::string_view("victim@example.org\0.evil.example", 32)));
  const std::string ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
  Pki::get().issue("blank", ec, "", Pki::k_mail, "ca", "/emailAddress= victim@example.org");
  EXPECT_EQ(verdict(*ca(), "blank", "victim@example.org", Purpose::sign), Findings{Finding::no_email_in_key});
  Pki::get().issue("utf8", ec, "@alt\\n[alt]\\notherName.1=1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:m\xc3\xbcller@example.org");
  EXPECT_EQ(verdict(*ca(), "utf8", "m\xc3\xbcller@example.org", Purpose::sign), Findings{});
  // the subject's address counts only where there is no alternative name
  Pki::get().issue("subject", ec, "", Pki::k_mail, "ca", "/emailAddress=old@example.org");
  EXPECT_EQ(verdict(*ca(), "subject", "old@example.org", Purpose::sign), Findings{});
  Pki::get().issue("both", ec, "email:new@example.org", Pki::k_mail, "ca", "/emailAddress=old@example.org");
  EXPECT_EQ(verdict(*ca(), "both", "old@example.org", Purpose::sign), Findings{Finding::address_mismatch});
}

}  // namespace
