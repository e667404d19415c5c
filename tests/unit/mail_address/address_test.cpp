#include "mail/address/address.hpp"

#include <gtest/gtest.h>

#include "mail/address/errors.hpp"
#include "mail/address/words.hpp"

namespace mail {
namespace {

TEST(Address, Good) {
  EXPECT_EQ(Address::parse("Amt53@Stadt.Example")->text(), "Amt53@stadt.example");
  EXPECT_EQ(Address::parse("Amt53@Stadt.Example")->folded(), "amt53@stadt.example");
  EXPECT_EQ(Address::parse("\"a b\"@x.example")->text(), "\"a b\"@x.example");
  EXPECT_EQ(Address::parse("\"plain\"@x.example")->text(), "plain@x.example");
  EXPECT_EQ(Address::parse("a@münchen.example")->domain(), "xn--mnchen-3ya.example");
  EXPECT_TRUE(Address::parse("jürgen@x.example")->needs_smtputf8());
  EXPECT_EQ(Address::parse("a@x.example.")->domain(), "x.example");
}

TEST(Address, Refused) {
  for (const char* bad : {"", "a", "@x.example", "a@", "a b@x.example", "a@x..example", ".a@x.example", "a.@x.example", "a..b@x.example",
                          "a@-x.example", "a@x-.example", "a@[192.0.2.1]", "a@x.example\r\nRCPT TO:<b@c>", "a@x_y.example", "\"a@x.example",
                          "a@b@c.example", "<a@x.example>", "a@x.example ", " a@x.example", "a\xff@x.example", "\"a\rb\"@x.example"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
  EXPECT_FALSE(Address::parse(std::string(65, 'a') + "@x.example"));
  EXPECT_FALSE(Address::parse("a@" + std::string(64, 'a') + ".example"));
  EXPECT_FALSE(Address::parse(std::string("a\0b@x.example", 13)));
}

std::string shown(std::string_view value) {
  const auto list = parse_mailbox_list(value);
  if (!list) return "-";
  std::string out;
  for (const auto& m : *list) out += "[" + m.display_name + "|" + m.address.text() + "]";
  return out;
}

TEST(MailboxList, Table) {
  const std::pair<const char*, const char*> rows[] = {
      {"a@x.example", "[|a@x.example]"},
      {"Anna <a@x.example>", "[Anna|a@x.example]"},
      {"\"Amt, 53\" <a@x.example>, b@y.example", "[Amt, 53|a@x.example][|b@y.example]"},
      {"Q. Public (the \\) one) <a@x.example>", "[Q. Public|a@x.example]"},
      {"=?UTF-8?Q?J=C3=BCrgen?= <a@x.example>", "[Jürgen|a@x.example]"},
      {"Gruppe: a@x.example, B <b@x.example>;, c@x.example", "[|a@x.example][B|b@x.example][|c@x.example]"},
      {"undisclosed-recipients:;", ""},
      {"<a@x.example>", "[|a@x.example]"},
      {"\"a b\"@x.example", "[|\"a b\"@x.example]"},
      // what other readers take for another address must not parse at all
      {"a@x.example <b@y.example>", "-"},
      {"<a@x.example> b@y.example", "-"},
      {"a@x.example b@y.example", "-"},
      {"x <a@b.example> y <c@d.example>", "-"},
      {"a@x.example(", "-"},
      {"\"a <b@y.example>", "-"},
      {"<@r.example:a@x.example>", "-"},
      {"a", "-"},
      {"Gruppe: a@x.example", "-"},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(shown(value), expected) << value;
}

TEST(MailboxList, Limit) {
  std::string many = "a@x.example";
  for (int i = 0; i < 20; ++i) many += ",a@x.example";
  EXPECT_EQ(parse_mailbox_list(many, 20).error().code, k_too_many_addresses);
}

// RFC 2047 section 8
TEST(Words, Decode) {
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?="), "a");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= b"), "a b");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?a_b?="), "a b");
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?="), "If you can read this yo");
  EXPECT_EQ(decode_encoded_words("=?utf-8?B?w7w=?="), "ü");
  // a character split between two words
  EXPECT_EQ(decode_encoded_words("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), "ü");
  for (const char* same : {"=?x?Q?a?=", "=?utf-8?B?w7w?=", "=?utf-8?Q?=ZZ?=", "=?", "a =?utf-8?Q?b"}) EXPECT_EQ(decode_encoded_words(same), same);
}

TEST(Words, EncodeAndBack) {
  const std::string text = "Befund für Frau Müller, Aktenzeichen 53.1/2026: bitte umgehend um Rückmeldung, danke schön und viele Grüße";
  const auto coded = encode_header_text(text, 9);
  ASSERT_TRUE(coded);
  std::string unfolded;
  std::size_t column = 9;
  for (const char c : *coded) {
    if (c == '\n') column = 0;
    if (c != '\r' && c != '\n') {
      unfolded += c;
      EXPECT_LE(++column, 76u);
      EXPECT_LT(static_cast<unsigned char>(c), 127);
    }
  }
  EXPECT_EQ(decode_encoded_words(unfolded), text);
  EXPECT_FALSE(encode_header_text("a\r\nBcc: b", 9));
  EXPECT_EQ(*encode_header_text("kurz", 9), "kurz");
}

TEST(Words, ANameIsAPhraseWhateverStandsInIt) {
  for (const std::string name :
       {"Amt 53", "Amt \"53\" \\", "a@b.example, <c@d.example>", "Gesundheitsamt Münster, <c@d.example>",
        "=?utf-8?q?x?= <c@d.example>",
        "Amt für die Ordnung öffentlicher Angelegenheiten und für alles, was sonst noch zu ordnen übrig ist",
        "The office for all that is left to be put in order, of a length that no single line of a header can hold"}) {
    const auto phrase = format_phrase(name, 6);
    ASSERT_TRUE(phrase) << name;
    std::string unfolded;
    for (const char c : *phrase + " <x@y.example>")
      if (c != '\r' && c != '\n') unfolded += c;
    const auto list = parse_mailbox_list(unfolded);
    ASSERT_TRUE(list) << unfolded;
    ASSERT_EQ(list->size(), 1u);
    EXPECT_EQ(list->front().address.text(), "x@y.example");
    EXPECT_EQ(list->front().display_name, name);
  }
  EXPECT_FALSE(format_phrase("a\r\nBcc: b", 6));
}

}  // namespace
}  // namespace mail
