#include "mail/report/dsn.hpp"

#include <gtest/gtest.h>

#include "mail/message/inspect.hpp"

namespace mail {
namespace {

ReportInput input(ReportKind kind) {
  ReportInput in;
  in.kind = kind;
  in.hostname = "gw.stadt.example";
  in.to = *Address::parse("amt53@stadt.example");
  in.message_id = "<1@gw.stadt.example>";
  in.language = "de";
  in.original_subject = "Befund Müller";
  in.original_from = "amt53@stadt.example";
  in.original_message_id = "<2@stadt.example>";
  in.recipients = {{"a@x.example", "rfc822;a@x.example", "5.1.1", "mx.x.example", "550 5.1.1 nobody", "", {}}};
  return in;
}

// RFC 3464 section 2 and RFC 6522: three parts, the machine's fields in their groups
TEST(Report, Structure) {
  for (const ReportKind kind : {ReportKind::failed, ReportKind::delayed, ReportKind::sent, ReportKind::held, ReportKind::overdue, ReportKind::uncertain, ReportKind::confirmed}) {
    const auto text = compose_report(input(kind));
    ASSERT_TRUE(text);
    const auto facts = inspect(*text);
    EXPECT_TRUE(facts.defects.empty());
    EXPECT_FALSE(facts.has_8bit_body);
    EXPECT_TRUE(facts.auto_submitted);
    ASSERT_EQ(facts.parts.size(), 4u);
    EXPECT_EQ(facts.parts[0].type, "multipart/report");
    EXPECT_EQ(facts.parts[2].type, "message/delivery-status");
    EXPECT_EQ(facts.parts[3].type, "text/rfc822-headers");
    EXPECT_NE(text->find("Final-Recipient: rfc822; a@x.example\r\n"), std::string::npos);
    EXPECT_NE(text->find("Reporting-MTA: dns; gw.stadt.example\r\n"), std::string::npos);
  }
  EXPECT_NE(compose_report(input(ReportKind::failed))->find("Action: failed\r\nStatus: 5.1.1\r\n"), std::string::npos);
  EXPECT_NE(compose_report(input(ReportKind::sent))->find("Action: relayed\r\n"), std::string::npos);
}

// RFC 6522: evidence that came along stands beside the report, byte for byte, and is no part of it
TEST(Report, Evidence) {
  const std::string evidence = "From: Eingangsbestaetigung@anbieter.de-mail.example\r\nSubject: *Eingangsbest\303\244tigung*\r\n\r\nText\r\n";
  auto in = input(ReportKind::confirmed);
  in.title_de = "Eingangsbestätigung";
  in.title_en = "Receipt confirmation";
  in.recipients[0].action = "relayed";
  in.recipients[0].status.clear();
  in.evidence = evidence;
  const auto text = compose_report(in);
  ASSERT_TRUE(text);
  const auto facts = inspect(*text);
  EXPECT_TRUE(facts.defects.empty());
  EXPECT_EQ(facts.subject, "Eingangsbestätigung: Befund Müller");
  ASSERT_GE(facts.parts.size(), 6u);
  EXPECT_EQ(facts.parts[0].type, "multipart/mixed");
  EXPECT_EQ(facts.parts[1].type, "multipart/report");
  EXPECT_EQ(facts.parts[5].type, "message/rfc822");
  EXPECT_NE(text->find("Content-Transfer-Encoding: 8bit\r\nContent-Disposition: attachment; filename=\"evidence.eml\"\r\n\r\n" + evidence + "\r\n--"), std::string::npos);
  EXPECT_NE(text->find("Action: relayed\r\nStatus: 2.0.0\r\n"), std::string::npos);
  in.evidence = {};
  EXPECT_EQ(inspect(*compose_report(in)).parts[0].type, "multipart/report");
}

// what a peer or a sender wrote cannot become a field or a part
TEST(Report, HostileText) {
  auto in = input(ReportKind::failed);
  in.recipients[0].diagnostic = "550 x\r\nAction: delivered";
  in.recipients[0].original = "rfc822;a\r\n\r\n--x";
  in.original_subject = "a\r\nBcc: b@x.example";
  in.envelope_id = "e\r\nX: y";
  const auto text = compose_report(in);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find("\nAction: delivered"), std::string::npos);
  EXPECT_EQ(text->find("\nBcc:"), std::string::npos);
  EXPECT_EQ(text->find("\nX: y"), std::string::npos);
  EXPECT_EQ(inspect(*text).parts.size(), 4u);
}

}  // namespace
}  // namespace mail
