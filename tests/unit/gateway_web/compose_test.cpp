// A message as JSON becomes mail, and nothing in it becomes more than it is.
#include "gateway/web/compose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "gateway/web/mail_lines.hpp"
#include "gateway/web/problem.hpp"
#include "mail/message/inspect.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::optional<web::Composed> compose(const std::string& text, std::vector<web::JsonFault>& faults) {
  const auto object = web::parse_json_message(text);
  if (!object) return std::nullopt;
  return web::compose_message(*object, faults);
}

TEST(Compose, AWholeMessageIsReadAsItWasMeant) {
  std::vector<web::JsonFault> faults;
  const auto made = compose(R"({"from":{"address":"amt53@stadt.example","name":"Gesundheitsamt \"53\""},"to":["a@b.example",{"address":"ü@b.example","name":"Ümit"}],
    "cc":"c@d.example","bcc":["e@f.example","a@b.example"],"subject":"Bescheid für Übung","text":"Zeile\nzwei","html":"<p>x</p>",
    "attachments":[{"filename":"Antrag \"1\".pdf","type":"application/pdf","content":"JVBERg=="}],"headers":{"In-Reply-To":"<1@x>"},"classification":"confidential"})",
                            faults);
  ASSERT_TRUE(made) << (faults.empty() ? "" : faults[0].where + " " + faults[0].what);
  std::vector<std::string> to;
  for (const auto& a : made->recipients) to.push_back(a.text());
  EXPECT_THAT(to, ElementsAre("a@b.example", "ü@b.example", "c@d.example", "e@f.example"));
  const mail::MessageFacts facts = mail::inspect(base::ByteView(made->message));
  EXPECT_TRUE(facts.defects.empty());
  ASSERT_TRUE(facts.from);
  EXPECT_EQ(facts.from->display_name, "Gesundheitsamt \"53\"");
  EXPECT_EQ(facts.subject, "Bescheid für Übung");
  EXPECT_TRUE(facts.confidential);
  EXPECT_FALSE(facts.has_8bit_body);
  EXPECT_EQ(facts.parts.size(), 5u);  // mixed, alternative, text, html, attachment
  EXPECT_EQ(facts.parts.back().filename, "Antrag \"1\".pdf");
  EXPECT_THAT(made->message, Not(HasSubstr("e@f.example")));
}

// What stands in a name stays in the name, and the address beside it stays readable.
TEST(Compose, NamesBeyondAsciiLeaveTheAddressAlone) {
  std::vector<web::JsonFault> faults;
  const auto made = compose(R"({"from":{"address":"amt53@stadt.example","name":"Gesundheitsamt Münster"},"to":[
    {"address":"a@b.example","name":"Ümit, <x@y.example>"},{"address":"c@d.example","name":"=?utf-8?q?x?= <e@f.example>, \"g\""},"ü@b.example"],
    "cc":{"address":"h@i.example","name":"Amt für die Ordnung öffentlicher Angelegenheiten und für alles, was sonst noch zu ordnen übrig ist"},"text":"x"})",
                            faults);
  ASSERT_TRUE(made) << (faults.empty() ? "" : faults[0].where + " " + faults[0].what);
  const mail::MessageFacts facts = mail::inspect(base::ByteView(made->message));
  ASSERT_TRUE(facts.from);
  EXPECT_EQ(facts.from->address.text(), "amt53@stadt.example");
  EXPECT_EQ(facts.from->display_name, "Gesundheitsamt Münster");
  std::vector<std::string> read;
  for (const auto& field : facts.header.fields()) {
    if (!field.is("To") && !field.is("Cc")) continue;
    const auto list = mail::parse_mailbox_list(field.value());
    ASSERT_TRUE(list) << field.value();
    for (const auto& m : *list) read.push_back(m.address.text());
  }
  EXPECT_THAT(read, ElementsAre("a@b.example", "c@d.example", "ü@b.example", "h@i.example"));
  EXPECT_THAT(made->message, HasSubstr("<h@i.example>\r\n"));
}

TEST(Compose, FaultsAreNamedUntilThereAreTooMany) {
  std::vector<web::JsonFault> faults;
  std::string all = R"({"from":"a@b.example","to":["c@d.example")";
  for (int i = 0; i < 1000; ++i) all += ",{}";
  EXPECT_FALSE(compose(all + "]}", faults));
  EXPECT_EQ(faults.size(), 50u);
}

// The options are the fields that a user's program would set, and say both yes and no.
TEST(Compose, OptionsOfADeMail) {
  std::vector<web::JsonFault> faults;
  const auto made = compose(R"({"from":"a@b.example","to":"c@d.de-mail.example","text":"x","demail":{"receipt":true,"personal":false}})", faults);
  ASSERT_TRUE(made);
  EXPECT_THAT(made->message, HasSubstr("x-de-mail-confirmation-of-receipt: yes\r\n"));
  EXPECT_THAT(made->message, HasSubstr("x-de-mail-private: no\r\n"));
  EXPECT_THAT(made->message, Not(HasSubstr("x-de-mail-authoritative")));
}

