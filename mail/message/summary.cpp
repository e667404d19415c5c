#include "mail/message/summary.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"

namespace mail {
namespace {

// RFC 5322 section 3.6 and RFC 2045: fields that may stand once
constexpr const char* k_once[] = {"Date",    "From",       "Sender",       "Reply-To",     "To",
                                  "Cc",      "Bcc",        "Message-ID",   "In-Reply-To",  "References",
                                  "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

std::string value_of(const Header& header, std::string_view name) {
  const HeaderField* field = header.find(name);
  return field == nullptr ? std::string{} : field->value();
}

bool is_pkcs7(const std::string& type, const char* what) {
  return type == std::string("application/pkcs7-") + what || type == std::string("application/x-pkcs7-") + what;
}

void find_from(MessageFacts& facts) {
  const std::size_t count = facts.header.count("From");
  if (count == 0) {
    facts.defects.insert(Defect::no_from);
    return;
  }
  if (count > 1) {
    facts.defects.insert(Defect::several_from);
    return;
  }
  auto list = parse_mailbox_list(value_of(facts.header, "From"), 10);
  if (!list)
    facts.defects.insert(Defect::malformed_from);
  else if (list->empty())
    facts.defects.insert(Defect::no_from);
  else if (list->size() > 1)
    facts.defects.insert(Defect::several_from);
  else
    facts.from = std::move(list->front());
}

// A vowel and the combining diaeresis (U+0308) are one letter in the composed form (ä, ö, ü): some systems write them apart.
void compose_umlauts(std::string& text) {
  static constexpr std::pair<char, char> k_umlauts[] = {{'a', '\xa4'}, {'o', '\xb6'}, {'u', '\xbc'}};
  for (const auto& [vowel, composed] : k_umlauts) {
    const std::string apart = std::string(1, vowel) + "\xcc\x88", together = std::string("\xc3") + composed;
    for (auto at = text.find(apart); at != std::string::npos; at = text.find(apart, at)) text.replace(at, apart.size(), together);
  }
}

// Blanks at the ends removed, inner ones folded, lower case. Other letters that look like these stay what they are.
std::string normal_keyword(std::string_view text) {
  text = base::trim(text);
  if (text.size() > k_max_keyword_bytes) return {};
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && !out.empty() && out.back() == ' ') continue;
    out += blank ? ' ' : c;
  }
  out = fold_case(out);
  compose_umlauts(out);
  return out;
}

}  // namespace

bool describe_part(const Header& header, bool in_digest, Part& part) {
  part.type = in_digest ? "message/rfc822" : "text/plain";
  bool good = true;
  if (const HeaderField* field = header.find("Content-Type")) {
    const auto type = parse_parameterized(field->value());
    if (type && type->value.find('/') != std::string::npos) {
      part.type = type->value;
      part.charset = base::to_lower(type->parameter("charset"));
      part.filename = decode_encoded_words(type->parameter("name"));
      if (part.type.starts_with("multipart/")) part.boundary = type->parameter("boundary");
      if (part.boundary.size() > 200) part.boundary.clear();
    } else {
      part.type = "application/octet-stream";
      good = false;
    }
  }
  if (header.count("Content-Type") > 1) good = false;
  if (const HeaderField* field = header.find("Content-Disposition")) {
    const auto disposition = parse_parameterized(field->value());
    if (disposition && !disposition->parameter("filename").empty()) part.filename = decode_encoded_words(disposition->parameter("filename"));
  }
  part.transfer_encoding = base::to_lower(value_of(header, "Content-Transfer-Encoding"));
  if (part.transfer_encoding.empty()) part.transfer_encoding = "7bit";
  return good;
}

Wrapping wrapping_of(const Header& header) {
  if (header.count("Content-Type") != 1) return Wrapping::none;
  const auto type = parse_parameterized(value_of(header, "Content-Type"));
  if (!type) return Wrapping::none;
  if (is_pkcs7(type->value, "mime")) {
    const std::string kind = base::to_lower(type->parameter("smime-type"));
    if (kind == "enveloped-data" || kind == "authenveloped-data") return Wrapping::smime_encrypted;
    if (kind == "signed-data") return Wrapping::smime_signed_opaque;
    if (kind == "certs-only") return Wrapping::smime_certs_only;
    if (kind == "compressed-data") return Wrapping::smime_compressed;
    return Wrapping::smime_unknown;
  }
  const std::string protocol = base::to_lower(type->parameter("protocol"));
  if (type->value == "multipart/encrypted") return protocol == "application/pgp-encrypted" ? Wrapping::pgp_encrypted : Wrapping::none;
  if (type->value != "multipart/signed") return Wrapping::none;
  if (is_pkcs7(protocol, "signature")) return Wrapping::smime_signed;
  return protocol == "application/pgp-signature" ? Wrapping::pgp_signed : Wrapping::signed_other;
}

