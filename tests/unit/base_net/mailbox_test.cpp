#include <gtest/gtest.h>

#include "base/core/errors.hpp"
#include "base/net/mailbox.hpp"

namespace base::net {
namespace {

TEST(MailboxLines, OfFetch) {
  const auto entry = parse_fetch_line("* 4 FETCH (UID 17 RFC822.SIZE 2048)");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->number, 17u);
  EXPECT_EQ(entry->size, 2048u);
  const auto turned = parse_fetch_line("* 4 fetch (rfc822.size 5000000000 flags (\\Seen) uid 4294967295)");
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->number, 4294967295u);
  EXPECT_EQ(turned->size, 5000000000u);
  EXPECT_FALSE(parse_fetch_line("* 4 FETCH (UID 17)")->size);
  for (const char* none : {"", "* 4 EXISTS", "* 4 FETCH (FLAGS (\\Seen))", "* 4 FETCH (UID 0)", "* 4 FETCH (UID 4294967296)",
                           "* 4 FETCH (UID x)", "* 4 FETCH (GUID 7)", "a1 OK UID 7", "* OK [UIDNEXT 4] FETCH (UID "})
    EXPECT_FALSE(parse_fetch_line(none)) << none;
}

TEST(MailboxLines, OfUidvalidity) {
  EXPECT_EQ(parse_uidvalidity_line("* OK [UIDVALIDITY 3857529045] UIDs valid"), 3857529045u);
  for (const char* none : {"* OK [UIDVALIDITY 0] x", "* NO [UIDVALIDITY 7]", "* OK UIDNEXT 7", "* OK [UIDVALIDITY -1]",
                           "* OK [UIDVALIDITY 4294967296]"})
    EXPECT_FALSE(parse_uidvalidity_line(none)) << none;
}

TEST(MailboxLines, OfPop3) {
  EXPECT_EQ(parse_pop3_line("2 QhdPYR:00WBw1Ph7x7"), (std::pair<std::uint32_t, std::string>(2, "QhdPYR:00WBw1Ph7x7")));
  EXPECT_EQ(parse_pop3_line("2 200 more"), (std::pair<std::uint32_t, std::string>(2, "200")));
  for (const char* none : {"", "2", "x 1", "0 1", "2 ", "4294967296 1", "2 \x80"}) EXPECT_FALSE(parse_pop3_line(none)) << none;
}

TEST(Mailbox, WhatNoCommandCanHold) {
  MailboxOptions good;
  good.host = "imap.example";
  good.addresses = {"127.0.0.1"};
  good.port = 993;
  good.user = "stadt";
  good.password = std::make_shared<const SecretBytes>(SecretBytes::copy_of("geheim"));
  EXPECT_TRUE(Mailbox::make(good));
  MailboxOptions bad = good;
  bad.user = "stadt\r\na LOGOUT";
  EXPECT_EQ(Mailbox::make(bad).error().code, k_malformed);
  bad = good;
  bad.password = std::make_shared<const SecretBytes>(SecretBytes::copy_of("geheim\n"));
  EXPECT_EQ(Mailbox::make(bad).error().code, k_malformed);
  bad = good;
  bad.mailbox = "IN\"BOX";
  EXPECT_EQ(Mailbox::make(bad).error().code, k_malformed);
  bad = good;
  bad.addresses.clear();
  EXPECT_EQ(Mailbox::make(bad).error().code, k_no_such_domain);
}

// Nobody listens there: an error in time, no wait.
TEST(Mailbox, NobodyThere) {
  MailboxOptions options;
  options.host = "imap.example";
  options.addresses = {"127.0.0.1"};
  options.port = 1;
  options.user = "stadt";
  options.password = std::make_shared<const SecretBytes>(SecretBytes::copy_of("geheim"));
  const auto mailbox = Mailbox::make(options);
  ASSERT_TRUE(mailbox);
  EXPECT_EQ((*mailbox)->list(0).error().code, k_connection);
  EXPECT_FALSE((*mailbox)->is_open());
  EXPECT_EQ((*mailbox)->fetch({1, "", {}}, mib(1), [](ByteView) { return true; }).error().code, k_connection);
}

}  // namespace
}  // namespace base::net
