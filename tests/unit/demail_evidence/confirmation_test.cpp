// Sections 3.4.1 and 3.5: what a provider's message holds.
#include "demail/evidence/confirmation_xml.hpp"

#include "base/core/errors.hpp"
#include "tests/unit/demail_evidence/fixture.hpp"

namespace demail {
namespace {

using namespace tests;
using enum EvidenceFinding;
using Findings = std::set<EvidenceFinding>;

TEST(Section3_5_1, AReceiptConfirmation) {
  const Evidence e = evidence_of(confirmation(signed_xml()));
  EXPECT_EQ(e.findings, Findings{});
  EXPECT_EQ(e.xml, std::set<XmlFinding>{});
  EXPECT_TRUE(e.integrity.is_proven());
  EXPECT_EQ(e.fields.type, MessageType::receipt);
  EXPECT_EQ(e.fields.private_id, "0197c1d2-8f00");
  EXPECT_TRUE(e.fields.findings.empty());
  EXPECT_EQ(e.from->text(), "Eingangsbestaetigung@anderer.de-mail.example");
  EXPECT_EQ(e.xml_chain, (std::vector<std::string>{Providers::pki().der("ec"), Providers::pki().der("ca")}));
  EXPECT_EQ(e.xml_certificate, std::set{certs::Finding::revocation_unknown});
  ASSERT_TRUE(e.confirmation);
  const Confirmation& c = *e.confirmation;
  EXPECT_FALSE(e.is_notification);
  EXPECT_EQ(c.sender, "Eingangsbestaetigung@anderer.de-mail.example");
  EXPECT_EQ(c.subject, "Eingangsbestätigung: Bescheid über etwas");
  EXPECT_EQ(c.text, "Hiermit wird bestätigt …");
  EXPECT_EQ(base::format_utc(c.time), "2026-03-02T08:16:00.000Z");
  EXPECT_FALSE(c.delivery_time);
  EXPECT_EQ(c.hash, split(original()).header.find("x-de-mail-integrity")->value());
  EXPECT_EQ(c.metadatum("X-DE-MAIL-Private-Id"), "0197c1d2-8f00");
  EXPECT_EQ(c.metadatum("x-de-mail-message-id"), "<4711.20260302@pvd.anbieter.de-mail.example>");
  EXPECT_EQ(c.metadatum("x-de-mail-account-holder"), "Stadt Beispiel");
  EXPECT_EQ(c.metadatum("x-none"), "");
  for (const Metadate& m : c.metadata)
    if (base::equal_ignoring_case(m.name, "subject")) {
      EXPECT_EQ(m.original_header, split(original()).header.find("subject")->raw);
    }
}

// Table 12 with the system addresses of part 3.1: which type comes from where, with which document.
struct Row {
  const char *type, *local;
  bool confirms;
};
const Row k_rows[] = {
    {"confirmation of dispatch", "Versandbestaetigung", true},
    {"confirmation of receipt", "Eingangsbestaetigung", true},
    {"confirmation of retrieve", "Abholbestaetigung", true},
    {"malware-acknowledge", "Schadsoftware-Warnung", true},
    {"malware-notification", "Schadsoftware-Warnung", false},
    {"malware-notification", "Meldung", false},
    {"notification", "Meldung", false},
};

std::string notification_xml(const std::string& time = "2026-03-02T08:16:00Z") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><n:Notification-Message xmlns:n=\"urn:de-mail\"><n:Subject>Unbekannter "
         "Empfänger</n:Subject><n:Text>Den gibt "
         "es nicht.</n:Text><n:Time>" +
         time + "</n:Time><n:Sender>Anderer Anbieter</n:Sender></n:Notification-Message>";
}

Acknowledgement acknowledgement_for(const Row& row) {
  Acknowledgement a;
  a.sender = std::string(row.local) + "@anderer.de-mail.example";
  if (row.type == std::string("confirmation of retrieve")) a.delivery_time = "2026-03-02T08:17:00+01:00";
  return a;
}
Envelope envelope_for(const Row& row) {
  Envelope envelope;
  envelope.type = row.type;
  envelope.from = std::string(row.local) + "@anderer.de-mail.example";
  if (!row.confirms) {
    envelope.algorithm = "sha256";
    envelope.key.clear();
    envelope.more = "x-de-mail-notification-type: unknown-recipient\r\n";
  }
  return envelope;
}

TEST(Section3_5, EachTypeFromItsSystemAddress) {
  for (const Row& row : k_rows) {
    const std::string xml = row.confirms ? signed_xml(acknowledgement_for(row)) : notification_xml();
    const Evidence e = evidence_of(confirmation(xml, envelope_for(row)));
    EXPECT_EQ(e.findings, Findings{}) << row.type;
    EXPECT_EQ(e.is_notification, !row.confirms) << row.type;
    EXPECT_TRUE(e.xml.empty()) << row.type;
    EXPECT_EQ(e.integrity.is_proven(), row.confirms) << row.type;
    EXPECT_TRUE(e.integrity.is_whole()) << row.type;
    EXPECT_TRUE(e.fields.findings.empty()) << row.type;
  }
  // and from none of the others'
  const std::string xml = signed_xml();
  for (const Row& row : k_rows) {
    Envelope envelope;
    envelope.from = std::string(row.local) + "@anderer.de-mail.example";
    const bool right = row.local == std::string("Eingangsbestaetigung");
    EXPECT_EQ(evidence_of(confirmation(xml, envelope)).findings.contains(wrong_system_address), !right) << row.local;
  }
}

TEST(Section3_5, TheDocumentOfAnotherType) {
  Envelope notice = envelope_for(k_rows[6]);
  EXPECT_TRUE(evidence_of(confirmation(signed_xml(), notice)).findings.contains(wrong_root));
  EXPECT_TRUE(evidence_of(confirmation(notification_xml())).findings.contains(wrong_root));
  Envelope normal;
  normal.type = "normal";
  EXPECT_TRUE(evidence_of(confirmation(signed_xml(), normal)).findings.contains(wrong_root));
  EXPECT_FALSE(counts(evidence_of(confirmation(signed_xml(), normal)), {}));
}

TEST(Section3_5_1, DeliveryTimeIsForRetrieveAlone) {
  Acknowledgement retrieve = acknowledgement_for(k_rows[2]);
  const Evidence good = evidence_of(confirmation(signed_xml(retrieve), envelope_for(k_rows[2])));
  EXPECT_EQ(base::format_utc(*good.confirmation->delivery_time), "2026-03-02T07:17:00.000Z");
  retrieve.delivery_time.clear();
  EXPECT_EQ(evidence_of(confirmation(signed_xml(retrieve), envelope_for(k_rows[2]))).findings, Findings{wrong_structure});
  Acknowledgement receipt;
  receipt.delivery_time = "2026-03-02T08:17:00Z";
  EXPECT_EQ(evidence_of(confirmation(signed_xml(receipt))).findings, Findings{wrong_structure});
}

TEST(Section3_5_2, ANotification) {
  const Evidence e = evidence_of(confirmation(notification_xml(), envelope_for(k_rows[6])));
  ASSERT_TRUE(e.confirmation);
  EXPECT_EQ(e.confirmation->subject, "Unbekannter Empfänger");
  EXPECT_EQ(e.confirmation->text, "Den gibt es nicht.");
  EXPECT_EQ(e.confirmation->sender, "Anderer Anbieter");
  EXPECT_TRUE(e.confirmation->metadata.empty());
  EXPECT_EQ(e.confirmation->hash, "");
  EXPECT_EQ(e.fields.notification, NotificationType::unknown_recipient);
  const Evidence broken =
      evidence_of(confirmation(replaced(notification_xml(), "</n:Sender>", "</n:Sender><n:Sender/>"), envelope_for(k_rows[6])));
  EXPECT_EQ(broken.findings, Findings{wrong_structure});
  const Evidence dtd = evidence_of(
      confirmation(replaced(notification_xml(), "<n:N", "<!DOCTYPE n:Notification-Message><n:N"), envelope_for(k_rows[6])));
  EXPECT_EQ(dtd.xml, std::set{XmlFinding::has_dtd});
  EXPECT_FALSE(dtd.confirmation);
  const Evidence commented =
      evidence_of(confirmation(replaced(notification_xml(), "Den gibt", "<!-- -->Den gibt"), envelope_for(k_rows[6])));
  EXPECT_FALSE(counts(commented, {}));
}

// The schema, element by element: each left out, doubled, moved, renamed, in no namespace, with an attribute, with a child.
TEST(Section3_5_3, StrictlyByTheSchema) {
  const std::string good = Acknowledgement().xml("");
  EXPECT_TRUE(read_confirmation(good, Signature::absent).confirmation);
  const auto bad = [](const std::string& xml) {
    const ReadConfirmation out = read_confirmation(xml, Signature::absent);
    EXPECT_FALSE(out.confirmation) << xml;
    return out.findings;
  };
  for (const char* name : {"Sender", "Metadata", "Subject", "Text", "Hash", "Time"}) {
    const std::string open = std::string("<") + name + ">", close = std::string("</") + name + ">";
    const auto begin = good.find(open), end = good.find(close) + close.size();
    const std::string element = good.substr(begin, end - begin), without = good.substr(0, begin) + good.substr(end);
    EXPECT_EQ(bad(without), Findings{wrong_structure}) << name;
    EXPECT_EQ(bad(replaced(good, element, element + element)), Findings{wrong_structure}) << name;
    const std::string last = "</Acknowledge-Message>", sender = "<Sender>";
    EXPECT_EQ(bad(name == std::string("Sender") || name != std::string("Time") ? replaced(without, last, element + last)
                                                                               : replaced(without, sender, element + sender)),
              Findings{wrong_structure})
        << name;
    EXPECT_EQ(bad(replaced(replaced(good, open, "<x>"), close, "</x>")), Findings{wrong_structure}) << name;
    EXPECT_EQ(bad(replaced(good, open, std::string("<") + name + " xmlns=\"\">")), Findings{wrong_structure}) << name;
    EXPECT_EQ(bad(replaced(good, open, std::string("<") + name + " a=\"b\">")), Findings{wrong_structure}) << name;
    EXPECT_EQ(bad(replaced(good, open, open + "<b/>")), Findings{wrong_structure}) << name;
  }
  for (const char* name : {"Name", "Value", "OriginalHeader", "Metadate"}) {
    const std::string open = std::string("<") + name + ">", close = std::string("</") + name + ">";
    const auto begin = good.find(open), end = good.find(close) + close.size();
    EXPECT_EQ(bad(good.substr(0, begin) + (name == std::string("Metadate") ? "text" : "") + good.substr(end)),
              Findings{wrong_structure})
        << name;
    EXPECT_EQ(bad(replaced(replaced(good, open, "<x>"), close, "</x>")), Findings{wrong_structure}) << name;
  }
  EXPECT_EQ(bad(replaced(good, "<Subject>", "text<Subject>")), Findings{wrong_structure});
  EXPECT_EQ(bad(replaced(good, "<Subject>", "<?pi?><Subject>")), Findings{wrong_structure});
  EXPECT_EQ(bad(replaced(good, "Hiermit", "Hier<?pi?>mit")), Findings{wrong_structure});
  EXPECT_EQ(bad(replaced(good, "urn:de-mail", "urn:de-mail2")), Findings{wrong_root});
  EXPECT_EQ(bad("<Other xmlns=\"urn:de-mail\"/>"), Findings{wrong_root});
  EXPECT_EQ(bad("<Acknowledge-Message/>"), Findings{wrong_root});
  EXPECT_EQ(bad(replaced_between(good, "<Metadata>", "</Metadata>", "<Metadata></Metadata>")), Findings{wrong_structure});
  EXPECT_TRUE(read_confirmation(replaced(good, "xmlns=\"urn:de-mail\"",
                                         "xmlns=\"urn:de-mail\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                                         "xsi:schemaLocation=\"urn:de-mail x.xsd\""),
                                Signature::absent)
                  .confirmation);
  EXPECT_TRUE(read_confirmation(replaced(good, "Hiermit", "<![CDATA[Hiermit]]>"), Signature::absent).confirmation);
}

TEST(Section3_5_3, SignatureAndMetadata) {
  const std::string good = Acknowledgement().xml("");
  // the signature is the last child, in a document that has it, and no child of one that must not
  const std::string signature = "<ds:Signature xmlns:ds=\"" + k_dsig + "\"/>";
  EXPECT_TRUE(read_confirmation(Acknowledgement().xml(signature), Signature::expected).confirmation);
  EXPECT_FALSE(read_confirmation(good, Signature::expected).confirmation);
  EXPECT_FALSE(read_confirmation(Acknowledgement().xml(signature), Signature::absent).confirmation);
  EXPECT_FALSE(read_confirmation(replaced(good, "<Hash>", signature + "<Hash>"), Signature::expected).confirmation);
  const auto findings = [](const std::string& xml) { return read_confirmation(xml, Signature::absent).findings; };
  const std::string one = "<Metadate><Name>a</Name><Value>b</Value><OriginalHeader>a: b</OriginalHeader></Metadate>";
  std::string metadata;
  for (std::size_t i = 0; i < k_max_metadata; ++i) metadata += one;
  EXPECT_TRUE(read_confirmation(replaced_between(good, "<Metadata>", "</Metadata>", "<Metadata>" + metadata + "</Metadata>"),
                                Signature::absent)
                  .confirmation);
  EXPECT_EQ(findings(replaced_between(good, "<Metadata>", "</Metadata>", "<Metadata>" + metadata + one + "</Metadata>")),
            Findings{wrong_structure});
}

TEST(Section3_5_3, DateTime) {
  const std::tuple<const char*, const char*, bool> rows[] = {
      {"2026-03-02T08:16:00Z", "2026-03-02T08:16:00.000Z", true},
      {" 2026-03-02T08:16:00Z\n", "2026-03-02T08:16:00.000Z", true},
      {"2026-03-02T08:16:00.5Z", "2026-03-02T08:16:00.500Z", true},
      {"2026-03-02T08:16:00.123456789Z", "2026-03-02T08:16:00.123Z", true},
      {"2026-03-02T08:16:00+01:00", "2026-03-02T07:16:00.000Z", true},
      {"2026-03-02T00:16:00+02:00", "2026-03-01T22:16:00.000Z", true},
      {"2026-03-02T08:16:00-05:30", "2026-03-02T13:46:00.000Z", true},
      {"2026-03-02T08:16:00+14:00", "2026-03-01T18:16:00.000Z", true},
      {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59.000Z", true},
      {"2026-12-31T24:00:00Z", "2027-01-01T00:00:00.000Z", true},
      {"2026-03-02T08:16:00", "2026-03-02T08:16:00.000Z", false},
  };
  for (const auto& [text, utc, zone] : rows) {
    const auto time = parse_xml_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(base::format_utc(time->time), utc) << text;
    EXPECT_EQ(time->has_zone, zone) << text;
  }
  for (const char* bad : {"",
                          "2026-03-02",
                          "2026-03-02 08:16:00Z",
                          "2026-3-2T8:16:00Z",
                          "2026-02-29T08:16:00Z",
                          "2026-13-02T08:16:00Z",
                          "2026-03-02T25:16:00Z",
                          "2026-03-02T24:00:01Z",
                          "2026-03-02T08:60:00Z",
                          "2026-03-02T08:16:60Z",
                          "2026-03-02T08:16:00.Z",
                          "2026-03-02T08:16:00+14:01",
                          "2026-03-02T08:16:00+15:00",
                          "2026-03-02T08:16:00+0100",
                          "2026-03-02T08:16Z",
                          "2026-03-02T08:16:00ZZ",
                          "-2026-03-02T08:16:00Z",
                          "02.03.2026 08:16",
                          "2026-03-02T08:16:00z",
                          "0000-03-02T08:16:00Z",
                          "12026-03-02T08:16:00Z"})
    EXPECT_FALSE(parse_xml_time(bad)) << bad;
  Acknowledgement a;
  a.time = "2026-03-02T08:16:00";
  const Evidence without_zone = evidence_of(confirmation(signed_xml(a)));
  EXPECT_EQ(without_zone.findings, Findings{local_time}) << "said, and no reason to disbelieve it: the schema allows it";
  EXPECT_EQ(base::format_utc(without_zone.confirmation->time), "2026-03-02T08:16:00.000Z");
  a.time = "gestern";
  EXPECT_EQ(evidence_of(confirmation(signed_xml(a))).findings, Findings{bad_time});
}

TEST(Section3_4_1, PartsAreFoundByContent) {
  const std::string xml = signed_xml(), plain = "Guten Tag";
  const std::vector<std::vector<Part>> good = {
      {{xml}, {k_pdf}},
      {{k_pdf}, {xml}},
      {{plain, "7bit", "text/plain"}, {xml, "8bit", "text/xml"}, {k_pdf, "base64", "application/pdf"}},
      {{xml, "binary", "text/plain; name=\"bild.jpg\""}, {k_pdf, "base64", "image/png"}},
      {{"<html><body>x</body></html>", "7bit", "text/html"}, {k_pdf}, {xml}},
      {{"\xef\xbb\xbf" + xml}, {k_pdf}},
  };
  for (const auto& parts : good) {
    const Evidence e = evidence_of(Envelope().message(parts));
    EXPECT_EQ(e.findings, Findings{}) << parts[0].type;
    EXPECT_TRUE(e.integrity.is_proven());
  }
  const auto findings = [&](const std::vector<Part>& parts) { return evidence_of(Envelope().message(parts)).findings; };
  EXPECT_EQ(findings({{xml}}), Findings{no_pdf});
  EXPECT_EQ(findings({{k_pdf}}), Findings{no_xml});
  EXPECT_EQ(findings({{plain, "7bit", "text/xml; name=\"bestaetigung.xml\""}, {k_pdf}}), Findings{no_xml});
  EXPECT_EQ(findings({{xml}, {k_pdf}, {xml}}), Findings{several_xml}) << "nobody says which";
  EXPECT_EQ(findings({{"<?xml version=\"1.0\"?><Ident/>"}, {k_pdf}}), Findings{wrong_root});
  EXPECT_EQ(findings({{"=", "base64"}, {xml + "x", "quoted-printable"}, {xml, "x-unknown"}, {k_pdf}}), Findings{no_xml})
      << "what does not decode is not looked at";
  // what lies in an enclosed message is that message's
  const std::string enclosed = "From: x@x.example\r\nContent-Type: text/xml\r\n\r\n" + xml;
  EXPECT_EQ(findings({{enclosed, "8bit", "message/rfc822"}, {k_pdf}}), Findings{no_xml});
}

TEST(Section3_4_1, QuotedPrintable) {
  std::string coded;
  for (const char c : signed_xml()) {
    char text[4];
    std::snprintf(text, sizeof text, "=%02X", static_cast<unsigned char>(c));
    coded += text;
    if (coded.size() % 80 > 74) coded += "=\r\n";
  }
  EXPECT_EQ(evidence_of(Envelope().message({{coded, "quoted-printable"}, {k_pdf}})).findings, Findings{});
}

TEST(ReadEvidence, UnsignedUntrustedBroken) {
  const std::string unsigned_text = Acknowledgement().xml("");
  const Evidence bare = evidence_of(confirmation(unsigned_text));
  EXPECT_EQ(bare.findings, Findings{unsigned_xml});
  EXPECT_EQ(bare.xml, std::set{XmlFinding::no_signature});
  EXPECT_TRUE(bare.confirmation) << "read from what stands there";
  EXPECT_FALSE(counts(bare, {}));

  const std::string good = confirmation(signed_xml());
  const Evidence untrusted = evidence_of(good, nullptr);
  EXPECT_EQ(untrusted.findings, Findings{untrusted_signer});
  EXPECT_FALSE(untrusted.integrity.is_proven());
  EXPECT_FALSE(counts(untrusted, {}));

  const Evidence altered = evidence_of(confirmation(replaced(signed_xml(), "Hiermit", "Hiermut")));
  EXPECT_EQ(altered.xml, std::set{XmlFinding::bad_signature});
  EXPECT_TRUE(altered.confirmation);
  EXPECT_FALSE(counts(altered, {}));

  Envelope hashed;
  hashed.algorithm = "sha256";
  hashed.key.clear();
  const Evidence once = evidence_of(confirmation(signed_xml(), hashed));
  EXPECT_TRUE(once.integrity.is_whole());
  EXPECT_FALSE(counts(once, {})) << "a confirmation is signed twice";

  Envelope web;
  web.key = "web";
  EXPECT_FALSE(counts(evidence_of(confirmation(signed_xml(), web)), {}));
  const Evidence by_web = evidence_of(confirmation(signed_xml({}, {}, "web")));
  EXPECT_EQ(by_web.findings, Findings{untrusted_signer});
  EXPECT_TRUE(by_web.xml_certificate.contains(certs::Finding::wrong_purpose));

  EXPECT_TRUE(counts(evidence_of(good), {}));
  EXPECT_FALSE(counts(evidence_of(replaced(good, "X-de-mail-integrity", "X-other")), {}));
  EXPECT_FALSE(counts(evidence_of(replaced(good, "JVBERi0", "JVBERi1")), {})) << "the PDF is under the signature of the message";
}

TEST(ReadEvidence, Issuer) {
  Acknowledgement other;
  other.sender = "Eingangsbestaetigung@dritter.de-mail.example";
  EXPECT_EQ(evidence_of(confirmation(signed_xml(other))).findings, Findings{wrong_issuer});
  other.sender = "Anderer Anbieter";
  EXPECT_EQ(evidence_of(confirmation(signed_xml(other))).findings, Findings{wrong_issuer});
  const std::string message =
      replaced(Envelope().unsigned_message({{signed_xml()}, {k_pdf}}), "x-de-mail-sender: Eingangsbestaetigung@anderer",
               "x-de-mail-sender: Eingangsbestaetigung@dritter");
  EXPECT_TRUE(evidence_of(message).findings.contains(wrong_issuer));
  EXPECT_TRUE(
      evidence_of(replaced(Envelope().unsigned_message({{signed_xml()}, {k_pdf}}), "\r\nFrom: ", "\r\nFrom: x@x.example, "))
          .findings.contains(wrong_system_address));
}

TEST(ReadEvidence, AnyBytes) {
  for (const std::string& bytes : {std::string(), std::string("\r\n\r\n"), std::string("x"), std::string(1000, '\0'),
                                   std::string("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b")}) {
    const Evidence e = evidence_of(bytes);
    EXPECT_TRUE(e.findings.contains(no_xml));
    EXPECT_FALSE(counts(e, {}));
  }
  const auto large = read_evidence(std::string(k_max_confirmation.value + 1, 'x'), nullptr, {});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, base::k_too_large);
}

}  // namespace
}  // namespace demail
