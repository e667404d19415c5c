// Judged by openssl, which did not make them.
#include "certs/model/self_signed.hpp"

#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/core/file.hpp"
#include "certs/model/certificate.hpp"

namespace certs {
namespace {

constexpr std::chrono::days k_year{365};

class SelfSignedTest : public ::testing::Test {
 protected:
  SelfSignedTest() {
    std::string pattern = (base::fs::temp_directory_path() / "amtsbote-cert-XXXXXX").string();
    m_dir = ::mkdtemp(pattern.data());
  }
  ~SelfSignedTest() override { base::fs::remove_all(m_dir); }

  std::string openssl(const std::string& arguments) {
    const std::string command = "cd '" + m_dir.string() + "' && openssl " + arguments + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string out;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, got);
    m_code = ::pclose(pipe);
    return out;
  }
  void store(const SelfSigned& made) {
    ASSERT_TRUE(base::write_file_durably(m_dir / "c.pem", made.certificate));
    ASSERT_TRUE(base::write_file_durably(m_dir / "k.pem", made.key.view(), 0400));
  }

  base::fs::path m_dir;
  int m_code = 0;
};

TEST_F(SelfSignedTest, AServerIsVerifiedByItsNames) {
  const auto now = base::system_clock().now();
  const auto made = make_server_certificate({"gw.stadt.example", "127.0.0.1", "::1"}, now, k_year);
  ASSERT_TRUE(made) << made.error().describe();
  store(*made);
  EXPECT_NE(openssl("verify -CAfile c.pem -purpose sslserver -verify_hostname gw.stadt.example c.pem").find("OK"), std::string::npos);
  EXPECT_NE(openssl("verify -CAfile c.pem -verify_ip 127.0.0.1 c.pem").find("OK"), std::string::npos);
  EXPECT_NE(openssl("verify -CAfile c.pem -verify_ip ::1 c.pem").find("OK"), std::string::npos);
  openssl("verify -CAfile c.pem -verify_hostname other.example c.pem");
  EXPECT_NE(m_code, 0);
  openssl("verify -CAfile c.pem -purpose smimesign c.pem");
  EXPECT_NE(m_code, 0) << "a server's certificate signs no mail";
  EXPECT_EQ(openssl("pkey -in k.pem -pubout"), openssl("x509 -in c.pem -noout -pubkey"));
}

TEST_F(SelfSignedTest, AMailIdentitySignsAndIsEncryptedTo) {
  const auto now = base::system_clock().now();
  const auto made = make_mail_certificate("Gesundheitsamt Österreichische Straße", "amt53@stadt.example", now, k_year);
  ASSERT_TRUE(made) << made.error().describe();
  store(*made);
  EXPECT_NE(openssl("verify -CAfile c.pem -purpose smimesign -verify_email amt53@stadt.example c.pem").find("OK"), std::string::npos);
  EXPECT_NE(openssl("verify -CAfile c.pem -purpose smimeencrypt c.pem").find("OK"), std::string::npos);
  ASSERT_TRUE(base::write_file_durably(m_dir / "plain", "Befund\n"));
  openssl("cms -sign -binary -in plain -signer c.pem -inkey k.pem -outform DER -nodetach -out signed");
  EXPECT_EQ(openssl("cms -verify -inform DER -in signed -CAfile c.pem -out verified"), "CMS Verification successful\n");
  openssl("cms -encrypt -binary -aes256 -in plain -outform DER -out sealed c.pem");
  EXPECT_EQ(openssl("cms -decrypt -inform DER -in sealed -recip c.pem -inkey k.pem"), "Befund\n");
}

TEST_F(SelfSignedTest, NoAuthorityAndTheDatesAsked) {
  const auto from = base::parse_utc("2026-03-01T08:15:30.123Z");
  const auto made = make_mail_certificate("a", "a@stadt.example", *from, k_year);
  ASSERT_TRUE(made);
  store(*made);
  openssl("x509 -in c.pem -outform DER -out c.der");
  const auto der = base::read_file(m_dir / "c.der", base::kib(64));
  const auto info = describe_certificate(*der);
  ASSERT_TRUE(info);
  EXPECT_FALSE(is_authority(*der));
  EXPECT_EQ(base::format_utc(info->not_before), "2026-03-01T08:15:30.000Z");
  EXPECT_EQ(base::format_utc(info->not_after), "2027-03-01T08:15:30.000Z");
  EXPECT_EQ(info->addresses, std::vector<std::string>{"a@stadt.example"});
}

TEST_F(SelfSignedTest, TwoAreNeverAlike) {
  const auto now = base::system_clock().now();
  const auto a = make_server_certificate({"gw.stadt.example"}, now, k_year), b = make_server_certificate({"gw.stadt.example"}, now, k_year);
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->certificate, b->certificate);
  EXPECT_FALSE(base::equal_secrets(a->key.view(), b->key.view()));
  EXPECT_FALSE(make_server_certificate({}, now, k_year));
}

}  // namespace
}  // namespace certs
