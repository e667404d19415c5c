// A confirmation against the message that it is said to be about.
#include "base/core/errors.hpp"
#include "tests/unit/demail_evidence/fixture.hpp"

namespace demail {
namespace {

using namespace tests;
using enum EvidenceFinding;
using Findings = std::set<EvidenceFinding>;

Sent ours() {
  const SplitMessage parts = split(original());
  return {.private_id = "0197c1d2-8f00",
          .sender = *mail::Address::parse("amt53@stadt.de-mail.example"),
          .recipients = {*mail::Address::parse("anna.muster@anderer.de-mail.example"),
                         *mail::Address::parse("bernd.muster@anderer.de-mail.example")},
          .message_id = "<4711.20260302@pvd.anbieter.de-mail.example>",
          .integrity = parts.header.find("x-de-mail-integrity")->value(),
          .body = parts.body,
          .own_provider = "anbieter.de-mail.example"};
}

Findings bound(const Evidence& evidence, const Sent& sent = ours()) {
  auto out = bind(evidence, sent);
  EXPECT_TRUE(out);
  return *out;
}
Findings bound(const Acknowledgement& a, const Sent& sent = ours(), const Envelope& envelope = {}) {
  return bound(evidence_of(confirmation(signed_xml(a), envelope)), sent);
}

TEST(Bind, Good) {
  const Evidence e = evidence_of(confirmation(signed_xml()));
  EXPECT_EQ(bound(e), Findings{});
  EXPECT_TRUE(counts(e, bound(e)));
  Sent first = ours();  // of which nothing came back yet
  first.message_id.clear();
  first.integrity.clear();
  EXPECT_EQ(bound(e, first), Findings{});
  first.body = nullptr;
  EXPECT_EQ(bound(e, first), Findings{});
}

TEST(Bind, EachThingThatIsAnother) {
  const Evidence e = evidence_of(confirmation(signed_xml()));
  const auto with = [&](auto change) {
    Sent sent = ours();
    change(sent);
    const Findings out = bound(e, sent);
    EXPECT_FALSE(counts(e, out));
    return out;
  };
  EXPECT_EQ(with([](Sent& s) { s.private_id = "0197c1d2-8f01"; }), (Findings{other_private_id, not_bound}));
  EXPECT_EQ(with([](Sent& s) { s.private_id = ""; }), (Findings{other_private_id, not_bound}));
  EXPECT_EQ(with([](Sent& s) { s.sender = *mail::Address::parse("amt54@stadt.de-mail.example"); }), Findings{other_sender});
  EXPECT_EQ(with([](Sent& s) { s.recipients.pop_back(); }), Findings{other_recipient});
  EXPECT_EQ(with([](Sent& s) { s.recipients.clear(); }), Findings{other_recipient});
  EXPECT_EQ(with([](Sent& s) { s.message_id = "<1@pvd.anbieter.de-mail.example>"; }), Findings{other_message_id});
  EXPECT_EQ(with([](Sent& s) { s.integrity = replaced(s.integrity, "b=", "b=A"); }), Findings{other_hash});
  EXPECT_EQ(with([](Sent& s) { s.body = base::make_content("Sehr geehrter Herr Muster,\r\n"); }), Findings{body_mismatch});
}

TEST(Bind, PrivateIds) {
  // in the header alone, in the metadata alone, nowhere, and two that differ
  Acknowledgement bare;
  bare.of = script("make sha256", replaced_between(k_demail, "x-de-mail-private-id: ", "\r\n", ""));
  Sent sent = ours();
  sent.integrity.clear();
  EXPECT_EQ(bound(bare, sent), Findings{});
  Envelope without;
  without.private_id.clear();
  EXPECT_EQ(bound(Acknowledgement(), ours(), without), Findings{});
  EXPECT_EQ(bound(bare, sent, without), Findings{not_bound});
  // known from earlier evidence, its provider's name for it and the hash are as good; either alone is not
  Sent known = ours();
  known.integrity = evidence_of(confirmation(signed_xml(bare))).confirmation->hash;
  EXPECT_EQ(bound(bare, known, without), Findings{});
  Sent half = known;
  half.message_id.clear();
  EXPECT_EQ(bound(bare, half, without), Findings{not_bound});
  half = known;
  half.integrity.clear();
  EXPECT_EQ(bound(bare, half, without), Findings{not_bound});
  Envelope other;
  other.private_id = "0197c1d2-9999";
  EXPECT_EQ(bound(Acknowledgement(), ours(), other), Findings{other_private_id});
  // under its other spelling nothing covers it
  Envelope misspelt = without;
  misspelt.more = "x-de-mail-privat-id: 0197c1d2-8f00\r\n";
  EXPECT_EQ(bound(bare, sent, misspelt), Findings{not_bound});
  EXPECT_EQ(bound(Acknowledgement(), ours(), misspelt), Findings{});
}

// Step 61 of part 3.1: who may issue what.
TEST(Bind, Issuer) {
  const auto issued = [&](const char* type, const std::string& local, const std::string& provider, Sent sent) {
    Acknowledgement a;
    a.sender = local + "@" + provider;
    Envelope envelope;
    envelope.type = type;
    envelope.from = a.sender;
    if (std::string(type) == "confirmation of retrieve") a.delivery_time = a.time;
    const Evidence e = evidence_of(confirmation(signed_xml(a), envelope));
    EXPECT_TRUE(e.findings.empty()) << type;
    return bound(e, sent).contains(wrong_issuer);
  };
  EXPECT_FALSE(issued("confirmation of dispatch", "Versandbestaetigung", "anbieter.de-mail.example", ours()));
  EXPECT_TRUE(issued("confirmation of dispatch", "Versandbestaetigung", "anderer.de-mail.example", ours()));
  EXPECT_FALSE(issued("confirmation of receipt", "Eingangsbestaetigung", "anderer.de-mail.example", ours()));
  EXPECT_FALSE(issued("confirmation of retrieve", "Abholbestaetigung", "anderer.de-mail.example", ours()));
  // the recipients are our own provider's: then nobody else can have filed it
  Sent near = ours();
  near.own_provider = "anderer.de-mail.example";
  EXPECT_FALSE(issued("confirmation of receipt", "Eingangsbestaetigung", "anderer.de-mail.example", near));
  EXPECT_TRUE(issued("confirmation of receipt", "Eingangsbestaetigung", "dritter.de-mail.example", near));
}

TEST(Bind, HeaderHash) {
  // as another writer of XML has line ends, and another provider signs
  for (const char* algorithm : {"sha256", "sha384", "sha512", "sha256/ec-dsa", "sha512/rsa", "sha384/rsassa-pss"}) {
    const std::string scheme = algorithm, key = scheme.find("ec") != std::string::npos ? "ec" : "rsa",
                      f = Providers::pki().file(key);
    const bool is_signed = scheme.find('/') != std::string::npos;
    Acknowledgement a;
    a.of = script("make " + scheme + (is_signed ? " " + f + ".key " + f + ".pem" : ""), k_demail);
    Sent sent = ours();
    sent.integrity = split(a.of).header.find("x-de-mail-integrity")->value();
    a.line_end = is_signed ? "\r\n" : "&#13;\n";
    EXPECT_EQ(bound(a, sent), Findings{}) << algorithm;
    a.line_end = "\n";
    EXPECT_EQ(bound(a, sent), Findings{}) << algorithm;
    if (is_signed) {
      a.left_out = {"x-de-mail-signature-certificate"};
      EXPECT_EQ(bound(a, sent), Findings{header_hash_unchecked});
      a.left_out.clear();
    }
    // the provider signs that these were the lines, and they were not
    a.of = replaced(a.of, "Date: Mon, 02", "Date: Tue, 03");
    EXPECT_EQ(bound(a, sent), Findings{header_hash_mismatch}) << algorithm;
  }
  Acknowledgement a;
  a.left_out = {"from"};
  EXPECT_EQ(bound(a), Findings{header_hash_mismatch}) << "a line that was hashed is missing";
  a.left_out = {"x-de-mail-integrity"};
  EXPECT_EQ(bound(a), Findings{header_hash_unchecked}) << "the spelling of its name and its folds are unknown";
}

TEST(Bind, ValuesThatAreNotTheirLines) {
  const std::string xml = Acknowledgement().xml(SignatureTemplate().text());
  const auto signed_with = [&](const std::string& from, const std::string& to) {
    return bound(evidence_of(confirmation(xmlsec_sign(replaced(xml, from, to)))));
  };
  EXPECT_EQ(signed_with("<Value>0197c1d2-8f00<", "<Value>0197 c1d2-8f00<"), (Findings{other_private_id}))
      << "blanks are no difference to the line, but to the id";
  EXPECT_EQ(signed_with("<Value>Stadt Beispiel<", "<Value>Stadt Andere<"), Findings{header_hash_mismatch});
  EXPECT_EQ(signed_with("<Name>x-de-mail-version<", "<Name>x-de-mail-sender<"), (Findings{header_hash_mismatch, other_sender}));
  EXPECT_EQ(signed_with("<Hash>v=1", "<Hash>v=2"), (Findings{header_hash_mismatch, other_hash}));
}

TEST(Bind, Notifications) {
  const std::string xml =
      "<Notification-Message "
      "xmlns=\"urn:de-mail\"><Subject>s</Subject><Text>t</Text><Time>2026-03-02T08:16:00Z</Time><Sender>A</Sender></"
      "Notification-Message>";
  Envelope envelope;
  envelope.type = "notification";
  envelope.from = "Meldung@anderer.de-mail.example";
  envelope.algorithm = "sha256";
  envelope.key.clear();
  const Evidence good = evidence_of(confirmation(xml, envelope));
  EXPECT_EQ(bound(good), Findings{});
  EXPECT_TRUE(counts(good, bound(good)));
  Sent other = ours();
  other.private_id = "x";
  EXPECT_FALSE(counts(good, bound(good, other)));
  const Evidence altered = evidence_of(replaced(confirmation(xml, envelope), "Subject: *E", "Subject: *e"));
  EXPECT_FALSE(altered.integrity.is_whole());
  EXPECT_FALSE(counts(altered, bound(altered)));
  envelope.private_id.clear();
  envelope.more = "x-de-mail-privat-id: 0197c1d2-8f00\r\n";
  EXPECT_EQ(bound(evidence_of(confirmation(xml, envelope))), Findings{});
}

TEST(Bind, WhatForbids) {
  const Evidence e = evidence_of(confirmation(signed_xml()));
  for (int i = 0; i <= static_cast<int>(not_bound); ++i) {
    const auto finding = static_cast<EvidenceFinding>(i);
    const bool harmless = finding == local_time || finding == no_pdf || finding == header_hash_unchecked;
    EXPECT_EQ(forbids(finding), !harmless) << name_of(finding);
    EXPECT_EQ(counts(e, {finding}), harmless) << name_of(finding);
    Evidence with = e;
    with.findings.insert(finding);
    EXPECT_EQ(counts(with, {}), harmless) << name_of(finding);
  }
}

class Broken : public base::Content {
  base::ByteCount size() const override { return {1}; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override { return base::fail(base::k_io); }
};
TEST(Bind, ABodyThatCannotBeReadIsUnknown) {
  Sent sent = ours();
  sent.body = std::make_shared<Broken>();
  const auto out = bind(evidence_of(confirmation(signed_xml())), sent);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, base::k_io);
}

}  // namespace
}  // namespace demail
