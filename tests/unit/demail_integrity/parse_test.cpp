// The integrity field as text: RFC 6376 section 3.2 with what section 3.1.21 makes of it.
#include <gtest/gtest.h>

#include "base/core/bytes.hpp"
#include "demail/integrity/integrity.hpp"

namespace demail {
namespace {

const std::string k_bh256 = base::to_base64(std::string(32, 'x')), k_bh384 = base::to_base64(std::string(48, 'x')),
                  k_bh512 = base::to_base64(std::string(64, 'x'));

TEST(Section3_1_21, Algorithms) {
  const std::tuple<const char*, std::string, Hash, Scheme> rows[] = {
      {"sha256", k_bh256, Hash::sha256, Scheme::none},
      {"sha384", k_bh384, Hash::sha384, Scheme::none},
      {"sha512", k_bh512, Hash::sha512, Scheme::none},
      {"sha256/rsa", k_bh256, Hash::sha256, Scheme::rsa},
      {"sha384/rsa", k_bh384, Hash::sha384, Scheme::rsa},
      {"sha512/rsa", k_bh512, Hash::sha512, Scheme::rsa},
      {"sha256/ec-dsa", k_bh256, Hash::sha256, Scheme::ec_dsa},
      {"sha384/ec-dsa", k_bh384, Hash::sha384, Scheme::ec_dsa},
      {"sha512/ec-dsa", k_bh512, Hash::sha512, Scheme::ec_dsa},
      {"sha256/rsassa-pss", k_bh256, Hash::sha256, Scheme::rsassa_pss},
      {"sha384/rsassa-pss", k_bh384, Hash::sha384, Scheme::rsassa_pss},
      {"sha512/rsassa-pss", k_bh512, Hash::sha512, Scheme::rsassa_pss},
  };
  for (const auto& [a, bh, hash, scheme] : rows) {
    const auto read = parse_integrity("a=" + std::string(a) + "; h=From; bh=" + bh + "; b=AQID");
    ASSERT_TRUE(read) << a;
    EXPECT_EQ(read->hash, hash) << a;
    EXPECT_EQ(read->scheme, scheme) << a;
    EXPECT_EQ(read->value, "\1\2\3");
    const std::string written = std::string(name_of(hash)) + (scheme == Scheme::none ? "" : "/") + name_of(scheme);
    EXPECT_EQ(written, a);
  }
  for (const char* a : {"sha1", "sha1/rsa", "rsa-sha256", "sha256/", "sha256/dsa", "sha256/RSA", "SHA256", "sha256/rsa/x", "/rsa",
                        "sha256 /rsa", ""})
    EXPECT_FALSE(parse_integrity("a=" + std::string(a) + "; h=From; bh=" + k_bh256 + "; b=AQID")) << a;
  EXPECT_FALSE(parse_integrity("a=sha512; h=From; bh=" + k_bh256 + "; b=AQID")) << "a digest of another length";
}

TEST(Section3_1_21, OrderOfTheHashedFields) {
  const char* order[] = {"From",
                         "Date",
                         "Message-ID",
                         "Subject",
                         "Reply-To",
                         "X-de-mail-confirmation-of-dispatch",
                         "X-de-mail-confirmation-of-receipt",
                         "X-de-mail-confirmation-of-retrieve",
                         "X-de-mail-authoritative",
                         "X-de-mail-private",
                         "X-de-mail-sender",
                         "X-de-mail-chosen-recipient",
                         "X-de-mail-auth-mechanism",
                         "X-de-mail-auth-level",
                         "X-de-mail-originator-provider",
                         "X-de-mail-message-type",
                         "X-de-mail-version",
                         "X-de-mail-private-id",
                         "X-de-mail-message-id",
                         "X-de-mail-account-holder"};
  ASSERT_EQ(hashed_fields().size(), std::size(order));
  for (std::size_t i = 0; i < std::size(order); ++i) EXPECT_EQ(hashed_fields()[i], base::to_lower(order[i]));
}

TEST(Integrity, TagsThatCount) {
  const std::string tail = "; bh=" + k_bh256 + "; b=AQID";
  const auto folded = parse_integrity(
      "\r\n v = 1 ;\r\n\ta=sha256;c=simple/simple; q=dns/txt; l=4; d=x; s=y; t=1; x_1=z;\r\n\th=From :\r\n\t Date: "
      "Subject\r\n\t;" +
      tail.substr(1) + "\r\n ;\r\n");
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->header_names, (std::vector<std::string>{"from", "date", "subject"}));
  EXPECT_EQ(
      parse_integrity("a=sha256; h=From; bh=" + k_bh256.substr(0, 9) + "\r\n\t" + k_bh256.substr(9) + "; b=A\r\n Q I\tD")->value,
      "\1\2\3");
  const std::pair<const char*, bool> rows[] = {
      {"a=sha256; h=From", true},
      {"v=1; a=sha256; h=From", true},
      {"v=2; a=sha256; h=From", false},
      {"a=sha256; c=simple; h=From", true},
      {"a=sha256; c=relaxed/simple; h=From", false},
      {"a=sha256; c=simple/relaxed; h=From", false},
      {"a=sha256; c=relaxed; h=From", false},
      {"a=sha256/rsa; q=x-header/x-de-mail-signature-certificate; h=From", true},
      {"a=sha256/rsa; q=dns/txt:x-header/x-de-mail-signature-certificate; h=From", true},
      {"a=sha256/rsa; q=dns/txt; h=From", false},
      {"a=sha256; a=sha512; h=From", false},
      {"a=sha256; h=From; b=AQID", false},
      {"a=sha256; h=", false},
      {"a=sha256; h=From::Date", false},
      {"a=sha256; h=From Date", false},
      {"h=From", false},
      {"a=sha256", false},
      {"a=sha256; h=From; 1x=y", false},
      {"a=sha256; h=From; x", false},
      {"a=sha256;; h=From", false},
  };
  for (const auto& [head, good] : rows) EXPECT_EQ(parse_integrity(head + tail).has_value(), good) << head;
  EXPECT_FALSE(parse_integrity("a=sha256; h=From; b=AQID"));
  EXPECT_FALSE(parse_integrity("a=sha256; h=From; bh=" + k_bh256));
  EXPECT_FALSE(parse_integrity("a=sha256; h=From; bh=" + k_bh256 + "; b="));
  EXPECT_FALSE(parse_integrity("a=sha256; h=From; bh=" + k_bh256 + "; b=A?ID"));
  EXPECT_FALSE(parse_integrity(""));
  std::string many = "a=sha256; h=f";
  for (std::size_t i = 1; i < k_max_hashed_fields; ++i) many += ":f";
  EXPECT_TRUE(parse_integrity(many + tail));
  EXPECT_FALSE(parse_integrity(many + ":f" + tail));
}

TEST(Integrity, HeaderInput) {
  const std::vector<std::string_view> fields = {"B: 2\r\n", "a : 1 \r\n  x\r\n", "A: later\r\n", "C: end"};
  const std::string field = "X: v=1; b=AB\r\n CD ;\r\n\tbh=Zg==; xb=2\r\n";
  EXPECT_EQ(header_input(fields, {"b", "c", "none"}, field), "B: 2\r\nC: end\r\nX: v=1; b=;\r\n\tbh=Zg==; xb=2");
  EXPECT_EQ(header_input(fields, {"a"}, "X: b = AB\r\n\tCD\r\n"), "A: later\r\nX: b =")
      << "a blank before the colon is no part of a name";
  EXPECT_EQ(header_input(fields, {"b", "B"}, "X:b=1;c=2"), "B: 2\r\nX:b=;c=2") << "of two the first, and the other is ignored";
}

}  // namespace
}  // namespace demail
