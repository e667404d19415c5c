// What the simulator writes before the gateway's reader, two programs by the same standard that share no code for it: good
// confirmations of both providers count, each forged one is found out, and for its own reason.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/core/bytes.hpp"
#include "demail/evidence/confirmation.hpp"
#include "simulator/issue/issue.hpp"
#include "simulator/sign/seal.hpp"

// This process sets the XML library up twice, once by each side; what the first time allocated is lost, in no program of ours.
extern "C" const char* __lsan_default_suppressions() { return "leak:libxmlsec1\n"; }

namespace simulator {
namespace {

using demail::EvidenceFinding;
using demail::IntegrityFinding;
using demail::MessageType;
using demail::XmlFinding;

class Judged : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/amtsbote-judged-XXXXXX";
    s_directory = ::mkdtemp(name);
    s_now = base::system_clock().now();
    s_pki = *open_pki(s_directory, default_accounts(), s_now);
    const std::string pem = *base::read_file(s_pki.file("signature-root"), base::kib(64));
    std::string coded;
    for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
      if (pem[at] != '\n') coded += pem[at];
    s_anchors = *certs::make_trust_store({{*base::parse_base64(coded)}, {}, {}});
    demail::initialise_xml();
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(s_directory); }

  // A letter of that provider's to two recipients, sealed.
  static Letter letter(Side side, Hash hash, Scheme scheme) {
    const Directory directory(default_accounts(), {"de-mail.example"});
    const Account* account = directory.find_login(side == Side::a ? "stadt" : "firma");
    const std::string sender = side == Side::a ? "amt@stadt.de-mail.example" : "info@firma.de-mail.example";
    const Envelope envelope{*mail::Address::parse(sender), {*mail::Address::parse(k_one), *mail::Address::parse(k_two)}};
    const auto draft =
        check_draft(directory, {account, demail::AuthLevel::high, "Zertifikat"}, envelope,
                    "From: =?utf-8?q?B=C3=BCrgeramt?= <" + sender + ">\r\nTo: " + k_one + ", " + k_two +
                        "\r\nSubject: =?utf-8?q?Pr=C3=BCfung?= eines Bescheids,\r\n der gefaltet ist\r\nMessage-ID: <1@x>\r\n"
                        "x-de-mail-confirmation-of-dispatch: yes\r\nx-de-mail-private-id: "
                        "01HZY3V9M3Z7R1T8E5Q2W4C6B8.0\r\n\r\nText & mehr <x>\r\n\r\n");
    Letter out = write_letters(std::get<Draft>(draft), {account, demail::AuthLevel::high, "Zertifikat"}, s_now).front();
    out.header =
        *seal(out.header, out.body, side, {hash, scheme, scheme == Scheme::none ? nullptr : &s_pki.of(side).signer(scheme)});
    out.integrity = mail::Header::parse(out.header)->find("x-de-mail-integrity")->value();
    return out;
  }

  static Issued confirm(const Letter& about, Side issuer, MessageType type, Hash hash, Scheme scheme, Fate fate = Fate::good) {
    ConfirmationOrder order;
    order.type = type;
    order.issuer = issuer;
    order.letter = &about;
    order.recipients = type == MessageType::dispatch ? about.recipients : std::vector{about.recipients[1]};
    order.received_header = type == MessageType::dispatch ? about.header : with_envelope_to(about.header, about.recipients[1]);
    order.now = s_now + std::chrono::seconds(5);
    if (type == MessageType::retrieve) order.delivered = s_now;
    order.fate = fate;
    auto issued = issue_confirmation({hash, scheme, &s_pki}, order);
    EXPECT_TRUE(issued) << issued.error().describe();
    return *std::move(issued);
  }

  static std::string bytes_of(const Issued& issued) {
    return with_envelope_to(issued.header, issued.to.front()) + "\r\n" + issued.body;
  }

  static demail::Sent sent(const Letter& about) {
    demail::Sent out;
    out.private_id = about.private_id;
    out.sender = about.sender;
    out.recipients = about.recipients;
    out.integrity = about.integrity;
    out.message_id = about.id;
    out.body = base::make_content(about.body);
    out.own_provider = provider_of(about.side).domain;
    return out;
  }

  static inline const std::string k_one = "eins@firma.de-mail.example", k_two = "erika.mustermann@anbieter-a.de-mail.example";
  static inline base::fs::path s_directory;
  static inline base::Timestamp s_now;
  static inline Pki s_pki;
  static inline certs::TrustStorePtr s_anchors;
};

template <class Set>
std::string names(const Set& findings) {
  std::string out;
  for (const auto& finding : findings) out += std::string(name_of(finding)) + " ";
  return out;
}

std::string describe(const demail::Evidence& evidence, const std::set<EvidenceFinding>& bound) {
  return "findings: " + names(evidence.findings) + "| bound: " + names(bound) + "| xml: " + names(evidence.xml) +
         "| integrity: " + names(evidence.integrity.findings) + "| fields: " + names(evidence.fields.findings);
}

