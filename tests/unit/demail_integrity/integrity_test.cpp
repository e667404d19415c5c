// Hashes and signatures of De-Mails, each compared with what integrity.py and the openssl program say of the same bytes.
#include <random>

#include "base/core/digest.hpp"
#include "base/core/errors.hpp"
#include "tests/unit/demail.hpp"

namespace demail {
namespace {

using namespace tests;
using enum IntegrityFinding;
using Findings = std::set<IntegrityFinding>;

IntegrityVerdict verdict(const std::string& message, const certs::TrustStore* anchors = &Providers::anchors(),
                         base::Timestamp at = Providers::now()) {
  const SplitMessage parts = split(message);
  auto out = verify_integrity(parts.header, *parts.body, anchors, at);
  EXPECT_TRUE(out);
  return *out;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string without_lines(std::string text, const std::string& name) {
  const auto at = text.find("\n" + name + ":") + 1;
  auto end = text.find("\r\n", at) + 2;
  while (text[end] == ' ' || text[end] == '\t') end = text.find("\r\n", end) + 2;
  return text.erase(at, end - at);
}

// RFC 6376 section 3.4.3, and bodies put together at random: as one piece, and cut anywhere.
class Pieces : public base::Content {
 public:
  Pieces(std::string bytes, std::size_t piece) : m_bytes(std::move(bytes)), m_piece(piece) {}
  base::ByteCount size() const override { return {m_bytes.size()}; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override {
    return std::unique_ptr<base::ByteSource>(new Source(*this));
  }

 private:
  struct Source : base::ByteSource {
    explicit Source(const Pieces& all) : pieces(all) {}
    base::Result<std::size_t> read(std::span<char> into) override {
      const std::size_t n = std::min({pieces.m_piece, into.size(), pieces.m_bytes.size() - at});
      std::copy_n(pieces.m_bytes.begin() + static_cast<std::ptrdiff_t>(at), n, into.begin());
      at += n;
      return n;
    }
    const Pieces& pieces;
    std::size_t at = 0;
  };
  std::string m_bytes;
  std::size_t m_piece;
};

TEST(HashBody, Simple) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "\r\n"},
      {"\r\n", "\r\n"},
      {"\r\n\r\n\r\n", "\r\n"},
      {"a", "a\r\n"},
      {"a\r\n", "a\r\n"},
      {"a\r\n\r\n\r\n", "a\r\n"},
      {"\r\n\r\na\r\n", "\r\n\r\na\r\n"},
      {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"},  // the example of section 3.4.5
      {"a\r\n \r\n", "a\r\n \r\n"},
      {"a\r", "a\r\r\n"},
      {"a\r\n\r", "a\r\n\r\r\n"},
      {"a\r\r\n", "a\r\r\n"},
      {"a\n\n", "a\n\n\r\n"},
      {"a\r\n\n\r\n", "a\r\n\n\r\n"},
      {"a\n\r\n\r\n", "a\n\r\n"},
  };
  for (const auto& [body, canonical] : rows)
    for (std::size_t piece = 1; piece < 5; ++piece)
      EXPECT_EQ(*hash_body(Pieces(body, piece), Hash::sha256), base::hash(base::HashAlgorithm::sha256, canonical))
          << body << " in " << piece;
  EXPECT_EQ(hash_body(*base::make_content("a"), Hash::sha384)->size(), 48u);
  EXPECT_EQ(hash_body(*base::make_content("a"), Hash::sha512)->size(), 64u);
}

TEST(HashBody, AsTheScriptHashesIt) {
  std::mt19937 random(1);
  const std::vector<std::string> pieces = {"a", "\r\n", "\r\n", "\r\n\r\n", " ", "\r", "\n", "x.y\r\n"};
  for (int round = 0; round < 12; ++round) {
    std::string body;
    for (int i = 0; i < 40; ++i) body += pieces[random() % pieces.size()];
    const std::string message = script("make sha256", k_demail_header + "\r\n" + body);
    const auto header = split(message).header;
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100000}})
      EXPECT_TRUE(verify_integrity(header, Pieces(body, piece), nullptr, {})->is_whole()) << base::to_hex(body);
  }
}

TEST(Hashed, MadeByTheScript) {
  for (const char* algorithm : {"sha256", "sha384", "sha512"}) {
    const auto good = verdict(script(std::string("make ") + algorithm, k_demail));
    EXPECT_EQ(good.findings, Findings{not_signed}) << algorithm;
    EXPECT_TRUE(good.is_whole());
    EXPECT_FALSE(good.is_signed);
    EXPECT_FALSE(good.is_proven());
  }
}

