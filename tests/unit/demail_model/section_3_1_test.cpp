// BSI TR 01201 part 3.4 version 1.8, section 3.1, transcribed from its text: each table here is a table there. A message is
// built from the tables and then changed in one place.
#include <algorithm>

#include <gtest/gtest.h>

#include "demail/model/fields.hpp"

namespace demail {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

Fields read(const Lines& lines) {
  std::string block;
  for (const auto& [name, value] : lines) block += name + ": " + value + "\r\n";
  auto header = mail::Header::parse(block);
  EXPECT_TRUE(header) << block;
  return read_fields(*header);
}

// Table 1: number, name, then what it says for N, B, M and I.
struct Row {
  int number;
  const char *name, *n, *b, *m, *i;
};
const Row k_table_1[] = {
    {1, "X-de-mail-confirmation-of-dispatch", "XX", "", "", ""},
    {2, "X-de-mail-confirmation-of-receipt", "XX", "", "", ""},
    {3, "X-de-mail-confirmation-of-retrieve", "XX", "", "", ""},
    {4, "X-de-mail-authoritative", "XX", "", "", ""},
    {5, "X-de-mail-private", "XX", "wie original", "", "XX"},
    {6, "X-de-mail-sender", "XX", "XX", "XX", "XX"},
    {7, "X-de-mail-chosen-recipient", "XX", "XX", "XX", "XX"},
    {8, "Subject", "XX", "XX", "XX", "XX"},
    {9, "X-de-mail-private-id", "X", "X", "X", ""},
    {10, "Reply-To", "X", "X", "X", "X"},
    {11, "X-de-mail-auth-level", "XX", "X", "X", "X"},
    {12, "X-de-mail-auth-mechanism", "XX", "X", "X", "X"},
    {13, "Date", "XX", "XX", "XX", "XX"},
    {14, "X-de-mail-message-id", "XX", "XX", "XX", "XX"},
    {15, "X-de-mail-originator-provider", "XX", "XX", "XX", "XX"},
    {16, "X-de-mail-message-type", "XX", "XX", "XX", "XX"},
    {17, "X-de-mail-integrity", "XX", "XX", "XX", "XX"},
    {18, "X-de-mail-signature-certificate", "X", "XX", "X", "XX"},
    {19, "X-de-mail-actual-recipient", "XX", "XX", "XX", "XX"},
    {20, "Resent-To", "X", "X", "X", "X"},
    {20, "Resent-From", "X", "X", "X", "X"},
    {20, "Resent-Date", "X", "X", "X", "X"},
    {20, "Resent-Message-ID", "X", "X", "X", "X"},
    {21, "Envelope-to", "X", "X", "X", "X"},
    {22, "X-de-mail-version", "XX", "XX", "XX", "XX"},
    {23, "X-de-mail-account-holder", "XX", "", "", ""},
    {24, "X-de-mail-notification-type", "", "", "XX", ""},
    {25, "From", "XX", "XX", "XX", "XX"},
    {26, "Message-ID", "XX", "XX", "XX", "XX"},
};

// Table 12 with the column of table 1 that its type belongs to.
struct Type {
  const char* value;
  MessageType type;
  const char* Row::*column;
};
const Type k_table_12[] = {
    {"normal", MessageType::normal, &Row::n},
    {"confirmation of dispatch", MessageType::dispatch, &Row::b},
    {"confirmation of receipt", MessageType::receipt, &Row::b},
    {"confirmation of retrieve", MessageType::retrieve, &Row::b},
    {"malware-acknowledge", MessageType::malware_acknowledge, &Row::b},
    {"malware-notification", MessageType::malware_notification, &Row::m},
    {"notification", MessageType::notification, &Row::m},
    {"identification", MessageType::identification, &Row::i},
};

std::string good_value(const std::string& name, const Type& type) {
  if (name == "X-de-mail-message-type") return type.value;
  if (name == "X-de-mail-sender" || name == "From" || name == "Reply-To") return "amt53@stadt.de-mail.example";
  if (name == "X-de-mail-chosen-recipient" || name == "X-de-mail-actual-recipient")
    return "to=anna.muster@anbieter.de-mail.example";
  if (name == "X-de-mail-originator-provider") return "pvd.anbieter.de-mail.example";
  if (name == "X-de-mail-version") return "1.8";
  if (name == "X-de-mail-auth-level") return "high";
  if (name == "X-de-mail-signature-certificate") return "MAA=";
  if (name == "X-de-mail-notification-type") return "other";
  if (name.starts_with("X-de-mail-confirmation") || name == "X-de-mail-authoritative" || name == "X-de-mail-private") return "no";
  return "text";
}

Lines least(const Type& type) {
  Lines out;
  for (const Row& row : k_table_1)
    if (std::string(row.*type.column) == "XX") out.emplace_back(row.name, good_value(row.name, type));
  return out;
}
Lines without(Lines lines, const std::string& name) {
  std::erase_if(lines, [&](const auto& line) { return line.first == name; });
  return lines;
}
Lines with(Lines lines, const std::string& name, const std::string& value) {
  for (auto& line : lines)
    if (line.first == name) {
      line.second = value;
      return lines;
    }
  lines.emplace_back(name, value);
  return lines;
}
Lines normal() { return least(k_table_12[0]); }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

TEST(Section3_1_1, Table1ForEachHeaderAndType) {
  for (const Type& type : k_table_12) {
    const Lines base = least(type);
    const Fields whole = read(base);
    EXPECT_TRUE(whole.findings.empty()) << type.value << " " << (whole.findings.empty() ? "" : name_of(*whole.findings.begin()));
    EXPECT_EQ(whole.type, type.type);
    for (const Row& row : k_table_1) {
      const std::string says = row.*type.column, where = std::string(type.value) + " / " + row.name;
      const Fields there = read(with(base, row.name, good_value(row.name, type)));
      EXPECT_EQ(there.forbidden, says.empty() ? std::vector{lower(row.name)} : std::vector<std::string>{}) << where;
      EXPECT_EQ(there.findings.contains(FieldFinding::forbidden_field), says.empty()) << where;
      if (std::string(row.name) == "X-de-mail-message-type") continue;  // without it no column is chosen
      const Fields gone = read(without(base, row.name));
      EXPECT_EQ(gone.missing, says == "XX" ? std::vector{lower(row.name)} : std::vector<std::string>{}) << where;
      EXPECT_EQ(gone.findings.contains(FieldFinding::missing_field), says == "XX") << where;
    }
  }
}

TEST(Section3_1_1, TheRulesInTheirOrder) {
  ASSERT_EQ(field_rules().size(), std::size(k_table_1));
  for (std::size_t i = 0; i < std::size(k_table_1); ++i) {
    const FieldRule& rule = field_rules()[i];
    EXPECT_EQ(rule.name, lower(k_table_1[i].name));
    // part 3.1 section 5.1: the user sets nos. 1 to 10, the provider the others
    EXPECT_EQ(rule.set_by, k_table_1[i].number <= 10 ? SetBy::user : SetBy::provider) << rule.name;
    EXPECT_EQ(find_rule(k_table_1[i].name), &rule);
  }
  EXPECT_EQ(find_rule("X-de-mail-ref-id"), nullptr);
}

TEST(Section3_1_1, OfTwoTheFirstFromTheTop) {
  for (const char* name : {"X-de-mail-message-id", "X-de-mail-account-holder", "X-de-mail-auth-mechanism"}) {
    Lines lines = with(normal(), name, "first");
    lines.emplace_back(name, "second");
    const Fields fields = read(lines);
    EXPECT_EQ(std::string(name) == "X-de-mail-message-id"       ? fields.message_id
              : std::string(name) == "X-de-mail-account-holder" ? fields.account_holder
                                                                : fields.auth_mechanism,
              "first");
    EXPECT_EQ(fields.findings, std::set{FieldFinding::repeated_field}) << name;
  }
  Lines lines = with(normal(), "X-de-mail-private", "no");
  lines.emplace_back("X-DE-MAIL-PRIVATE", "yes");
  EXPECT_FALSE(read(lines).options.personal);
  lines.insert(lines.begin(), {"x-de-mail-private", "yes"});
  EXPECT_TRUE(read(lines).options.personal);
  // forwarded twice
  lines = normal();
  for (int i = 0; i < 2; ++i) {
    lines.emplace_back("Resent-To", "x@anbieter.de-mail.example");
    lines.emplace_back("Envelope-to", "x@anbieter.de-mail.example");
  }
  EXPECT_TRUE(read(lines).findings.empty());
}

TEST(Section3_1_1, NamesInAnyCase) {
  Lines upper;
  for (auto [name, value] : normal()) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    upper.emplace_back(name, value);
  }
  EXPECT_TRUE(read(upper).findings.empty());
  EXPECT_TRUE(is_demail_field("X-De-Mail-Anything"));
  EXPECT_TRUE(is_demail_field("x-de-mail-privat-id"));
  EXPECT_FALSE(is_demail_field("x-de-mailer"));
  EXPECT_FALSE(is_demail_field("Subject"));
}