TEST_F(Judged, LettersOfBothProvidersHold) {
  for (const Side side : k_sides)
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512})
      for (const Scheme scheme : {Scheme::none, Scheme::rsa, Scheme::rsassa_pss, Scheme::ec_dsa}) {
        const Letter one = letter(side, hash, scheme);
        const auto header = mail::Header::parse(one.header);
        ASSERT_TRUE(header);
        const auto verdict = *demail::verify_integrity(*header, *base::make_content(one.body), s_anchors.get(), s_now);
        EXPECT_TRUE(verdict.is_whole()) << names(verdict.findings);
        EXPECT_EQ(verdict.is_proven(), scheme != Scheme::none) << names(verdict.findings);
        const auto altered = *demail::verify_integrity(*header, *base::make_content("x" + one.body), s_anchors.get(), s_now);
        EXPECT_TRUE(altered.findings.contains(IntegrityFinding::body_mismatch));
        const demail::Fields fields = demail::read_fields(*header);
        EXPECT_TRUE(fields.findings.empty()) << names(fields.findings);
        EXPECT_EQ(fields.chosen->to.size(), 2u);
        EXPECT_EQ(fields.private_id, one.private_id);
      }
}

TEST_F(Judged, GoodConfirmationsCount) {
  for (const Side issuer : k_sides)
    for (const Scheme scheme : {Scheme::rsa, Scheme::rsassa_pss, Scheme::ec_dsa})
      for (const Scheme of_letter : {Scheme::none, scheme})
        for (const MessageType type :
             {MessageType::dispatch, MessageType::receipt, MessageType::retrieve, MessageType::malware_acknowledge}) {
          const Letter about = letter(type == MessageType::dispatch ? issuer : Side::b, Hash::sha256, of_letter);
          if (type != MessageType::dispatch && issuer == Side::b) continue;  // the recipient's provider is A
          const Issued issued = confirm(about, issuer, type, Hash::sha256, scheme);
          const auto evidence = demail::read_evidence(bytes_of(issued), s_anchors.get(), s_now);
          ASSERT_TRUE(evidence) << evidence.error().describe();
          const auto bound = *demail::bind(*evidence, sent(about));
          EXPECT_TRUE(demail::counts(*evidence, bound))
              << name_of(type) << " of " << name_of(issuer) << ": " << describe(*evidence, bound);
          ASSERT_TRUE(evidence->confirmation);
          EXPECT_EQ(evidence->confirmation->hash, about.integrity);
          EXPECT_EQ(evidence->confirmation->delivery_time.has_value(), type == MessageType::retrieve);
          EXPECT_EQ(evidence->fields.type, type);
        }
}

// Does it say what is wrong with this one?
bool names_the_fault(Fate fate, const demail::Evidence& e, const std::set<EvidenceFinding>& bound) {
  const bool strangers = e.findings.contains(EvidenceFinding::untrusted_signer) &&
                         e.integrity.findings.contains(IntegrityFinding::untrusted_certificate);
  switch (fate) {
    case Fate::wrong_hash: return bound.contains(EvidenceFinding::other_hash);
    case Fate::wrong_signer:
    case Fate::expired:
    case Fate::spoofed: return strangers;
    case Fate::altered_xml: return e.xml == std::set{XmlFinding::bad_signature};
    case Fate::altered_mail: return !e.integrity.is_whole() && e.xml.empty();
    case Fate::unsigned_xml:
      return e.findings.contains(EvidenceFinding::unsigned_xml) && e.integrity.findings.contains(IntegrityFinding::not_signed);
    case Fate::wrapped: return !e.xml.empty();
    case Fate::wrong_private_id: return bound.contains(EvidenceFinding::other_private_id);
    case Fate::other_recipient:
      return bound.contains(EvidenceFinding::other_recipient) && bound.contains(EvidenceFinding::header_hash_mismatch);
    case Fate::unknown_version: return e.fields.findings.contains(demail::FieldFinding::unknown_version);
    default: return false;
  }
}

TEST_F(Judged, EachForgeryIsFoundOut) {
  const Letter about = letter(Side::a, Hash::sha256, Scheme::none);
  for (const Side issuer : k_sides)
    for (const Fate fate : all_fates()) {
      if (!is_forged(fate) && fate != Fate::spoofed) continue;
      const MessageType type = issuer == Side::a ? MessageType::dispatch : MessageType::receipt;
      Letter other = about;  // the receipt is about the second of its recipients: the one at the issuer
      if (issuer == Side::b) std::swap(other.recipients[0], other.recipients[1]);
      const Issued issued = confirm(other, issuer, type, Hash::sha256, Scheme::rsassa_pss, fate);
      const auto evidence = demail::read_evidence(bytes_of(issued), s_anchors.get(), s_now);
      ASSERT_TRUE(evidence) << evidence.error().describe();
      const auto bound = *demail::bind(*evidence, sent(about));
      EXPECT_TRUE(names_the_fault(fate, *evidence, bound)) << name_of(fate) << ": " << describe(*evidence, bound);
      // what to make of a version that nobody knows is the receiver's own decision
      if (fate == Fate::unknown_version) continue;
      EXPECT_FALSE(demail::counts(*evidence, bound)) << name_of(fate);
    }
}

}  // namespace
}  // namespace simulator