struct Wrong {
  const char* name;
  const char* json;
  const char* where;
};
class Faulty : public testing::TestWithParam<Wrong> {};
INSTANTIATE_TEST_SUITE_P(
    Members, Faulty,
    testing::Values(
        Wrong{"newline_in_address", R"({"from":"a@b.example\r\nBcc: x@y.example","to":"c@d.example"})", "from"},
        Wrong{"newline_in_subject", R"({"from":"a@b.example","to":"c@d.example","subject":"x\r\nBcc: x@y.example"})", "subject"},
        Wrong{"newline_in_name", R"({"from":{"address":"a@b.example","name":"x\r\ny"},"to":"c@d.example"})", "from.name"},
        Wrong{"newline_in_field", R"({"from":"a@b.example","to":"c@d.example","headers":{"References":"x\ny"}})",
              "headers.References"},
        Wrong{"unknown_option", R"({"from":"a@b.example","to":"c@d.example","demail":{"private":true}})", "demail.private"},
        Wrong{"option_as_text", R"({"from":"a@b.example","to":"c@d.example","demail":{"receipt":"yes"}})", "demail.receipt"},
        Wrong{"option_list", R"({"from":"a@b.example","to":"c@d.example","demail":["receipt"]})", "demail"},
        Wrong{"field_of_ours", R"({"from":"a@b.example","to":"c@d.example","headers":{"Received":"x"}})", "headers.Received"},
        Wrong{"field_bcc", R"({"from":"a@b.example","to":"c@d.example","headers":{"Bcc":"x@y.example"}})", "headers.Bcc"},
        Wrong{"field_twice", R"({"from":"a@b.example","to":"c@d.example","headers":{"References":"x","references":"y"}})",
              "headers.references"},
        Wrong{"type_with_parameters",
              R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","type":"text/plain; a=b"}]})",
              "attachments[0].type"},
        Wrong{"type_composite",
              R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","type":"message/rfc822"}]})",
              "attachments[0].type"},
        Wrong{"file_with_path", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","filename":"../x"}]})",
              "attachments[0].filename"},
        Wrong{"file_with_backslash",
              R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","filename":"..\\x"}]})",
              "attachments[0].filename"},
        Wrong{"file_that_is_a_directory",
              R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","filename":".."}]})",
              "attachments[0].filename"},
        Wrong{"file_without_content", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"filename":"x"}]})",
              "attachments[0].content"},
        Wrong{"attachment_member", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","name":"x"}]})",
              "attachments[0].name"},
        Wrong{"attachment_type_number", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","type":5}]})",
              "attachments[0].type"},
        Wrong{"mailbox_member", R"({"from":"a@b.example","to":[{"address":"c@d.example","nmae":"x"}]})", "to[0].nmae"},
        Wrong{"mailbox_name_number", R"({"from":{"address":"a@b.example","name":5},"to":"c@d.example"})", "from.name"},
        Wrong{"no_base64", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"%%%%"}]})",
              "attachments[0].content"},
        Wrong{"nobody", R"({"from":"a@b.example"})", "to"}, Wrong{"no_from", R"({"to":"c@d.example"})", "from"},
        Wrong{"number", R"({"from":1,"to":"c@d.example"})", "from"},
        Wrong{"unknown_member", R"({"from":"a@b.example","to":"c@d.example","atachments":[]})", "atachments"},
        Wrong{"classification", R"({"from":"a@b.example","to":"c@d.example","classification":"geheim"})", "classification"}),
    [](const auto& info) { return info.param.name; });

TEST_P(Faulty, IsNamedByItsPlace) {
  std::vector<web::JsonFault> faults;
  EXPECT_FALSE(compose(GetParam().json, faults));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].where, GetParam().where);
}

// RFC 5322 section 2.1.1: what cannot be folded must not make a line that no server takes.
TEST(Compose, LinesHaveAnEnd) {
  const std::string before = R"({"from":"a@b.example","to":"c@d.example",)", word(2000, 'x');
  for (const auto& [more, where] :
       {std::pair<std::string, std::string>{"\"subject\":\"" + word + "\"}", "subject"},
        {"\"headers\":{\"References\":\"<" + word + "@x>\"}}", "headers.References"},
        {"\"attachments\":[{\"content\":\"\",\"filename\":\"" + word.substr(0, 256) + "\"}]}", "attachments[0].filename"}}) {
    std::vector<web::JsonFault> faults;
    EXPECT_FALSE(compose(before + more, faults));
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].where, where);
  }
  std::vector<web::JsonFault> faults;
  std::string name;
  for (int i = 0; i < 127; ++i) name += "ü";
  const auto made = compose(
      before + "\"subject\":\"" + word.substr(0, 900) + "\",\"attachments\":[{\"content\":\"\",\"filename\":\"" + name + "\"}]}",
      faults);
  ASSERT_TRUE(made);
  std::size_t longest = 0, begun = 0;
  for (std::size_t end; (end = made->message.find("\r\n", begun)) != std::string::npos; begun = end + 2)
    longest = std::max(longest, end - begun);
  EXPECT_LE(longest, 998u);
}

