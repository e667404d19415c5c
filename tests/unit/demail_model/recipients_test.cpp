// Section 3.1.8: the grammar of recipients, and the fields that a user sets.
#include <gtest/gtest.h>

#include "demail/model/fields.hpp"
#include "mail/address/errors.hpp"

namespace demail {
namespace {

std::string shown(std::string_view value) {
  const auto parsed = parse_recipients(value);
  if (!parsed) return "-";
  std::string out;
  const auto add = [&](const char* name, const std::vector<mail::Mailbox>& list) {
    for (const auto& m : list) out += std::string(name) + "[" + m.display_name + "|" + m.address.text() + "]";
  };
  add("to", parsed->to);
  add("cc", parsed->cc);
  add("bcc", parsed->bcc);
  return out;
}

TEST(Section3_1_8, Grammar) {
  const std::pair<const char*, const char*> rows[] = {
      {"to=a@x.example", "to[|a@x.example]"},
      {"to=a@x.example,b@x.example;cc=c@x.example", "to[|a@x.example]to[|b@x.example]cc[|c@x.example]"},
      {"bcc=b@x.example", "bcc[|b@x.example]"},
      {"cc=c@x.example;to=a@x.example", "to[|a@x.example]cc[|c@x.example]"},
      // [FWS] where the grammar has it
      {" to = a@x.example , b@x.example ; cc\t=\tc@x.example ", "to[|a@x.example]to[|b@x.example]cc[|c@x.example]"},
      // footnote 5: lists by ";"; an element begins only before its keyword
      {"to=a@x.example;b@x.example;bcc=c@x.example", "to[|a@x.example]to[|b@x.example]bcc[|c@x.example]"},
      {"to=a@x.example;bcc@x.example", "to[|a@x.example]to[|bcc@x.example]"},
      {"to=cc@x.example;to@x.example", "to[|cc@x.example]to[|to@x.example]"},
      // literals of ABNF have no case
      {"To=a@x.example;CC=c@x.example", "to[|a@x.example]cc[|c@x.example]"},
      // name-addr
      {"to=\"Muster, Anna; geb. Beispiel\" <a@x.example>;cc=B <b@x.example>",
       "to[Muster, Anna; geb. Beispiel|a@x.example]cc[B|b@x.example]"},
      {"to=\"x;cc=y\" <a@x.example>", "to[x;cc=y|a@x.example]"},
      {"to=\"a;b\"@x.example", "to[|\"a;b\"@x.example]"},
      {"to=a@x.example (eins; cc=zwei@x.example)", "to[|a@x.example]"},
      // each element once
      {"to=a@x.example;to=b@x.example", "-"},
      {"to=a@x.example;cc=b@x.example;to=c@x.example", "-"},
      // an element that is there has an address
      {"to=", "-"},
      {"to=;cc=a@x.example", "-"},
      {"to=a@x.example;cc=", "-"},
      {"to=a@x.example;", "-"},
      {"to=a@x.example;;b@x.example", "-"},
      {"", "-"},
      {" ", "-"},
      {";", "-"},
      // what is no element
      {"a@x.example", "-"},
      {"to a@x.example", "-"},
      {"reply=a@x.example", "-"},
      {"too=a@x.example", "-"},
      {"to:a@x.example", "-"},
      {"to=a", "-"},
      {"to=a@x.example b@x.example", "-"},
      {"to=\"a@x.example", "-"},
      {"to=<a@x.example;b@x.example>", "-"},
      {"to=Gruppe: a@x.example;", "-"},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(shown(value), expected) << value;
}

TEST(Section3_1_8, AsManyAsAnyList) {
  std::string value = "to=a@x.example";
  for (int i = 1; i < 1000; ++i) value += ",a@x.example";
  value += ";cc=a@x.example";
  for (int i = 1; i < 1000; ++i) value += ";a@x.example";
  EXPECT_TRUE(parse_recipients(value));
  EXPECT_EQ(parse_recipients(value + ",a@x.example").error().code, mail::k_too_many_addresses);
}

TEST(Section3_1_8, WrittenAndReadAgain) {
  const auto recipients = parse_recipients("to=\"B; C\" <b@x.example>, \"a;b\"@x.example;bcc=d@x.example");
  ASSERT_TRUE(recipients);
  EXPECT_EQ(format_recipients(*recipients), "to=b@x.example,\"a;b\"@x.example;bcc=d@x.example");
  Recipients many;
  for (int i = 0; i < 60; ++i)
    many.to.push_back({"", *mail::Address::parse("empfaenger." + std::to_string(i) + "@anbieter.de-mail.example")});
  many.cc = many.to;
  const auto field = format_recipients_field(field::chosen_recipient, many);
  ASSERT_TRUE(field);
  const auto header = mail::Header::parse(*field);
  ASSERT_TRUE(header);
  ASSERT_EQ(header->fields().size(), 1u);
  EXPECT_EQ(*parse_recipients(header->fields()[0].value()), many);
  std::size_t from = 0, lines = 0;
  for (std::size_t end; (end = field->find("\r\n", from)) != std::string::npos; from = end + 2, ++lines)
    EXPECT_LE(end - from, 76u);
  EXPECT_GT(lines, 60u);
  EXPECT_FALSE(format_recipients_field(field::chosen_recipient, {}));
}

TEST(UserFields, AsTheyStandInFront) {
  UserFields fields{.options = {.receipt = true, .authoritative = true},
                    .sender = *mail::Address::parse("amt53@stadt.de-mail.example"),
                    .recipients = *parse_recipients("to=a@x.example;bcc=b@x.example"),
                    .private_id = "0197c1-x"};
  const auto text = format_user_fields(fields);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text,
            "x-de-mail-confirmation-of-dispatch: no\r\nx-de-mail-confirmation-of-receipt: "
            "yes\r\nx-de-mail-confirmation-of-retrieve: no\r\n"
            "x-de-mail-authoritative: yes\r\nx-de-mail-private: no\r\nx-de-mail-sender: amt53@stadt.de-mail.example\r\n"
            "x-de-mail-chosen-recipient: to=a@x.example;bcc=b@x.example\r\nx-de-mail-private-id: 0197c1-x\r\n");
  fields.private_id.clear();
  EXPECT_EQ(format_user_fields(fields)->find("private-id"), std::string::npos);
}

TEST(UserFields, Refused) {
  const UserFields good{.options = {},
                        .sender = *mail::Address::parse("amt53@stadt.de-mail.example"),
                        .recipients = *parse_recipients("to=a@x.example"),
                        .private_id = "x"};
  EXPECT_TRUE(format_user_fields(good));
  for (const std::string& id : {std::string("a\r\nbcc: x"), std::string("ü"), std::string("a\0b", 3), std::string(1025, 'x'),
                                std::string(1000, 'x'), std::string(" a"), std::string("a  b"), std::string("=?UTF-8?Q?a?=")}) {
    UserFields bad = good;
    bad.private_id = id;
    EXPECT_FALSE(format_user_fields(bad)) << id;
  }
  UserFields bad = good;
  bad.options.retrieve = true;
  EXPECT_FALSE(format_user_fields(bad));
  bad = good;
  bad.recipients = {};
  EXPECT_FALSE(format_user_fields(bad));
  bad = good;
  bad.recipients.cc.push_back({"", *mail::Address::parse("jürgen@x.example")});
  EXPECT_FALSE(format_user_fields(bad));
}

}  // namespace
}  // namespace demail