void summarise(MessageFacts& facts) {
  for (const char* name : k_once)
    if (facts.header.count(name) > 1) facts.defects.insert(Defect::duplicate_field);
  find_from(facts);
  if (const HeaderField* field = facts.header.find("Sender"))
    if (auto list = parse_mailbox_list(field->value(), 10); list && list->size() == 1) facts.sender = std::move(list->front());
  facts.subject = decode_encoded_words(value_of(facts.header, "Subject"));
  const SubjectParts subject = split_subject(facts.subject);
  facts.keywords = keywords_of(subject);
  if (subject.too_many) facts.defects.insert(Defect::too_many_keywords);
  facts.message_id = value_of(facts.header, "Message-ID");
  facts.has_date = facts.header.find("Date") != nullptr;
  facts.confidential = base::equal_ignoring_case(value_of(facts.header, "Sensitivity"), "company-confidential");
  const std::string submitted = base::to_lower(value_of(facts.header, "Auto-Submitted"));
  facts.auto_submitted = !submitted.empty() && submitted != "no" && !submitted.starts_with("no;");
  facts.received = facts.header.count("Received");
}

SubjectParts split_subject(std::string_view subject) {
  SubjectParts out;
  while (true) {
    subject = base::trim(subject);
    const auto end = subject.starts_with('[') ? subject.find(']') : std::string_view::npos;
    const auto begin = subject.ends_with(']') ? subject.rfind('[') : std::string_view::npos;
    if (end == std::string_view::npos && begin == std::string_view::npos) break;
    out.too_many = out.leading.size() + out.trailing.size() == k_max_keywords;
    if (out.too_many) break;
    if (end != std::string_view::npos) {
      out.leading.push_back({normal_keyword(subject.substr(1, end - 1)), subject.substr(0, end + 1)});
      subject.remove_prefix(end + 1);
    } else {
      out.trailing.push_back({normal_keyword(subject.substr(begin + 1, subject.size() - begin - 2)), subject.substr(begin)});
      subject.remove_suffix(subject.size() - begin);
    }
  }
  std::reverse(out.trailing.begin(), out.trailing.end());
  out.middle = subject;
  return out;
}

std::vector<std::string> keywords_of(const SubjectParts& parts) {
  std::vector<std::string> out;
  for (const auto* words : {&parts.leading, &parts.trailing})
    for (const BracketWord& word : *words)
      if (!word.normal.empty() && std::find(out.begin(), out.end(), word.normal) == out.end()) out.push_back(word.normal);
  return out;
}

const char* name_of(Defect defect) {
  switch (defect) {
    case Defect::no_from: return "no_from";
    case Defect::several_from: return "several_from";
    case Defect::malformed_from: return "malformed_from";
    case Defect::malformed_header: return "malformed_header";
    case Defect::header_too_large: return "header_too_large";
    case Defect::too_deep: return "too_deep";
    case Defect::too_many_parts: return "too_many_parts";
    case Defect::part_header_too_large: return "part_header_too_large";
    case Defect::missing_boundary: return "missing_boundary";
    case Defect::unterminated_multipart: return "unterminated_multipart";
    case Defect::nul_byte: return "nul_byte";
    case Defect::line_too_long: return "line_too_long";
    case Defect::duplicate_field: return "duplicate_field";
    case Defect::malformed_content_type: return "malformed_content_type";
    case Defect::too_many_keywords: return "too_many_keywords";
  }
  return "malformed";
}

const char* name_of(Wrapping wrapping) {
  switch (wrapping) {
    case Wrapping::none: return "none";
    case Wrapping::smime_encrypted: return "smime-encrypted";
    case Wrapping::smime_signed_opaque: return "smime-signed-opaque";
    case Wrapping::smime_certs_only: return "smime-certs-only";
    case Wrapping::smime_compressed: return "smime-compressed";
    case Wrapping::smime_unknown: return "smime-unknown";
    case Wrapping::smime_signed: return "smime-signed";
    case Wrapping::pgp_encrypted: return "pgp-encrypted";
    case Wrapping::pgp_signed: return "pgp-signed";
    case Wrapping::signed_other: return "signed-other";
  }
  return "none";
}

bool is_encrypted(Wrapping wrapping) { return wrapping == Wrapping::smime_encrypted || wrapping == Wrapping::pgp_encrypted; }

bool is_signed(Wrapping wrapping) {
  return wrapping == Wrapping::smime_signed || wrapping == Wrapping::smime_signed_opaque || wrapping == Wrapping::pgp_signed ||
         wrapping == Wrapping::signed_other;
}

}  // namespace mail
