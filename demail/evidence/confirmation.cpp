#include "demail/evidence/confirmation.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "demail/evidence/confirmation_xml.hpp"
#include "mail/message/inspect.hpp"
#include "mail/message/transfer_encoding.hpp"

namespace demail {
namespace {

constexpr std::string_view k_dispatch_address = "versandbestaetigung", k_receipt_address = "eingangsbestaetigung",
                           k_retrieve_address = "abholbestaetigung", k_malware_address = "schadsoftware-warnung",
                           k_notice_address = "meldung";

// Part 3.1: from which local part each type comes. Where a warning without signature comes from is not said: either will do.
bool is_system_address(MessageType type, std::string_view local) {
  const std::string name = base::to_lower(local);
  switch (type) {
    case MessageType::dispatch: return name == k_dispatch_address;
    case MessageType::receipt: return name == k_receipt_address;
    case MessageType::retrieve: return name == k_retrieve_address;
    case MessageType::malware_acknowledge: return name == k_malware_address;
    case MessageType::malware_notification: return name == k_malware_address || name == k_notice_address;
    case MessageType::notification: return name == k_notice_address;
    case MessageType::normal:
    case MessageType::identification: return false;
  }
  return false;
}

// What is found among the parts of a message.
struct Found {
  std::vector<std::string> xml;  // with one of the two roots
  bool other_xml = false;
  bool pdf = false;
};

class Finder {
 public:
  Finder(base::ByteView message, const mail::MessageFacts& facts) : m_message(message), m_facts(facts) {}

  Found find() {
    for (std::size_t i = 0; i < m_facts.parts.size(); ++i)
      if (is_leaf(i) && !is_enclosed(i)) look_at(m_facts.parts[i]);
    return std::move(m_out);
  }

 private:
  bool is_leaf(std::size_t index) const {
    const std::size_t next = index + 1;  // a child follows its parent
    const bool has_child = next < m_facts.parts.size() && m_facts.parts[next].parent == index;
    return !has_child && !m_facts.parts[index].type.starts_with("multipart/");
  }
  // What a message in the message holds is that message's.
  bool is_enclosed(std::size_t index) const {
    while (index != 0) {
      index = m_facts.parts[index].parent;
      if (m_facts.parts[index].type == "message/rfc822") return true;
    }
    return false;
  }

  void look_at(const mail::Part& part) {
    const auto content =
        mail::decode_transfer(part.transfer_encoding, m_message.substr(part.body_begin, part.body_end - part.body_begin));
    if (!content) return;
    if (content->starts_with("%PDF-")) m_out.pdf = true;
    const std::string root = root_name(*content);
    if (root == k_acknowledge || root == k_notification)
      m_out.xml.push_back(*content);
    else if (content->starts_with("<?xml"))
      m_out.other_xml = true;
  }

  base::ByteView m_message;
  const mail::MessageFacts& m_facts;
  Found m_out;
};

class Examiner {
 public:
  Examiner(const certs::TrustStore* anchors, base::Timestamp at) : m_anchors(anchors), m_at(at) {}

  base::Result<Evidence> examine(base::ByteView message) {
    const mail::MessageFacts facts = mail::inspect(message);
    m_out.fields = read_fields(facts.header);
    auto integrity =
        verify_integrity(facts.header, *base::make_content(std::string(message.substr(facts.header_size))), m_anchors, m_at);
    if (!integrity) return std::move(integrity).error();
    m_out.integrity = *std::move(integrity);
    if (facts.from) m_out.from = facts.from->address;
    const Found found = Finder(message, facts).find();
    if (!found.pdf) note(EvidenceFinding::no_pdf);
    if (found.xml.size() > 1)
      note(EvidenceFinding::several_xml);
    else if (found.xml.empty())
      note(found.other_xml ? EvidenceFinding::wrong_root : EvidenceFinding::no_xml);
    else
      read_xml(found.xml.front());
    judge_type();
    judge_issuer();
    return std::move(m_out);
  }