TEST(Hashed, MadeByUs) {
  for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512})
    for (const bool with_id : {true, false}) {
      const std::string message = with_id ? k_demail : without_lines(k_demail, "x-de-mail-private-id");
      const SplitMessage parts = split(message);
      const std::string field = make_hash_field(parts.header, hash, *hash_body(*parts.body, hash));
      EXPECT_EQ(checked(field + message), "whole") << field;
      EXPECT_EQ(verdict(field + message).findings, Findings{not_signed});
      EXPECT_EQ(field.find("private-id") != std::string::npos, with_id);
      std::size_t from = 0;
      for (std::size_t end; (end = field.find("\r\n", from)) != std::string::npos; from = end + 2) EXPECT_LE(end - from, 78u);
    }
}

struct Signer {
  const char *name, *scheme;
};
const Signer k_signers[] = {
    {"rsa", "rsa"}, {"rsa", "rsassa-pss"}, {"pss", "rsassa-pss"}, {"ec", "ec-dsa"}, {"brainpool", "ec-dsa"}};

std::string make_signed(const Signer& signer, const std::string& hash, const std::string& message) {
  const std::string f = Providers::pki().file(signer.name);
  return script("make " + hash + "/" + signer.scheme + " " + f + ".key " + f + ".pem", message);
}

TEST(Signed, ByOpensslWithEachAlgorithm) {
  std::vector<std::string> made;
  for (const Signer& signer : k_signers)
    for (const char* hash : {"sha256", "sha384", "sha512"}) {
      const std::string message = make_signed(signer, hash, k_demail);
      const auto good = verdict(message);
      EXPECT_EQ(good.findings, Findings{revocation_unknown}) << signer.name << " " << hash;
      EXPECT_TRUE(good.is_proven());
      EXPECT_EQ(good.chain, (std::vector<std::string>{Providers::pki().der(signer.name), Providers::pki().der("ca")}));
      made.push_back(message);
      // the same bytes under another name of the algorithm
      const std::string other = std::string(signer.scheme) == "rsa" ? "rsassa-pss" : "rsa";
      EXPECT_TRUE(verdict(replaced(message, std::string("/") + signer.scheme, "/" + other)).findings.contains(bad_signature));
    }
  EXPECT_EQ(checked(made), std::vector<std::string>(made.size(), "whole"));
}

TEST(Signed, ByUsAndVerifiedByOpenssl) {
  for (const Signer& signer : k_signers) {
    const std::string f = Providers::pki().file(signer.name);
    const std::string certificate =
        "x-de-mail-signature-certificate: " + base::to_base64(Providers::pki().der(signer.name)) + "\r\n";
    const SplitMessage parts = split(k_demail);
    const Scheme scheme = std::string(signer.scheme) == "rsa"      ? Scheme::rsa
                          : std::string(signer.scheme) == "ec-dsa" ? Scheme::ec_dsa
                                                                   : Scheme::rsassa_pss;
    const Unsigned field = prepare_signed_field(parts.header, Hash::sha384, scheme, *hash_body(*parts.body, Hash::sha384));
    spill(f + ".input", field.input);
    must_run("openssl dgst -sha384 -sign " + f + ".key " +
             (scheme == Scheme::rsassa_pss ? "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 " : "") + "-out " + f +
             ".sig " + f + ".input");
    std::string b = base::to_base64(slurp(f + ".sig"));
    b.insert(b.size() / 2, "\r\n\t");
    const std::string message = field.field + b + "\r\n" + certificate + k_demail;
    EXPECT_EQ(checked(message), "whole") << signer.name;
    EXPECT_EQ(script("input", message), field.input) << signer.name;
    EXPECT_EQ(verdict(message).findings, Findings{revocation_unknown}) << signer.name;
  }
}

