// Seals against input put together by hand from section 3.1.21 and RFC 6376; certificates by the house's path verification.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/core/bytes.hpp"
#include "certs/verify/verify.hpp"
#include "simulator/sign/pdf.hpp"
#include "simulator/sign/pki.hpp"
#include "simulator/sign/seal.hpp"
#include "simulator/sign/xml.hpp"

namespace simulator {
namespace {

class Sign : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/amtsbote-pki-XXXXXX";
    s_directory = ::mkdtemp(name);
    s_now = base::system_clock().now();
    s_pki = *open_pki(s_directory, default_accounts(), s_now);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(s_directory); }
  static std::string der_of(const std::string& file) {
    const std::string pem = *base::read_file(s_pki.file(file), base::kib(64));
    std::string coded;
    for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
      if (pem[at] != '\n') coded += pem[at];
    return *base::parse_base64(coded);
  }

  static inline base::fs::path s_directory;
  static inline base::Timestamp s_now;
  static inline Pki s_pki;
};

// The field's own part of the input: section 3.7 of RFC 6376.
std::string without_b(std::string_view field) {
  const auto b = field.find("b=", field.find("\r\n b=")), end = field.find(';', b);
  return std::string(field.substr(0, b + 2)) + (end == std::string_view::npos ? "" : std::string(field.substr(end)));
}

TEST_F(Sign, SealsByTheOrderOfTheStandard) {
  // twice: the first from the top counts; Reply-To and private-id are not there
  const std::string header =
      "X-De-Mail-Sender: a@x.example\r\nSubject: one\r\nfrom: a@x.example\r\nSubject: two\r\nDate: now,\r\n then\r\nMessage-ID: "
      "<1>\r\nTo: b@x.example\r\n";
  for (const Side side : k_sides) {
    const auto sealed = seal(header, "Text\r\n\r\n\r\n", side, {Hash::sha256, Scheme::none, nullptr});
    ASSERT_TRUE(sealed);
    ASSERT_TRUE(sealed->ends_with(header));
    std::string field = sealed->substr(0, sealed->size() - header.size());
    EXPECT_NE(field.find("bh=" + base::to_base64(digest(Hash::sha256, "Text\r\n"))), std::string::npos) << field;
    field.resize(field.size() - 2);
    const std::string input =
        "from: a@x.example\r\nDate: now,\r\n then\r\nMessage-ID: <1>\r\nSubject: one\r\nX-De-Mail-Sender: a@x.example\r\n" +
        without_b(field);
    std::string b = field.substr(field.find("\r\n b=") + 5);
    b = b.substr(0, b.find(';'));
    std::erase_if(b, [](char c) { return c == '\r' || c == '\n' || c == ' '; });
    EXPECT_EQ(b, base::to_base64(digest(Hash::sha256, input))) << field;
    EXPECT_EQ(field.find("private-id"), std::string::npos);
  }
}

TEST_F(Sign, BodiesAreCanonicalBySimple) {
  std::string room;
  EXPECT_EQ(canonical_body("", room), "\r\n");
  EXPECT_EQ(canonical_body("\r\n", room), "\r\n");
  EXPECT_EQ(canonical_body("\r\n\r\n\r\n", room), "\r\n");
  EXPECT_EQ(canonical_body("a", room), "a\r\n");
  EXPECT_EQ(canonical_body("a\r\n \r\n\r\n", room), "a\r\n \r\n");
}

TEST_F(Sign, CertificatesLeadWhereTheyShould) {
  const auto anchors = *certs::make_trust_store({{der_of("signature-root")}, {}, {}});
  const auto findings_at = [&](const Signer& signer, base::Timestamp at) {
    certs::PathQuestion question;
    question.leaf = signer.certificate_der;
    question.at = at;
    question.purpose = certs::Purpose::sign;
    question.revocation = certs::Revocation::none;
    return certs::verify_path(*anchors, question).findings;
  };
  for (const Side side : k_sides)
    for (const Scheme scheme : {Scheme::rsassa_pss, Scheme::ec_dsa}) {
      const ProviderKeys& keys = s_pki.of(side);
      EXPECT_EQ(findings_at(keys.signer(scheme), s_now), std::set<certs::Finding>{});
      EXPECT_EQ(findings_at(keys.signer(scheme, Trust::expired), s_now), std::set{certs::Finding::expired});
      EXPECT_EQ(findings_at(keys.signer(scheme, Trust::expired), s_now - std::chrono::days(400)), std::set<certs::Finding>{});
      EXPECT_TRUE(certs::forbids_use(findings_at(keys.signer(scheme, Trust::foreign), s_now)));
    }
}

TEST_F(Sign, ASecondStartHasTheSameKeys) {
  const auto again = open_pki(s_directory, default_accounts(), s_now);
  ASSERT_TRUE(again);
  for (const Side side : k_sides) {
    EXPECT_EQ(again->of(side).signer(Scheme::rsa).key_pem, s_pki.of(side).signer(Scheme::rsa).key_pem);
    EXPECT_EQ(again->of(side).tls.certificate_der, s_pki.of(side).tls.certificate_der);
  }
}

TEST_F(Sign, AKeyOfAnotherKindSignsNothing) {
  EXPECT_FALSE(sign_bytes(s_pki.of(Side::a).signer(Scheme::ec_dsa), Hash::sha256, Scheme::rsa, "x"));
  EXPECT_FALSE(sign_bytes(s_pki.of(Side::a).signer(Scheme::rsa), Hash::sha256, Scheme::ec_dsa, "x"));
}

TEST_F(Sign, XmlHoldsWhatCannotStandInIt) {
  EXPECT_EQ(escape_xml("a<b>&\r\n\x01\x80ü"), "a&lt;b&gt;&amp;&#13;\n????");  // as a whole no UTF-8
  EXPECT_EQ(escape_xml("grün\r\n"), "grün&#13;\n");
  EXPECT_FALSE(sign_xml("<not closed", s_pki.of(Side::a).signer(Scheme::rsa), Scheme::rsa, Hash::sha256));
}

TEST_F(Sign, PdfsAreAsLongAsTheySay) {
  std::vector<std::string> lines(130, "Zeile (mit Klammern) \\ und Umlaut ä");
  lines.push_back(std::string(300, 'x'));
  for (const std::string& pdf :
       {make_pdf("Titel", lines), *make_signed_pdf("Titel", lines, s_pki.of(Side::a).signer(Scheme::rsa), s_now)}) {
    // each entry of the table leads to the object with its number
    const auto table = std::stoul(pdf.substr(pdf.rfind("startxref\n") + 10));
    ASSERT_EQ(pdf.substr(table, 5), "xref\n");
    const auto count = std::stoul(pdf.substr(table + 7));
    for (std::size_t n = 1; n < count; ++n) {
      const auto entry = pdf.find('\n', table + 5) + 1 + 20 * n;
      EXPECT_TRUE(pdf.substr(std::stoul(pdf.substr(entry, 10))).starts_with(std::to_string(n) + " 0 obj\n")) << n;
    }
    EXPECT_NE(pdf.find("/Count 3 "), std::string::npos);
    EXPECT_NE(pdf.find("Umlaut \xe4) Tj"), std::string::npos);
  }
}

}  // namespace
}  // namespace simulator