 private:
  void note(EvidenceFinding finding) { m_out.findings.insert(finding); }

  void read_xml(const std::string& xml) {
    // the document says what it is; what it says beyond that is read from the bytes that are signed, if any are
    ReadConfirmation whole = read_confirmation(xml, Signature::expected);
    m_out.is_notification = whole.is_notification;
    if (m_out.is_notification) {
      if (!whole.confirmation) m_out.xml = parse_findings(xml);
      m_out.findings.merge(whole.findings);
      m_out.confirmation = std::move(whole.confirmation);
      return;
    }
    SignedXml checked = verify_signed_xml(xml);
    m_out.xml = checked.findings;
    if (m_out.xml.contains(XmlFinding::no_signature)) {
      note(EvidenceFinding::unsigned_xml);
      whole = read_confirmation(xml, Signature::absent);
    }
    m_out.findings.merge(whole.findings);
    m_out.confirmation = std::move(whole.confirmation);
    if (!m_out.xml.empty()) return;
    ReadConfirmation covered = read_confirmation(checked.digested, Signature::absent);
    m_out.findings.merge(covered.findings);
    m_out.confirmation = std::move(covered.confirmation);
    const SignerVerdict signer = verify_signer(checked.certificate, m_anchors, m_at, checked.more_certificates);
    m_out.xml_certificate = signer.findings;
    m_out.xml_chain = signer.chain;
    if (!signer.is_trusted()) note(EvidenceFinding::untrusted_signer);
  }

  // Why a notification could not be read; that it has no signature is as it should be.
  static std::set<XmlFinding> parse_findings(const std::string& xml) {
    std::set<XmlFinding> out = verify_signed_xml(xml).findings;
    out.erase(XmlFinding::no_signature);
    return out;
  }

  void judge_type() {
    const Fields& fields = m_out.fields;
    const bool confirms = fields.has_type && is_confirmation(fields.type),
               notifies = fields.has_type && is_notification(fields.type);
    if (!m_out.confirmation) return;
    if (m_out.is_notification ? !notifies : !confirms) {
      note(EvidenceFinding::wrong_root);
      return;
    }
    if (!confirms) return;
    // section 3.5.1 and table 23: retrieve confirmations say when the message was filed, and no others do
    if (m_out.confirmation->delivery_time.has_value() != (fields.type == MessageType::retrieve) &&
        !m_out.findings.contains(EvidenceFinding::bad_time))
      note(EvidenceFinding::wrong_structure);
  }

  void judge_issuer() {
    const Fields& fields = m_out.fields;
    if (!fields.has_type || !m_out.from || !is_system_address(fields.type, m_out.from->local()))
      note(EvidenceFinding::wrong_system_address);
    if (!m_out.from) return;
    const std::string& domain = m_out.from->domain();
    if (fields.sender && fields.sender->domain() != domain) note(EvidenceFinding::wrong_issuer);
    if (!m_out.confirmation || m_out.is_notification) return;  // a notification's Sender is a name (table 25)
    const auto sender = mail::Address::parse(trim_xml(m_out.confirmation->sender));
    if (!sender || sender->domain() != domain) note(EvidenceFinding::wrong_issuer);
  }

  const certs::TrustStore* m_anchors;
  base::Timestamp m_at;
  Evidence m_out;
};

}  // namespace

base::Result<Evidence> read_evidence(base::ByteView message, const certs::TrustStore* anchors, base::Timestamp at) {
  if (message.size() > k_max_confirmation.value) return base::fail(base::k_too_large, "a confirmation");
  return Examiner(anchors, at).examine(message);
}

std::string Confirmation::metadatum(std::string_view name) const {
  for (const Metadate& metadate : metadata)
    if (base::equal_ignoring_case(trim_xml(metadate.name), name)) return metadate.value;
  return {};
}

}  // namespace demail