// Each hashed field once altered, once removed, once put in front of: ours and the script's verdict are one.
TEST(Tampered, EachCoveredField) {
  const std::string hashed = script("make sha256", k_demail), signed_one = make_signed(k_signers[3], "sha256", k_demail);
  std::vector<std::string> broken, kept;
  for (const std::string& name : hashed_fields())
    for (const std::string& message : {hashed, signed_one}) {
      const bool is_signed = message == signed_one;
      const SplitMessage parts = split(message);
      const std::string raw(parts.header.find(name)->raw);
      const std::string altered_field = raw.substr(0, raw.size() - 3) + (raw[raw.size() - 3] == 'x' ? "y\r\n" : "x\r\n");
      const std::string altered = replaced(message, raw, altered_field), removed = replaced(message, raw, ""),
                        in_front = altered_field + message;
      for (const std::string& bad : {altered, removed, in_front}) {
        EXPECT_TRUE(verdict(bad).findings.contains(is_signed ? bad_signature : header_mismatch)) << name;
        EXPECT_FALSE(verdict(bad).is_whole()) << name;
        EXPECT_FALSE(verdict(bad).is_proven()) << name;
      }
      broken.insert(broken.end(), {altered, in_front});
      // further down it is ignored, and read by nobody
      const std::string below = replaced(message, raw, raw + altered_field);
      EXPECT_TRUE(verdict(below).is_whole()) << name;
      kept.push_back(below);
    }
  EXPECT_EQ(checked(broken), std::vector<std::string>(broken.size(), "header"));
  EXPECT_EQ(checked(kept), std::vector<std::string>(kept.size(), "whole"));
}

TEST(Tampered, WhatIsNotCovered) {
  const std::string message = make_signed(k_signers[0], "sha256", k_demail);
  EXPECT_TRUE(verdict(replaced(message, "To: anna", "To: bernd")).is_proven()) << "To, Cc and MIME fields are not covered";
  EXPECT_TRUE(verdict(replaced(message, "actual-recipient: to=anna", "actual-recipient: to=neu")).is_proven())
      << "rewritten when forwarded";
}

TEST(Tampered, Body) {
  for (const std::string& message : {script("make sha256", k_demail), make_signed(k_signers[3], "sha512", k_demail)}) {
    const std::string altered = replaced(message, "anbei der", "anbei kein");
    EXPECT_TRUE(verdict(altered).findings.contains(body_mismatch));
    EXPECT_FALSE(verdict(altered).is_whole());
    EXPECT_EQ(checked(altered), "body");
    // l= would let a tail pass (RFC 6376 section 3.5): it is ignored
    const std::string lengthened = replaced(message, "; c=simple/simple", "; l=10; c=simple/simple") + "mehr\r\n";
    EXPECT_TRUE(verdict(lengthened).findings.contains(body_mismatch));
    EXPECT_TRUE(verdict(message + "\r\n\r\n").is_whole()) << "empty lines at the end do not count";
  }
}

TEST(Tampered, FieldsLeftOutOfH) {
  // hashed or signed over less: the script covers what it is told to, here by hiding a field from it
  for (const char* name : {"x-de-mail-authoritative", "x-de-mail-private-id", "Subject", "x-de-mail-account-holder"}) {
    const SplitMessage all = split(k_demail);
    const std::string raw(all.header.find(name)->raw);
    std::string message = script("make sha256", replaced(k_demail, raw, ""));
    EXPECT_EQ(verdict(message).findings, Findings{not_signed}) << "named and missing is hashed as nothing";
    const std::string line = base::to_lower(message.substr(0, message.find("bh=")));
    const auto at = line.find(base::to_lower(name) + " :");
    if (at != std::string::npos) {
      // the name goes from h= and the hash is made new: only the rule on coverage can tell
      message.replace(at, std::string(name).size(), "X-other");
      const SplitMessage parts = split(message);
      const std::string input = script("input", message);
      const auto b = message.find(" b=") + 3;
      message.replace(b, message.find("\r\n", b) - b, base::to_base64(base::hash(base::HashAlgorithm::sha256, input)));
      EXPECT_EQ(verdict(message).findings, Findings{not_signed});
    }
    // then the field is added: uncovered, it makes the message unwhole
    const std::string added = message.insert(message.find("From: "), raw);
    const auto out = verdict(added);
    EXPECT_TRUE(out.findings.contains(field_not_covered) || out.findings.contains(header_mismatch)) << name;
    EXPECT_EQ(out.findings.contains(field_not_covered), at != std::string::npos || std::string(name) == "x-de-mail-private-id")
        << name;
    EXPECT_FALSE(out.is_whole()) << name;
  }
}

TEST(Verdicts, WithoutField) {
  EXPECT_EQ(verdict(k_demail).findings, Findings{absent});
  EXPECT_EQ(verdict("x-de-mail-integrity: v=1\r\n" + k_demail).findings, Findings{malformed});
  EXPECT_EQ(verdict(replaced(script("make sha256", k_demail), "a=sha256", "a=sha1")).findings, Findings{unknown_algorithm});
  EXPECT_EQ(verdict(replaced(script("make sha256", k_demail), "simple/simple", "relaxed/simple")).findings,
            Findings{unknown_algorithm});
  EXPECT_FALSE(verdict(k_demail).is_whole());
  // of two the first
  EXPECT_EQ(verdict("x-de-mail-integrity: v=1\r\n" + script("make sha256", k_demail)).findings, Findings{malformed});
}

