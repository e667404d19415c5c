// A message as JSON becomes mail, and nothing in it becomes more than it is.
#include "gateway/web/compose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    testing::Values(Wrong{"newline_in_address", R"({"from":"a@b.example\r\nBcc: x@y.example","to":"c@d.example"})", "from"},
                    Wrong{"newline_in_subject", R"({"from":"a@b.example","to":"c@d.example","subject":"x\r\nBcc: x@y.example"})", "subject"},
                    Wrong{"newline_in_name", R"({"from":{"address":"a@b.example","name":"x\r\ny"},"to":"c@d.example"})", "from.name"},
                    Wrong{"newline_in_field", R"({"from":"a@b.example","to":"c@d.example","headers":{"References":"x\ny"}})", "headers.References"},
                    Wrong{"unknown_option", R"({"from":"a@b.example","to":"c@d.example","demail":{"private":true}})", "demail.private"},
                    Wrong{"option_as_text", R"({"from":"a@b.example","to":"c@d.example","demail":{"receipt":"yes"}})", "demail.receipt"},
                    Wrong{"option_list", R"({"from":"a@b.example","to":"c@d.example","demail":["receipt"]})", "demail"},
                    Wrong{"field_of_ours", R"({"from":"a@b.example","to":"c@d.example","headers":{"Received":"x"}})", "headers.Received"},
                    Wrong{"field_bcc", R"({"from":"a@b.example","to":"c@d.example","headers":{"Bcc":"x@y.example"}})", "headers.Bcc"},
                    Wrong{"field_twice", R"({"from":"a@b.example","to":"c@d.example","headers":{"References":"x","references":"y"}})", "headers.references"},
                    Wrong{"type_with_parameters", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","type":"text/plain; a=b"}]})", "attachments[0].type"},
                    Wrong{"type_composite", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","type":"message/rfc822"}]})", "attachments[0].type"},
                    Wrong{"file_with_path", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"","filename":"../x"}]})", "attachments[0].filename"},
                    Wrong{"no_base64", R"({"from":"a@b.example","to":"c@d.example","attachments":[{"content":"%%%%"}]})", "attachments[0].content"},
                    Wrong{"nobody", R"({"from":"a@b.example"})", "to"}, Wrong{"no_from", R"({"to":"c@d.example"})", "from"},
                    Wrong{"number", R"({"from":1,"to":"c@d.example"})", "from"}, Wrong{"unknown_member", R"({"from":"a@b.example","to":"c@d.example","atachments":[]})", "atachments"},
                    Wrong{"classification", R"({"from":"a@b.example","to":"c@d.example","classification":"geheim"})", "classification"}),
    [](const auto& info) { return info.param.name; });

TEST_P(Faulty, IsNamedByItsPlace) {
  std::vector<web::JsonFault> faults;
  EXPECT_FALSE(compose(GetParam().json, faults));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].where, GetParam().where);
}

TEST(Compose, DepthIsLimited) {
  EXPECT_FALSE(web::parse_json_message(std::string(100'000, '[')));
  EXPECT_FALSE(web::parse_json_message("[]"));
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