// 3.1.2 to 3.1.6: one rule for five fields.
struct Option {
  const char* name;
  bool Options::*member;
};
void holds_yes_and_no(const Option& option) {
  const auto value = [&](const std::string& text) {
    const Fields fields = read(with(normal(), option.name, text));
    return std::pair{fields.options.*option.member, fields.findings};
  };
  using Pair = std::pair<bool, std::set<FieldFinding>>;
  EXPECT_EQ(value("yes"), (Pair{true, {}}));
  EXPECT_EQ(value("no"), (Pair{false, {}}));
  for (const char* other : {"YES", "Yes", "No", "ja", "true", "1", "yes.", "yes yes", "\"yes\"", ""})
    EXPECT_EQ(value(other), (Pair{false, {FieldFinding::bad_option}})) << other;
  const Fields absent = read(without(normal(), option.name));
  EXPECT_FALSE(absent.options.*option.member);
  EXPECT_FALSE(absent.findings.contains(FieldFinding::bad_option));
  // and it is this option alone
  Options only;
  only.*option.member = true;
  EXPECT_EQ(read(with(normal(), option.name, "yes")).options, only);
}
TEST(Section3_1_2, ConfirmationOfDispatch) { holds_yes_and_no({"X-de-mail-confirmation-of-dispatch", &Options::dispatch}); }
TEST(Section3_1_3, ConfirmationOfReceipt) { holds_yes_and_no({"X-de-mail-confirmation-of-receipt", &Options::receipt}); }
TEST(Section3_1_4, ConfirmationOfRetrieve) { holds_yes_and_no({"X-de-mail-confirmation-of-retrieve", &Options::retrieve}); }
TEST(Section3_1_5, Authoritative) { holds_yes_and_no({"X-de-mail-authoritative", &Options::authoritative}); }
TEST(Section3_1_6, Private) { holds_yes_and_no({"X-de-mail-private", &Options::personal}); }