TEST(Verdicts, Certificates) {
  const Signer& ec = k_signers[3];
  const std::string good = make_signed(ec, "sha256", k_demail);
  EXPECT_EQ(verdict(good, nullptr).findings, Findings{untrusted_certificate}) << "whole, and nobody is believed";
  EXPECT_TRUE(verdict(good, nullptr).is_whole());
  EXPECT_FALSE(verdict(good, nullptr).is_proven());
  Pki::get().make_ca("stranger");
  const auto other = *certs::make_trust_store({{Pki::get().der("stranger")}, {}, {}});
  EXPECT_TRUE(verdict(good, other.get()).findings.contains(untrusted_certificate));
  EXPECT_TRUE(verdict(good, other.get()).certificate_findings.contains(certs::Finding::no_chain));
  EXPECT_TRUE(verdict(good, &Providers::anchors(), Providers::now() + std::chrono::days(4000))
                  .certificate_findings.contains(certs::Finding::expired));
  EXPECT_FALSE(verdict(good, &Providers::anchors(), Providers::now() + std::chrono::days(4000)).is_proven());
  // a certificate for a web server proves nothing
  const auto web = verdict(make_signed({"web", "ec-dsa"}, "sha256", k_demail));
  EXPECT_TRUE(web.is_whole());
  EXPECT_TRUE(web.findings.contains(untrusted_certificate));
  EXPECT_TRUE(web.certificate_findings.contains(certs::Finding::wrong_purpose));
  // no certificate, none that can be read, another one
  const std::string bare = without_lines("X: y\r\n" + good, "X-de-mail-signature-certificate");
  EXPECT_TRUE(verdict(bare).findings.contains(no_certificate));
  EXPECT_FALSE(verdict(bare).is_whole());
  for (const std::string& bad : {std::string("?"), std::string("MAA="), base::to_base64(Providers::pki().der("ec") + "x")})
    EXPECT_EQ(verdict("x-de-mail-signature-certificate: " + bad + "\r\n" + good).findings, Findings{bad_certificate}) << bad;
  const std::string anothers = "x-de-mail-signature-certificate: " + base::to_base64(Providers::pki().der("rsa")) + "\r\n" + good;
  EXPECT_TRUE(verdict(anothers).findings.contains(bad_signature));
  EXPECT_FALSE(verdict(anothers).is_signed);
}

TEST(Verdicts, Revocation) {
  Pki& pki = Providers::pki();
  spill(pki.file("r.cnf"), "[ca]\ndefault_ca=d\n[d]\ndatabase=" + pki.file("r.index") + "\ncrlnumber=" + pki.file("r.number") +
                               "\ndefault_md=sha256\ndefault_crl_days=30\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n");
  spill(pki.file("r.index"), "");
  spill(pki.file("r.number"), "01\n");
  const std::string ca =
      "openssl ca -config " + pki.file("r.cnf") + " -cert " + pki.file("ca.pem") + " -keyfile " + pki.file("ca.key") + " ";
  must_run(ca + "-revoke " + pki.file("brainpool.pem") + " && " + ca + "-gencrl -out " + pki.file("r.pem") +
           " && openssl crl -in " + pki.file("r.pem") + " -outform DER -out " + pki.file("r.crl"));
  const auto store = *certs::make_trust_store({{pki.der("ca")}, {}, {slurp(pki.file("r.crl"))}});
  EXPECT_EQ(verdict(make_signed(k_signers[3], "sha256", k_demail), store.get()).findings, Findings{});
  const auto revoked = verdict(make_signed(k_signers[4], "sha256", k_demail), store.get());
  EXPECT_EQ(revoked.findings, Findings{untrusted_certificate});
  EXPECT_TRUE(revoked.certificate_findings.contains(certs::Finding::revoked));
}

class Broken : public base::Content {
  base::ByteCount size() const override { return {1}; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override { return base::fail(base::k_io); }
};
TEST(Verdicts, ABodyThatCannotBeReadIsUnknown) {
  const auto out = verify_integrity(split(script("make sha256", k_demail)).header, Broken(), nullptr, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, base::k_io);
}

}  // namespace
}  // namespace demail
