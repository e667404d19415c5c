#include "mail/message/inspect.hpp"

#include <gtest/gtest.h>

#include "mail/message/edit.hpp"
#include "mail/message/seven_bit.hpp"

namespace mail {
namespace {

std::string crlf(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string body_of(const std::string& message, const Part& p) { return message.substr(p.body_begin, p.body_end - p.body_begin); }

const std::string k_mixed = crlf(
    "From: Amt 53 <amt53@stadt.example>\n"
    "To: a@x.example\n"
    "Subject: [vertraulich] Befund [De-Mail]\n"
    "Message-ID: <1@stadt.example>\n"
    "Date: Sun, 01 Mar 2026 08:15:30 +0000\n"
    "Sensitivity: Company-Confidential\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=\"abc\"\n"
    "\n"
    "preamble\n"
    "--abcdef\n"
    "--abc\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "\n"
    "Gr\xc3\xbc\xc3\x9f" "e\n"
    ".Punkt\n"
    "--abc  \n"
    "Content-Type: application/pdf\n"
    "Content-Disposition: attachment; filename*=UTF-8''%C3%A4.pdf\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "AAAA\n"
    "\n"
    "--abc--\n"
    "epilogue\n");

TEST(Inspect, MixedMessage) {
  const MessageFacts facts = inspect(k_mixed);
  EXPECT_TRUE(facts.defects.empty());
  EXPECT_EQ(facts.from->address.text(), "amt53@stadt.example");
  EXPECT_EQ(facts.keywords, (std::vector<std::string>{"vertraulich", "de-mail"}));
  EXPECT_TRUE(facts.confidential);
  EXPECT_TRUE(facts.has_date);
  EXPECT_TRUE(facts.dot_lines);
  EXPECT_TRUE(facts.has_8bit_body);
  EXPECT_EQ(facts.message_id, "<1@stadt.example>");
  EXPECT_EQ(facts.size.value, k_mixed.size());
  ASSERT_EQ(facts.parts.size(), 3u);
  EXPECT_EQ(body_of(k_mixed, facts.parts[1]), crlf("Gr\xc3\xbc\xc3\x9f" "e\n.Punkt"));
  EXPECT_EQ(facts.parts[1].charset, "utf-8");
  EXPECT_EQ(body_of(k_mixed, facts.parts[2]), crlf("AAAA\n"));
  EXPECT_EQ(facts.parts[2].filename, "ä.pdf");
  EXPECT_EQ(facts.wrapping, Wrapping::none);
}

// the same facts however the bytes are cut
TEST(Inspect, PiecesOfAnySize) {
  const MessageFacts whole = inspect(k_mixed);
  for (std::size_t step = 1; step < 40; ++step) {
    Inspector inspector;
    for (std::size_t i = 0; i < k_mixed.size(); i += step) inspector.feed(base::ByteView(k_mixed).substr(i, step));
    const MessageFacts facts = inspector.finish();
    ASSERT_EQ(facts.parts.size(), whole.parts.size());
    EXPECT_EQ(facts.parts[2].body_end, whole.parts[2].body_end);
    EXPECT_EQ(facts.header_size, whole.header_size);
    EXPECT_EQ(facts.keywords, whole.keywords);
    EXPECT_EQ(facts.defects, whole.defects);
  }
}

TEST(Inspect, Wrapping) {
  const std::pair<const char*, Wrapping> rows[] = {
      {"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", Wrapping::smime_encrypted},
      {"application/x-pkcs7-mime; smime-type=\"authEnveloped-data\"", Wrapping::smime_encrypted},
      {"application/pkcs7-mime; smime-type=signed-data", Wrapping::smime_signed_opaque},
      {"application/pkcs7-mime", Wrapping::smime_unknown},
      {"multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b", Wrapping::smime_signed},
      {"multipart/signed; protocol=\"application/pgp-signature\"; boundary=b", Wrapping::pgp_signed},
      {"multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b", Wrapping::pgp_encrypted},
      {"multipart/mixed; boundary=b; smime-type=enveloped-data", Wrapping::none},
      {"text/plain; name=smime.p7m", Wrapping::none},
  };
  for (const auto& [type, wrapping] : rows)
    EXPECT_EQ(inspect(std::string("From: a@x.example\r\nContent-Type: ") + type + "\r\n\r\nx\r\n").wrapping, wrapping) << type;
  EXPECT_EQ(inspect("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Type: text/plain\r\n\r\n").wrapping, Wrapping::none);
}

TEST(Inspect, Defects) {
  const auto defects = [](std::string_view text) { return inspect(text).defects; };
  EXPECT_TRUE(defects("Subject: x\r\n\r\n").contains(Defect::no_from));
  EXPECT_TRUE(defects("From: a@x.example, b@x.example\r\n\r\n").contains(Defect::several_from));
  EXPECT_TRUE(defects("From: a@x.example\r\nFrom: a@x.example\r\n\r\n").contains(Defect::several_from));
  EXPECT_TRUE(defects("From: x <a@b.example> y <c@d.example>\r\n\r\n").contains(Defect::malformed_from));
  EXPECT_TRUE(defects("From: a@x.example\r\nkein Feld\r\n\r\n").contains(Defect::malformed_header));
  EXPECT_TRUE(defects("From : a@x.example\r\n\r\n").contains(Defect::malformed_header));
  EXPECT_TRUE(defects("From: a@x.example\r\nSubject: 1\r\nSubject: 2\r\n\r\n").contains(Defect::duplicate_field));
  EXPECT_TRUE(defects("From: a@x.example\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n").contains(Defect::header_too_large));
  EXPECT_TRUE(defects(std::string("From: a@x.example\r\n\r\na\0b\r\n", 25)).contains(Defect::nul_byte));
  EXPECT_TRUE(defects("From: a@x.example\r\n\r\n" + std::string(999, 'x') + "\r\n").contains(Defect::line_too_long));
  EXPECT_TRUE(defects("From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\n--x\r\n").contains(Defect::missing_boundary));
  EXPECT_TRUE(defects("From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n").contains(Defect::unterminated_multipart));
  EXPECT_TRUE(defects("").contains(Defect::no_from));
}

// 10,000 levels cost nothing but a defect
TEST(Inspect, NestedTenThousandTimes) {
  std::string message = "From: a@x.example\r\n";
  for (int i = 0; i < 10000; ++i) {
    const std::string b = "b" + std::to_string(i);
    message += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
  }
  const MessageFacts facts = inspect(message);
  EXPECT_TRUE(facts.defects.contains(Defect::too_deep));
  EXPECT_LE(facts.parts.size(), k_max_depth + 2);
  std::string forwarded = "From: a@x.example\r\n";
  for (int i = 0; i < 10000; ++i) forwarded += "Content-Type: message/rfc822\r\n\r\n";
  EXPECT_TRUE(inspect(forwarded).defects.contains(Defect::too_deep));
  std::string wide = "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 100000; ++i) wide += "--b\r\n\r\n";
  EXPECT_TRUE(inspect(wide).defects.contains(Defect::too_many_parts));
}

std::string edited(const std::string& message, std::vector<Edit> edits) {
  return *base::read_all(*apply(base::make_content(message), std::move(edits)), base::mib(1));
}

TEST(Edit, OnlyWhatIsNamedChanges) {
  const std::string message = "From: a@x.example\r\nBcc: geheim@x.example,\r\n b@x.example\r\nSubject: x\r\nbcc: c@x.example\r\n\r\nBcc: im Text\r\n";
  const auto facts = inspect(message);
  auto edits = remove_fields(facts, {"Bcc"});
  edits.insert(edits.begin(), Edit{0, 0, "Received: x\r\n"});
  EXPECT_EQ(edited(message, edits), "Received: x\r\nFrom: a@x.example\r\nSubject: x\r\n\r\nBcc: im Text\r\n");
  EXPECT_EQ(edited(message, {}), message);
  EXPECT_FALSE(format_field("X", "a\r\nBcc: b"));
  EXPECT_FALSE(format_field("X Y", "a"));
  EXPECT_EQ(*format_field("Subject", "kurz"), "Subject: kurz\r\n");
}

std::string report_with(const std::string& third) {
  return crlf("From: MAILER-DAEMON@stadt.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n"
              "--r\nContent-Type: text/plain\n\nNicht zugestellt.\n--r\nContent-Type: message/delivery-status\n\nStatus: 5.2.2\n--r\n" + third + "\n--r--\n");
}

std::string without_returned(const std::string& message) {
  auto edits = remove_returned(inspect(message));
  if (!edits) return "error: " + edits.error().detail;
  return *base::read_all(*apply(base::make_content(message), *std::move(edits)), base::mib(1));
}

TEST(Edit, ReportsKeepHeadersAtMost) {
  const std::string inner = "From: a@x.example\nSubject: Antwort\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nZebra\n--i\nContent-Type: message/rfc822\n\nSubject: Kern\n\nZebra\n--i--\n";
  std::string out = without_returned(report_with("Content-Type: message/rfc822\n\n" + inner));
  EXPECT_EQ(out.find("Zebra"), std::string::npos) << out;
  for (const char* kept : {"Nicht zugestellt.", "Status: 5.2.2", "Subject: Antwort", "--r--"}) EXPECT_NE(out.find(kept), std::string::npos) << kept;
  EXPECT_EQ(inspect(out).parts.size(), 5u);
  // as nobody should write it, and as other servers do
  for (const char* third : {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nWmVicmE=", "Content-Type: message/global\n\nSubject: x\n\nZebra",
                            "Content-Type: text/plain\n\nZebra", "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nZebra\n--m--",
                            "Content-Type: text/rfc822-headers\n\nSubject: x\n--r\n\nZebra"}) {
    out = without_returned(report_with(third));
    EXPECT_EQ(out.find("Zebra"), std::string::npos) << third << "\n" << out;
    EXPECT_EQ(out.find("WmVicmE"), std::string::npos) << third;
    EXPECT_NE(out.find("Status: 5.2.2"), std::string::npos);
  }
  out = without_returned(report_with("Content-Type: text/rfc822-headers\n\nSubject: bleibt"));
  EXPECT_EQ(out, report_with("Content-Type: text/rfc822-headers\n\nSubject: bleibt"));
  // no report by its type: enclosed messages go, whatever else stands beside them
  EXPECT_EQ(without_returned(crlf("Content-Type: multipart/mixed; boundary=m\n\n--m\n\nText\n--m\nContent-Type: message/rfc822\n\nSubject: x\n\nZebra\n--m--\n")).find("Zebra"), std::string::npos);
  EXPECT_EQ(without_returned(crlf("Content-Type: message/rfc822\n\nSubject: x\n\nZebra\n")).find("Zebra"), std::string::npos);
  const std::string plain = crlf("Subject: Abwesend\n\nBin im Urlaub.\n");
  EXPECT_EQ(without_returned(plain), plain);
  // what cannot be taken apart does not leave
  EXPECT_TRUE(without_returned(crlf("Content-Type: multipart/mixed\n\n--m\nContent-Type: message/rfc822\n\nZebra\n")).starts_with("error"));
  EXPECT_TRUE(without_returned(crlf("Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\n\n--s\nContent-Type: message/rfc822\n\nSubject: x\n\nZebra\n--s\n"
                                    "Content-Type: application/pgp-signature\n\nx\n--s--\n"))
                  .starts_with("error"));
}

TEST(Edit, SubjectWithoutKeywords) {
  const auto subject = [](const std::string& field, const std::vector<std::string>& keywords) {
    return subject_without(inspect("From: a@x.example\r\nSubject: " + field + "\r\n\r\n"), keywords).value_or("(same)");
  };
  EXPECT_EQ(subject("[Vertraulich] Befund [DE-Mail]", {"de-mail"}), "[Vertraulich] Befund");
  EXPECT_EQ(subject("=?utf-8?Q?=5Bvertraulich=5D_Gr=C3=BC=C3=9Fe?=", {"vertraulich"}), "Grüße");
  EXPECT_EQ(subject("[  DE   mail ]x", {"de mail"}), "x");
  EXPECT_EQ(subject("Re: [vertraulich] x", {"vertraulich"}), "(same)");
  EXPECT_EQ(subject("[a]", {"a"}), "");
}

// What is written before or behind a keyword cannot hide it, and what only looks like one is none.
TEST(Keywords, Limits) {
  const auto of = [](const std::string& subject) { return inspect("From: a@x.example\r\nSubject: " + subject + "\r\n\r\n"); };
  using Words = std::vector<std::string>;
  const std::string overlong = "[" + std::string(k_max_keyword_bytes + 1, 'x') + "]", longest = "[" + std::string(k_max_keyword_bytes, 'x') + "]";
  EXPECT_EQ(of(overlong + " [De-Mail] Text").keywords, Words{"de-mail"});
  EXPECT_EQ(of("Text [De-Mail] " + overlong).keywords, Words{"de-mail"});
  EXPECT_EQ(of(longest + "x").keywords, Words{std::string(k_max_keyword_bytes, 'x')});
  EXPECT_EQ(of("[De-Mail] " + std::string(200'000, 'x') + " [Persönlich]").keywords, (Words{"de-mail", "persönlich"}));
  EXPECT_EQ(*subject_without(of(overlong + " [De-Mail] Text"), {"de-mail"}), overlong + " Text");
  EXPECT_EQ(*subject_without(of(overlong + " [De-Mail] Text"), {"de-mail", ""}), overlong + " Text") << "no keyword, so never removed";
  // each once, in their order
  EXPECT_EQ(of("[a] [A] [b] Text [c] [b]").keywords, (Words{"a", "b", "c"}));
  EXPECT_EQ(of("[] [ ] Text").keywords, Words{});
  // as many as people write, and more: said, not passed over
  std::string many;
  for (std::size_t i = 0; i < k_max_keywords - 1; ++i) many += "[" + std::to_string(i) + "]";
  EXPECT_EQ(of(many + " Text [De-Mail]").keywords.back(), "de-mail");
  EXPECT_FALSE(of(many + " Text [De-Mail]").defects.contains(Defect::too_many_keywords));
  EXPECT_TRUE(of(many + "[x] Text [De-Mail]").defects.contains(Defect::too_many_keywords));
  EXPECT_TRUE(of(many + "[x][De-Mail] Text").defects.contains(Defect::too_many_keywords));
  EXPECT_FALSE(of(many + "[x] Text [").defects.contains(Defect::too_many_keywords));
  // the work is linear, from either end and inside encoded words
  std::string endless;
  while (endless.size() < 200'000) endless += "[a]";
  EXPECT_TRUE(of(endless).defects.contains(Defect::too_many_keywords));
  EXPECT_TRUE(of("x" + endless).defects.contains(Defect::too_many_keywords));
  std::string unfinished;
  while (unfinished.size() < 200'000) unfinished += "=?x?b?";
  EXPECT_EQ(of(unfinished).subject.size(), unfinished.size());
}

TEST(Keywords, OneSpellingEach) {
  const auto first = [](const std::string& subject) { return inspect("From: a@x.example\r\nSubject: " + subject + "\r\n\r\n").keywords.at(0); };
  for (const char* same : {"[Persönlich] x", "[PERSÖNLICH] x", "[ persönlich\t] x", "x [Perso\xcc\x88nlich]", "[PERSO\xcc\x88NLICH] x", "=?utf-8?q?=5BPers=C3=B6nlich=5D?= x",
                           "=?iso-8859-1?q?[Pers=F6nlich]?= x", "=?utf-8?B?W1BlcnM=?= =?utf-8?B?w7ZubGljaF0=?= x"})
    EXPECT_EQ(first(same), "persönlich") << same;
  EXPECT_EQ(first("[D\xd0\xb5-Mail] x"), "d\xd0\xb5-mail") << "a Cyrillic letter stays one";
}

TEST(SevenBit, ConvertsLeavesAndNothingElse) {
  const auto facts = inspect(k_mixed);
  ASSERT_TRUE(needs_seven_bit(facts));
  const auto content = make_seven_bit(base::make_content(k_mixed), facts);
  ASSERT_TRUE(content);
  const std::string out = *base::read_all(**content, base::mib(1));
  EXPECT_EQ((*content)->size().value, out.size());
  const auto after = inspect(out);
  EXPECT_FALSE(needs_seven_bit(after));
  EXPECT_EQ(body_of(out, after.parts[1]), crlf("Gr=C3=BC=C3=9Fe\n=2EPunkt"));
  EXPECT_EQ(after.parts[1].transfer_encoding, "quoted-printable");
  EXPECT_EQ(body_of(out, after.parts[2]), body_of(k_mixed, facts.parts[2]));
  EXPECT_NE(out.find("--abcdef"), std::string::npos);
}

TEST(SevenBit, RefusesWhatOthersSigned) {
  const std::string message = crlf(
      "From: a@x.example\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\n\n"
      "--s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\xc3\xbc\n--s\n\nsig\n--s--\n");
  EXPECT_FALSE(make_seven_bit(base::make_content(message), inspect(message)));
}

TEST(SevenBit, LongLinesAndBinary) {
  const std::string text = "From: a@x.example\r\n\r\n" + std::string(3000, 'x') + " \r\nz\r\n";
  const std::string out = *base::read_all(**make_seven_bit(base::make_content(text), inspect(text)), base::mib(1));
  EXPECT_FALSE(needs_seven_bit(inspect(out)));
  EXPECT_NE(out.find("=20\r\nz\r\n"), std::string::npos);
  std::string all;
  for (int i = 0; i < 256; ++i)
    if (i != '\n' && i != '\r') all += static_cast<char>(i);
  const std::string binary = "From: a@x.example\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + all;
  const auto content = make_seven_bit(base::make_content(binary), inspect(binary));
  const std::string coded = *base::read_all(**content, base::mib(1));
  EXPECT_EQ((*content)->size().value, coded.size());
  std::string flat;
  for (const char c : coded.substr(coded.find("\r\n\r\n") + 4))
    if (c != '\r' && c != '\n') flat += c;
  EXPECT_EQ(*base::parse_base64(flat), all);
}

TEST(Header, Parameters) {
  const auto value = parse_parameterized("Text/Plain; charset=\"utf-8\"; (note) name*0*=utf-8''%e2%82%ac; name*1=.txt;");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->value, "text/plain");
  EXPECT_EQ(value->parameter("charset"), "utf-8");
  EXPECT_EQ(value->parameter("name"), "€.txt");
  for (const char* bad : {"", ";", "a/b c", "a/b; x", "a/b; x=1; x=2", "a/b; x=\"1"}) EXPECT_FALSE(parse_parameterized(bad)) << bad;
}

}  // namespace
}  // namespace mail