// RFC 5322 section 3.2.2: a line of blanks is the end of the header for some readers.
TEST(Compose, BlanksMakeNoEmptyLine) {
  std::vector<web::JsonFault> faults;
  const auto made = compose(R"({"from":"a@b.example","to":"c@d.example","text":"x","subject":")" + std::string(300, ' ') + "x" +
                                std::string(300, ' ') + "\"}",
                            faults);
  ASSERT_TRUE(made);
  const std::string header = made->message.substr(0, made->message.find("\r\n\r\n") + 2);
  for (std::size_t end, begun = 0; (end = header.find("\r\n", begun)) != std::string::npos; begun = end + 2)
    EXPECT_NE(header.substr(begun, end - begun).find_first_not_of(' '), std::string::npos);
  EXPECT_THAT(header, HasSubstr("MIME-Version: 1.0\r\n"));
}

TEST(Json, DepthNumbersAndNamesAreLimited) {
  EXPECT_FALSE(web::parse_json_message(std::string(100'000, '[')));
  EXPECT_FALSE(web::parse_json_message("[]"));
  EXPECT_FALSE(web::parse_json_message("{} {}"));
  EXPECT_FALSE(web::parse_json_message(""));
  EXPECT_TRUE(web::parse_json_message("{\"a\":[" + std::string(28, '[') + std::string(28, ']') + "]} \r\n"));
  std::string many = "{\"a\":[1";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  const auto refused = web::parse_json_message(many + "]}");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("more than 100000 values"));
  EXPECT_TRUE(web::parse_json_message(many.substr(0, many.size() - 200) + "]}"));
}

// Of two members one reader takes the first, another the last.
TEST(Json, AMemberThatStandsTwiceIsRefusedWhereverItStands) {
  for (const char* text : {R"({"to":"a","to":"b"})", R"({"to":"a","t\u006f":"b"})", R"({"a":[{"x":{},"y":1,"x":2}]})"}) {
    const auto refused = web::parse_json_message(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().detail, HasSubstr("stands twice"));
  }
  const auto taken =
      web::parse_json_message(R"({"a":{"x":1},"b":{"x":[2,-3,4.5,true,null,18446744073709551615,"\u00fc"]},"x":"z"})");
  ASSERT_TRUE(taken);
  EXPECT_EQ(boost::json::serialize(*taken), R"({"a":{"x":1},"b":{"x":[2,-3,4.5E0,true,null,18446744073709551615,"ü"]},"x":"z"})");
  for (const char* text : {"{\"a\":\"\xff\"}", R"({"a":"\ud800x"})", "{\"a\":\"\x01\"}", "{a:1}", "{\"a\":01}"})
    EXPECT_FALSE(web::parse_json_message(text)) << text;
}

std::string lines(const std::string& in, std::size_t piece, const char*& fault) {
  web::MailLines reader;
  std::string out;
  fault = nullptr;
  for (std::size_t i = 0; i < in.size() && fault == nullptr; i += piece) fault = reader.feed(std::string_view(in).substr(i, piece), out);
  if (fault == nullptr) fault = reader.finish(out);
  return out;
}

TEST(MailLines, OneKindOfEndIsTakenAndBothAreNot) {
  for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
    const char* fault = nullptr;
    EXPECT_EQ(lines("a: b\n\nc\n", piece, fault), "a: b\r\n\r\nc\r\n");
    EXPECT_EQ(fault, nullptr);
    EXPECT_EQ(lines("a: b\r\n\r\nc", piece, fault), "a: b\r\n\r\nc\r\n");
    EXPECT_EQ(fault, nullptr);
    for (const char* bad : {"a\r\nb\n", "a\nb\r\n", "a\rb\r\n", "a\r\n\r", "a\r\r\n"}) {
      (void)lines(bad, piece, fault);
      EXPECT_NE(fault, nullptr) << bad;
    }
    (void)lines(std::string(70'000, 'x'), 4096, fault);
    EXPECT_NE(fault, nullptr);
  }
}

TEST(Language, TheOneThatIsWantedMost) {
  EXPECT_EQ(web::language_of("", "de"), "de");
  EXPECT_EQ(web::language_of("en-US,en;q=0.9", "de"), "en");
  EXPECT_EQ(web::language_of("fr, de;q=0.5, en;q=0.7", "de"), "en");
  EXPECT_EQ(web::language_of("fr", "en"), "en");
  EXPECT_EQ(web::language_of("de-CH", "en"), "de");
}

}  // namespace
