#include <algorithm>

#include "demail/evidence/confirmation_xml.hpp"

namespace demail {
namespace {

using enum EvidenceFinding;

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return out;
}

// The line as it was hashed. A reader of XML gives LF for CRLF (XML 1.0 section 2.11), and the last line end may have been left
// out; within a header there is no other.
std::string as_hashed(std::string_view original_header) {
  std::string out;
  for (const char c : original_header) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

bool names_field(std::string_view line, std::string_view name) {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && base::equal_ignoring_case(base::trim(line.substr(0, colon)), name);
}

class Binder {
 public:
  Binder(const Evidence& evidence, const Sent& sent) : m_evidence(evidence), m_sent(sent) {}

  base::Result<std::set<EvidenceFinding>> bind() {
    private_id();
    issuer();
    if (!m_evidence.confirmation || m_evidence.is_notification) return std::move(m_out);
    names();
    hash();
    if (auto body = body_hash(); !body) return body.error();
    return std::move(m_out);
  }

 private:
  void note(EvidenceFinding finding) { m_out.insert(finding); }
  std::string metadatum(std::string_view name) const {
    return m_evidence.confirmation ? std::string(trim_xml(m_evidence.confirmation->metadatum(name))) : std::string();
  }

  // The provider copies it into the header (section 3.1.17) and, with the original's metadata, into the XML.
  void private_id() {
    // under its other spelling no hash covers it: good enough where nothing is signed anyway
    const bool misspelt = m_evidence.fields.findings.contains(FieldFinding::misspelt_private_id);
    const std::string header = misspelt && !m_evidence.is_notification ? std::string() : m_evidence.fields.private_id;
    const std::string metadate = metadatum(field::private_id);
    const bool ours = !m_sent.private_id.empty() && (header == m_sent.private_id || metadate == m_sent.private_id);
    // where no private-id came through at all, what its provider called the message in earlier evidence, and its hash, name it as well
    const bool named = !header.empty() || !metadate.empty();
    if (!ours && (named || !is_by_message_id())) note(not_bound);
    for (const std::string& other : {header, metadate})
      if (!other.empty() && other != m_sent.private_id) note(other_private_id);
  }

  bool is_by_message_id() const {
    if (!m_evidence.confirmation || m_sent.message_id.empty() || m_sent.integrity.empty()) return false;
    return metadatum(field::message_id) == trim_xml(m_sent.message_id) && without_blanks(m_evidence.confirmation->hash) == without_blanks(m_sent.integrity);
  }

  void issuer() {
    if (!m_evidence.from) return;  // said already: wrong_system_address
    const auto is_below_ours = [&](const mail::Address& address) {
      return address.domain() == m_sent.own_provider || address.domain().ends_with("." + m_sent.own_provider);
    };
    const bool ours =
        m_evidence.fields.type == MessageType::dispatch ||
        (!m_sent.recipients.empty() && std::all_of(m_sent.recipients.begin(), m_sent.recipients.end(), is_below_ours));
    if (ours && is_confirmation(m_evidence.fields.type) && m_evidence.from->domain() != m_sent.own_provider) note(wrong_issuer);
  }

  void names() {
    const auto sender = mail::Address::parse(metadatum(field::sender));
    if (!sender || sender->folded() != m_sent.sender.folded()) note(other_sender);
    const auto read = parse_recipients(metadatum(field::chosen_recipient));
    const Recipients recipients = read ? *read : Recipients();
    bool all_ours = read.has_value();
    for (const auto* list : {&recipients.to, &recipients.cc, &recipients.bcc})
      for (std::size_t i = 0; all_ours && i < list->size(); ++i) {
        const std::string address = (*list)[i].address.folded();
        all_ours = std::any_of(m_sent.recipients.begin(), m_sent.recipients.end(),
                               [&](const mail::Address& known) { return known.folded() == address; });
      }
    if (!all_ours) note(other_recipient);
    if (!m_sent.message_id.empty() && metadatum(field::message_id) != trim_xml(m_sent.message_id)) note(other_message_id);
  }

  void hash() {
    const std::string& stated = m_evidence.confirmation->hash;
    if (!m_sent.integrity.empty() && without_blanks(stated) != without_blanks(m_sent.integrity)) note(other_hash);
    const std::string metadate = metadatum(field::integrity);
    if (!metadate.empty() && without_blanks(metadate) != without_blanks(stated)) note(other_hash);
    const auto integrity = parse_integrity(stated);
    if (!integrity) {
      note(header_hash_mismatch);
      return;
    }
    if (!lines_say_what_values_say()) note(header_hash_mismatch);
    header_hash(*integrity, stated);
  }

  // Value is the line's value "in normalised form": what becomes of its blanks is not said, so none counts.
  bool lines_say_what_values_say() {
    for (const Metadate& metadate : m_evidence.confirmation->metadata) {
      const std::string_view name = trim_xml(metadate.name);
      m_lines.push_back(as_hashed(metadate.original_header));
      const std::string& line = m_lines.back();
      if (!names_field(line, name)) return false;
      if (without_blanks(line.substr(line.find(':') + 1)) != without_blanks(metadate.value)) return false;
    }
    return true;
  }

  void header_hash(const Integrity& integrity, const std::string& stated) {
    const auto line =
        std::find_if(m_lines.begin(), m_lines.end(), [](const std::string& l) { return names_field(l, field::integrity); });
    // without its own line it is put together as most write it: if that fits, well; if not, it says nothing
    const bool has_line = line != m_lines.end();
    const std::string field = has_line ? *line : as_hashed(std::string(field::integrity) + ": " + std::string(trim_xml(stated)));
    const std::vector<std::string_view> raw(m_lines.begin(), m_lines.end());
    const std::string input = header_input(raw, integrity.header_names, field);
    if (const auto fits = hash_fits(integrity, input); !fits || (!*fits && !has_line))
      note(header_hash_unchecked);
    else if (!*fits)
      note(header_hash_mismatch);
  }

  // nullopt where there is no certificate to check a signature with
  std::optional<bool> hash_fits(const Integrity& integrity, const std::string& input) const {
    if (integrity.scheme == Scheme::none) return verify_value(integrity, input, {});
    const std::string text = without_blanks(metadatum(field::signature_certificate));
    if (text.empty()) return std::nullopt;
    const auto der = base::parse_base64(text);
    return der && verify_value(integrity, input, *der);
  }

  base::Result<void> body_hash() {
    const auto integrity = parse_integrity(m_evidence.confirmation->hash);
    if (!integrity || !m_sent.body) return {};
    const auto digest = hash_body(*m_sent.body, integrity->hash);
    if (!digest) return digest.error();
    if (*digest != integrity->body_hash) note(body_mismatch);
    return {};
  }

  const Evidence& m_evidence;
  const Sent& m_sent;
  std::set<EvidenceFinding> m_out;
  std::vector<std::string> m_lines;  // OriginalHeader, as they were hashed
};

}  // namespace

base::Result<std::set<EvidenceFinding>> bind(const Evidence& evidence, const Sent& sent) { return Binder(evidence, sent).bind(); }

bool forbids(EvidenceFinding finding) { return finding != local_time && finding != no_pdf && finding != header_hash_unchecked; }

bool counts(const Evidence& evidence, const std::set<EvidenceFinding>& bound) {
  if (!evidence.fields.has_type || !evidence.confirmation || !evidence.xml.empty()) return false;
  if (std::any_of(evidence.findings.begin(), evidence.findings.end(), forbids)) return false;
  if (std::any_of(bound.begin(), bound.end(), forbids)) return false;
  if (is_notification(evidence.fields.type)) return evidence.integrity.is_whole();
  return is_confirmation(evidence.fields.type) && evidence.integrity.is_proven();
}

const char* name_of(EvidenceFinding finding) {
  switch (finding) {
    case no_xml: return "no_xml";
    case several_xml: return "several_xml";
    case wrong_root: return "wrong_root";
    case wrong_structure: return "wrong_structure";
    case bad_time: return "bad_time";
    case local_time: return "local_time";
    case no_pdf: return "no_pdf";
    case unsigned_xml: return "unsigned_xml";
    case untrusted_signer: return "untrusted_signer";
    case wrong_system_address: return "wrong_system_address";
    case wrong_issuer: return "wrong_issuer";
    case other_private_id: return "other_private_id";
    case other_message_id: return "other_message_id";
    case other_hash: return "other_hash";
    case other_sender: return "other_sender";
    case other_recipient: return "other_recipient";
    case header_hash_mismatch: return "header_hash_mismatch";
    case header_hash_unchecked: return "header_hash_unchecked";
    case body_mismatch: return "body_mismatch";
    case not_bound: return "not_bound";
  }
  return "wrong_structure";
}

}  // namespace demail
