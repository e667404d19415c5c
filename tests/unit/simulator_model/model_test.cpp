// The values of the De-Mail simulator against the wording of BSI TR 01201: what is taken, what is refused, what is written.
#include <gtest/gtest.h>

#include "mail/message/inspect.hpp"
#include "simulator/model/header_block.hpp"
#include "simulator/model/json.hpp"
#include "simulator/model/letter.hpp"
#include "simulator/model/misbehaviour.hpp"
#include "simulator/model/words.hpp"

namespace simulator {
namespace {

mail::Address address(const std::string& text) { return *mail::Address::parse(text); }

const Directory& directory() {
  static const Directory out(default_accounts(), {"de-mail.example"});
  return out;
}

Login town(demail::AuthLevel level = demail::AuthLevel::high) { return {directory().find_login("stadt"), level, "Zertifikat"}; }

const std::string k_from = "From: amt@stadt.de-mail.example\r\n", k_rest = "Subject: x\r\nMessage-ID: <1@x>\r\n\r\nText\r\n";

std::variant<Draft, Refusal> check(const std::string& message, std::vector<std::string> to = {"info@firma.de-mail.example"},
                                   demail::AuthLevel level = demail::AuthLevel::high) {
  Envelope envelope{address("amt@stadt.de-mail.example"), {}};
  for (const std::string& one : to) envelope.recipients.push_back(address(one));
  return check_draft(directory(), town(level), envelope, message);
}

std::string field_of(const Letter& letter, std::string_view name) {
  bool clean = true;
  const mail::Header header = mail::Header::parse_leniently(letter.header, clean);
  EXPECT_TRUE(clean);
  EXPECT_LE(header.count(name), 1u) << name;
  const mail::HeaderField* field = header.find(name);
  return field == nullptr ? "(none)" : field->value();
}

TEST(Json, IsOneWellFormedLineWhateverComes) {
  JsonLine line;
  line.add("a", "quote \" back \\ line \n tab \t")
      .add("b", std::int64_t{-7})
      .add("c", true)
      .add("d", std::vector<std::string>{"x", "y\x01"});
  line.add("e", std::string("\xff\xfe")).add("f", "ü").add("g", JsonLine().add("h", false));
  EXPECT_EQ(line.text(),
            "{\"a\": \"quote \\\" back \\\\ line \\u000a tab \\u0009\", \"b\": -7, \"c\": true, \"d\": [\"x\", \"y\\u0001\"], "
            "\"e\": \"\\u00ff\\u00fe\", \"f\": \"ü\", \"g\": {\"h\": false}}");
}

TEST(Account, IsReadFromWords) {
  const auto account = parse_account(
      "name=amt side=b address=A.B@X.de-mail.example address=*@y.de-mail.example level=high retrieve=yes holder=Amt für X");
  ASSERT_TRUE(account);
  EXPECT_EQ(account->holder, "Amt für X");
  EXPECT_TRUE(account->side == Side::b && account->may_retrieve && account->password_level == demail::AuthLevel::high);
  EXPECT_TRUE(account->has(address("a.b@x.de-mail.example")) && account->has(address("any@Y.de-mail.example")));
  EXPECT_FALSE(account->has(address("any@x.de-mail.example")));
  for (const char* bad : {"name=a", "address=a@b.example", "name=a address=a", "name=../a address=a@b.example",
                          "name=a address=a@b.example x=y", "word"})
    EXPECT_FALSE(parse_account(bad)) << bad;
}

TEST(Directory, KnowsWhoseDomainItIs) {
  EXPECT_EQ(directory().side_of(address("niemand@anbieter-b.de-mail.example"), Side::a), Side::b);
  EXPECT_EQ(directory().side_of(address("niemand@firma.de-mail.example"), Side::a), Side::b);
  EXPECT_EQ(directory().side_of(address("x@dritter.de-mail.example"), Side::a), Side::a);
  EXPECT_TRUE(directory().is_demail(address("x@de-mail.example")));
  EXPECT_FALSE(directory().is_demail(address("x@nicht-de-mail.example")));
}

// Section 3.1.8 and its footnote 5.
TEST(Chosen, IsReadAndWritten) {
  const auto got = parse_chosen(" to = a@x.example, \"B, C\" <b@x.example> ; d@x.example ;cc=e@x.example");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->to.size(), 3u);
  EXPECT_EQ(got->to[1].display_name, "B, C");
  EXPECT_EQ(format_chosen(*got), "to=a@x.example,b@x.example,d@x.example;cc=e@x.example");
  EXPECT_TRUE(got->bcc.empty());
  for (const char* bad : {"a@x.example", "to=a@x.example;to=b@x.example", "to=nobody"}) EXPECT_FALSE(parse_chosen(bad)) << bad;
}

TEST(HeaderBlock, FoldsAndKeepsItsWords) {
  HeaderBlock block(Side::b);
  std::string list = "to=";
  for (int i = 0; i < 30; ++i) list += (i == 0 ? "" : ",") + ("empfaenger" + std::to_string(i)) + "@firma.de-mail.example";
  block.add_list("x-de-mail-chosen-recipient", list);
  block.add("x-de-mail-account-holder", "Bürgeramt Musterhausen");
  block.add_base64("x-de-mail-signature-certificate", std::string(200, 'x'));
  EXPECT_TRUE(block.text().starts_with("X-de-mail-chosen-recipient: to="));
  for (std::size_t at = 0; at < block.text().size();) {
    const auto crlf = block.text().find("\r\n", at);
    ASSERT_NE(crlf, std::string::npos);
    EXPECT_LE(crlf - at, 110u);
    EXPECT_GT(crlf - at, 1u);
    at = crlf + 2;
  }
  const auto parsed = mail::Header::parse(block.text());
  ASSERT_TRUE(parsed);
  const auto again = parse_chosen(parsed->find("x-de-mail-chosen-recipient")->value());
  ASSERT_TRUE(again);
  EXPECT_EQ(format_chosen(*again), list);
  EXPECT_EQ(mail::decode_encoded_words(parsed->find("X-De-Mail-Account-Holder")->value()), "Bürgeramt Musterhausen");
}

TEST(Draft, IsTakenWithItsOptions) {
  const auto got =
      check(k_from + "To: info@firma.de-mail.example, jemand@internet.example\r\nx-de-mail-confirmation-of-retrieve: yes\r\n" +
                "x-de-mail-authoritative: YES\r\nx-de-mail-private-id: 1\r\nReply-To: antwort@stadt.de-mail.example\r\n" + k_rest,
            {"info@firma.de-mail.example", "blind@firma.de-mail.example"});
  const Draft* draft = std::get_if<Draft>(&got);
  ASSERT_NE(draft, nullptr);
  EXPECT_TRUE(draft->options.retrieve && draft->options.personal);  // the one brings the other along
  EXPECT_FALSE(draft->options.authoritative);                       // its value is read with its case
  EXPECT_EQ(draft->answer_to().text(), "antwort@stadt.de-mail.example");
  // whom the message reaches by other ways is nobody's business here
  EXPECT_EQ(format_chosen(draft->chosen), "to=info@firma.de-mail.example");
  ASSERT_EQ(draft->blind.size(), 1u);
  EXPECT_EQ(draft->blind[0].text(), "blind@firma.de-mail.example");
  EXPECT_EQ(draft->body, "Text\r\n");
}

TEST(Draft, EachRefusalHasOneRow) {
  for (int i = 0; i <= static_cast<int>(Refused::long_private_id); ++i) {
    const RefusalRow& row = row_of(static_cast<Refused>(i));
    EXPECT_EQ(static_cast<int>(row.why), i);
    EXPECT_EQ(row.enhanced[0] - '0', row.code / 100);
  }
}

TEST(Draft, NetSizeIsThatOfTheDecodedLeaves) {
  const std::string message =
      k_from +
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
      "QUJD\r\nREVG\r\n--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb\r\n--b\r\n\r\n1234\r\n--b--\r\n";
  const mail::MessageFacts facts = mail::inspect(message);
  EXPECT_EQ(net_size(message, facts), 6u + 3u + 4u);
}

TEST(Letters, OneForTheNamedAndOneForEachBlind) {
  const auto got = check(
      k_from +
          "To: info@firma.de-mail.example\r\nBcc: blind@firma.de-mail.example\r\nx-de-mail-chosen-recipient: "
          "to=info@firma.de-mail.example\r\n" +
          "X-De-Mail-Message-Id: made-up\r\nx-de-mail-private-id: 01ABC.0\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n" + k_rest,
      {"info@firma.de-mail.example", "blind@firma.de-mail.example", "zwei@firma.de-mail.example"});
  const Draft* draft = std::get_if<Draft>(&got);
  ASSERT_NE(draft, nullptr);
  const base::Timestamp now = *base::parse_utc("2026-03-01T08:15:30.000Z");
  const std::vector<Letter> letters = write_letters(*draft, town(), now);
  ASSERT_EQ(letters.size(), 3u);
  EXPECT_EQ(field_of(letters[0], "x-de-mail-chosen-recipient"), "to=info@firma.de-mail.example");
  EXPECT_EQ(field_of(letters[1], "x-de-mail-chosen-recipient"), "to=info@firma.de-mail.example;bcc=blind@firma.de-mail.example");
  EXPECT_EQ(field_of(letters[2], "x-de-mail-actual-recipient"), "to=info@firma.de-mail.example;bcc=zwei@firma.de-mail.example");
  std::set<std::string> ids;
  for (const Letter& letter : letters) {
    ids.insert(field_of(letter, "x-de-mail-message-id"));
    EXPECT_EQ(field_of(letter, "Bcc"), "(none)");
    EXPECT_EQ(field_of(letter, "Date"), "Sun, 01 Mar 2026 08:15:30 +0000");
    EXPECT_EQ(field_of(letter, "x-de-mail-private-id"), "01ABC.0");
    EXPECT_EQ(field_of(letter, "x-de-mail-message-type"), "normal");
    EXPECT_EQ(field_of(letter, "x-de-mail-auth-level"), "high");
    EXPECT_EQ(field_of(letter, "x-de-mail-confirmation-of-dispatch"), "no");
    EXPECT_EQ(letter.body, "Text\r\n");
  }
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_FALSE(ids.contains("made-up"));
}

TEST(Letters, EnvelopeToIsThatOfThisRecipient) {
  EXPECT_EQ(
      with_envelope_to("Envelope-To: a@x.example\r\nFrom: b@x.example\r\nenvelope-to: c@x.example\r\n", address("d@x.example")),
      "Envelope-to: d@x.example\r\nFrom: b@x.example\r\n");
}

TEST(Misbehaviour, IsReadFromWords) {
  auto got = parse_misbehaviour({}, "lost=10 late=20 delay=500 shuffle=3 malware=4 seed=9");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->percent[Fate::lost], 10u);
  EXPECT_EQ(got->delay, std::chrono::milliseconds(500));
  EXPECT_TRUE(got->shuffle == 3 && got->malware == 4 && got->seed == 9);
  got = parse_misbehaviour(*got, "none");
  EXPECT_TRUE(got->percent.empty() && got->shuffle == 0 && got->seed == 9);
  unsigned sum = 0;
  const auto forged = parse_misbehaviour({}, "forged=33");
  ASSERT_TRUE(forged);
  for (const auto& [fate, percent] : forged->percent) sum += is_forged(fate) ? percent : 1000;
  EXPECT_EQ(sum, 33u);
  for (const char* bad : {"lost", "lost=x", "lost=101", "good=5", "lost=60 late=60", "shaken=1", "delay=-1"})
    EXPECT_FALSE(parse_misbehaviour({}, bad)) << bad;
}