TEST(Section3_1_7, Sender) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-sender", "Amt53@Stadt.DE-Mail.example")).sender->text(),
            "Amt53@stadt.de-mail.example");
  for (const char* bad :
       {"", "amt53", "<amt53@stadt.de-mail.example>", "Amt 53 <amt53@stadt.de-mail.example>", "a@x.example, b@x.example"}) {
    const Fields fields = read(with(normal(), "X-de-mail-sender", bad));
    EXPECT_FALSE(fields.sender) << bad;
    EXPECT_EQ(fields.findings, std::set{FieldFinding::bad_sender}) << bad;
  }
}

TEST(Section3_1_8, ChosenRecipient) {
  const Fields fields = read(with(normal(), "X-de-mail-chosen-recipient", "to=a@x.de-mail.example;bcc=b@x.de-mail.example"));
  ASSERT_TRUE(fields.chosen);
  EXPECT_EQ(fields.chosen->to.at(0).address.text(), "a@x.de-mail.example");
  EXPECT_EQ(fields.chosen->bcc.at(0).address.text(), "b@x.de-mail.example");
  EXPECT_TRUE(fields.findings.empty());
  const Fields bad = read(with(normal(), "X-de-mail-chosen-recipient", "to=a@x.de-mail.example;to=b@x.de-mail.example"));
  EXPECT_FALSE(bad.chosen);
  EXPECT_EQ(bad.findings, std::set{FieldFinding::bad_recipients});
}

TEST(Section3_1_9, AuthLevel) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-auth-level", "normal")).level, AuthLevel::normal);
  EXPECT_EQ(read(with(normal(), "X-de-mail-auth-level", "high")).level, AuthLevel::high);
  for (const char* bad : {"HIGH", "hoch", "", "highest"}) {
    const Fields fields = read(with(normal(), "X-de-mail-auth-level", bad));
    EXPECT_FALSE(fields.level) << bad;
    EXPECT_EQ(fields.findings, std::set{FieldFinding::bad_level}) << bad;
  }
}

TEST(Section3_1_10, AuthMechanism) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-auth-mechanism", "nPA (eID), Stufe 4")).auth_mechanism, "nPA (eID), Stufe 4");
}

TEST(Section3_1_11, OriginatorProvider) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-originator-provider", "PVD1.Anbieter.example")).originator_provider,
            "pvd1.anbieter.example");
  for (const char* bad : {"", "pvd1", "a b.example", "[192.0.2.1]"}) {
    const Fields fields = read(with(normal(), "X-de-mail-originator-provider", bad));
    EXPECT_EQ(fields.originator_provider, "") << bad;
    EXPECT_EQ(fields.findings, std::set{FieldFinding::bad_provider}) << bad;
  }
}

TEST(Section3_1_12, Table12) {
  for (const Type& type : k_table_12) {
    EXPECT_EQ(message_type(type.value), type.type);
    EXPECT_STREQ(name_of(type.type), type.value);
    EXPECT_EQ(is_confirmation(type.type), type.column == &Row::b) << type.value;
    EXPECT_EQ(is_notification(type.type), type.column == &Row::m) << type.value;
  }
  // the blank and the hyphen are mixed up in the field, a fold is a blank
  EXPECT_EQ(message_type("confirmation-of-dispatch"), MessageType::dispatch);
  EXPECT_EQ(message_type("confirmation of\t receipt"), MessageType::receipt);
  EXPECT_EQ(message_type("malware acknowledge"), MessageType::malware_acknowledge);
  for (const char* bad :
       {"", "confirmation", "confirmation of", "Normal", "confirmationofdispatch", "notifications", "confirmation_of_dispatch"}) {
    EXPECT_FALSE(message_type(bad)) << bad;
    const Fields fields = read(with(normal(), "X-de-mail-message-type", bad));
    EXPECT_FALSE(fields.has_type);
    EXPECT_TRUE(fields.findings.contains(FieldFinding::bad_type)) << bad;
  }
  const Fields untyped = read(without(normal(), "X-de-mail-message-type"));
  EXPECT_FALSE(untyped.has_type);
  EXPECT_EQ(untyped.missing, std::vector<std::string>{"x-de-mail-message-type"});
}

TEST(Section3_1_13, IntegrityIsUnfolded) {
  const Fields fields = read(with(normal(), "X-de-mail-integrity", "v=1; a=sha256;\r\n\tb=ab\r\n cd"));
  EXPECT_EQ(fields.integrity, "v=1; a=sha256;\tb=ab cd");
}

TEST(Section3_1_14, SignatureCertificate) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-signature-certificate", "MAMC\r\n AQE=")).certificate,
            std::string("\x30\x03\x02\x01\x01"));
  for (const char* bad : {"", "MAMCAQ", "-----BEGIN CERTIFICATE-----"}) {
    const Fields fields = read(with(normal(), "X-de-mail-signature-certificate", bad));
    EXPECT_EQ(fields.certificate, "") << bad;
    EXPECT_EQ(fields.findings, std::set{FieldFinding::bad_certificate_text}) << bad;
  }
}

TEST(Section3_1_15, ActualRecipient) {
  const Fields fields = read(with(normal(), "X-de-mail-actual-recipient", "to=neu@x.de-mail.example"));
  EXPECT_EQ(fields.actual->to.at(0).address.text(), "neu@x.de-mail.example");
  EXPECT_EQ(read(with(normal(), "X-de-mail-actual-recipient", "neu@x.de-mail.example")).findings,
            std::set{FieldFinding::bad_recipients});
}

TEST(Section3_1_16, Version) {
  for (const char* known : {"1.0", "1.1", "1.2", "1.7", "1.8"}) {
    const Fields fields = read(with(normal(), "X-de-mail-version", known));
    EXPECT_EQ(fields.version, known);
    EXPECT_FALSE(fields.findings.contains(FieldFinding::unknown_version));
  }
  for (const char* later : {"1.9", "2.0", "1.10", "1.3"}) {
    const Fields fields = read(with(normal(), "X-de-mail-version", later));
    EXPECT_EQ(fields.version, later);
    EXPECT_EQ(fields.findings, std::set{FieldFinding::unknown_version}) << later;
  }
  for (const char* bad : {"", "1", "1.", ".1", "1.7b", "1.2.3", "v1.8"}) {
    const Fields fields = read(with(normal(), "X-de-mail-version", bad));
    EXPECT_EQ(fields.version, "");
    EXPECT_EQ(fields.findings, std::set{FieldFinding::bad_version}) << bad;
  }
}