TEST(Misbehaviour, IsDrawnFromTheSeedAlone) {
  const Misbehaviour half = *parse_misbehaviour({}, "lost=50 seed=5"), other = *parse_misbehaviour({}, "lost=50 seed=6");
  unsigned lost = 0, differ = 0;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(draw_fate(half, n), draw_fate(half, n));
    lost += draw_fate(half, n) == Fate::lost ? 1 : 0;
    differ += draw_fate(half, n) != draw_fate(other, n) ? 1 : 0;
  }
  EXPECT_TRUE(lost > 400 && lost < 600) << lost;
  EXPECT_GT(differ, 300u);
  for (std::uint64_t n = 0; n < 100; ++n) {
    EXPECT_EQ(draw_fate(*parse_misbehaviour({}, "wrapped=100"), n), Fate::wrapped);
    EXPECT_EQ(draw_fate({}, n), Fate::good);
  }
}

TEST(Faults, AreReadAndCounted) {
  auto faults = *parse_faults({}, "dot=451:2 rcpt=550 connect=hang");
  EXPECT_EQ(take_fault(faults, Step::dot)->code, 451);
  EXPECT_TRUE(take_fault(faults, Step::dot));
  EXPECT_FALSE(take_fault(faults, Step::dot));
  EXPECT_TRUE(take_fault(faults, Step::rcpt) && take_fault(faults, Step::rcpt));
  EXPECT_FALSE(take_fault(faults, Step::mail));
  for (const char* bad : {"dot", "dot=200", "dot=600", "helo=451", "data=hang", "rcpt=close-taken", "dot=451:x"})
    EXPECT_FALSE(parse_faults({}, bad)) << bad;
}

}  // namespace
}  // namespace simulator