TEST(Section3_1_17, PrivateId) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-private-id", "AB-12/7 x")).private_id, "AB-12/7 x");
  EXPECT_EQ(read(with(normal(), "X-de-mail-private-id", std::string(1024, 'x'))).private_id.size(), 1024u);
  std::string umlauts;  // 1024 characters in 2048 bytes
  for (int i = 0; i < 1024; ++i) umlauts += "ü";
  EXPECT_EQ(read(with(normal(), "X-de-mail-private-id", umlauts)).private_id, umlauts);
  const Fields fields = read(with(normal(), "X-de-mail-private-id", std::string(1025, 'x')));
  EXPECT_EQ(fields.private_id, "");
  EXPECT_EQ(fields.findings, std::set{FieldFinding::long_private_id});
  // a known sender's spelling, and never against the right one
  const Fields misspelt = read(with(normal(), "X-de-mail-privat-id", "id1"));
  EXPECT_EQ(misspelt.private_id, "id1");
  EXPECT_EQ(misspelt.findings, std::set{FieldFinding::misspelt_private_id});
  const Fields right = read(with(with(normal(), "X-de-mail-privat-id", "id1"), "X-de-mail-private-id", "id2"));
  EXPECT_EQ(right.private_id, "id2");
  EXPECT_TRUE(right.findings.empty());
}

TEST(Section3_1_18, MessageId) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-message-id", "<7.x@pvd.example>")).message_id, "<7.x@pvd.example>");
}

TEST(Section3_1_19, AccountHolder) {
  EXPECT_EQ(read(with(normal(), "X-de-mail-account-holder", "Stadt Beispiel, Amt 53")).account_holder, "Stadt Beispiel, Amt 53");
}

TEST(Section3_1_20, Table22) {
  const std::pair<const char*, NotificationType> rows[] = {
      {"unknown-recipient", NotificationType::unknown_recipient},
      {"closed-account", NotificationType::closed_account},
      {"invalid-format", NotificationType::invalid_format},
      {"other", NotificationType::other},
  };
  for (const Type& type : k_table_12) {
    if (type.column != &Row::m) continue;
    for (const auto& [value, expected] : rows) {
      EXPECT_STREQ(name_of(expected), value);
      EXPECT_EQ(read(with(least(type), "X-de-mail-notification-type", value)).notification, expected);
    }
    // part 3.1 step 41: what says nothing, or is not there, is "other"
    EXPECT_EQ(read(with(least(type), "X-de-mail-notification-type", "too-large")).notification, NotificationType::other);
    EXPECT_EQ(read(without(least(type), "X-de-mail-notification-type")).notification, NotificationType::other);
  }
  EXPECT_FALSE(read(with(normal(), "X-de-mail-notification-type", "closed-account")).notification);
}

// Table 26: which header came with which version.
TEST(Section4, Table26) {
  struct Came {
    const char *name, *version;
  };
  const Came came[] = {{"X-de-mail-account-holder", "1.1"}, {"X-de-mail-notification-type", "1.2"}};
  for (const Came& row : came)
    for (const char* version : {"1.0", "1.1", "1.2", "1.7", "1.8"}) {
      const Type& type = std::string(row.name) == "X-de-mail-account-holder" ? k_table_12[0] : k_table_12[6];
      const bool must = std::string(version) >= row.version;
      const Fields fields = read(with(without(least(type), row.name), "X-de-mail-version", version));
      EXPECT_EQ(!fields.missing.empty(), must) << row.name << " in " << version;
    }
  for (const FieldRule& rule : field_rules()) {
    const bool later = rule.name == "x-de-mail-account-holder" || rule.name == "x-de-mail-notification-type";
    EXPECT_EQ(rule.since != "1.0", later) << rule.name;
  }
}

}  // namespace
}  // namespace demail
