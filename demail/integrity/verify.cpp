#include <algorithm>

#include "certs/model/certificate.hpp"
#include "demail/integrity/tags.hpp"

namespace demail {
namespace {

base::SignatureScheme scheme_of(Scheme scheme) {
  return scheme == Scheme::ec_dsa       ? base::SignatureScheme::ecdsa
         : scheme == Scheme::rsassa_pss ? base::SignatureScheme::rsa_pss
                                        : base::SignatureScheme::rsa_pkcs1;
}

void judge_signer(const std::string& certificate, const certs::TrustStore* anchors, base::Timestamp at, IntegrityVerdict& out) {
  const SignerVerdict signer = verify_signer(certificate, anchors, at);
  out.certificate_findings = signer.findings;
  out.chain = signer.chain;
  if (!signer.is_trusted()) out.findings.insert(IntegrityFinding::untrusted_certificate);
  if (signer.revocation_unknown()) out.findings.insert(IntegrityFinding::revocation_unknown);
}

void judge_signature(const mail::Header& header, const Integrity& integrity, const std::string& input,
                     const certs::TrustStore* anchors, base::Timestamp at, IntegrityVerdict& out) {
  if (header.find(field::signature_certificate) == nullptr) {
    out.findings.insert(IntegrityFinding::no_certificate);
    return;
  }
  const std::string certificate = read_fields(header).certificate;
  if (!certs::public_key_of(certificate)) {
    out.findings.insert(IntegrityFinding::bad_certificate);
    return;
  }
  out.is_signed = verify_value(integrity, input, certificate);
  if (!out.is_signed) out.findings.insert(IntegrityFinding::bad_signature);
  judge_signer(certificate, anchors, at, out);
}

}  // namespace

bool verify_value(const Integrity& integrity, const std::string& input, base::ByteView certificate) {
  const base::HashAlgorithm algorithm = algorithm_of(integrity.hash);
  if (integrity.scheme == Scheme::none) return base::hash(algorithm, input) == integrity.value;
  const auto key = certs::public_key_of(certificate);
  return key && base::verify_signature(*key, scheme_of(integrity.scheme), algorithm, input, integrity.value);
}

bool SignerVerdict::is_trusted() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](certs::Finding f) { return f != certs::Finding::revocation_unknown && certs::forbids_use(f); });
}

bool SignerVerdict::revocation_unknown() const { return findings.contains(certs::Finding::revocation_unknown); }

SignerVerdict verify_signer(const std::string& certificate, const certs::TrustStore* anchors, base::Timestamp at,
                            const std::vector<std::string>& more) {
  if (anchors == nullptr) return {{certs::Finding::no_chain}, {certificate}};
  certs::PathQuestion question;
  question.leaf = certificate;
  question.bag = more;
  question.at = at;
  question.purpose = certs::Purpose::attest;
  question.revocation = certs::Revocation::hard;
  certs::PathVerdict path = certs::verify_path(*anchors, question);
  return {std::move(path.findings), std::move(path.chain)};
}

bool IntegrityVerdict::is_whole() const {
  using enum IntegrityFinding;
  for (const IntegrityFinding broken : {absent, malformed, unknown_algorithm, field_not_covered, header_mismatch, body_mismatch,
                                        no_certificate, bad_certificate, bad_signature})
    if (findings.contains(broken)) return false;
  return true;
}

bool IntegrityVerdict::is_proven() const {
  return is_whole() && is_signed && !findings.contains(IntegrityFinding::untrusted_certificate) &&
         !findings.contains(IntegrityFinding::not_signed);
}

base::Result<IntegrityVerdict> verify_integrity(const mail::Header& header, const base::Content& body,
                                                const certs::TrustStore* anchors, base::Timestamp at) {
  IntegrityVerdict out;
  const mail::HeaderField* field = header.find(field::integrity);
  if (field == nullptr) {
    out.findings.insert(IntegrityFinding::absent);
    return out;
  }
  const auto read = read_integrity(field->raw.substr(field->name.size() + 1));
  if (const auto* finding = std::get_if<IntegrityFinding>(&read)) {
    out.findings.insert(*finding);
    return out;
  }
  const auto& integrity = std::get<Integrity>(read);
  for (const std::string& name : required_fields(header))
    if (std::find(integrity.header_names.begin(), integrity.header_names.end(), name) == integrity.header_names.end())
      out.findings.insert(IntegrityFinding::field_not_covered);

  const auto body_hash = hash_body(body, integrity.hash);
  if (!body_hash) return body_hash.error();
  if (*body_hash != integrity.body_hash) out.findings.insert(IntegrityFinding::body_mismatch);

  std::vector<std::string_view> raw;
  for (const mail::HeaderField& f : header.fields()) raw.push_back(f.raw);
  const std::string input = header_input(raw, integrity.header_names, field->raw);
  if (integrity.scheme == Scheme::none) {
    out.findings.insert(IntegrityFinding::not_signed);
    if (base::hash(algorithm_of(integrity.hash), input) != integrity.value)
      out.findings.insert(IntegrityFinding::header_mismatch);
    return out;
  }
  judge_signature(header, integrity, input, anchors, at, out);
  return out;
}

const char* name_of(IntegrityFinding finding) {
  switch (finding) {
    case IntegrityFinding::absent: return "absent";
    case IntegrityFinding::malformed: return "malformed";
    case IntegrityFinding::unknown_algorithm: return "unknown_algorithm";
    case IntegrityFinding::field_not_covered: return "field_not_covered";
    case IntegrityFinding::header_mismatch: return "header_mismatch";
    case IntegrityFinding::body_mismatch: return "body_mismatch";
    case IntegrityFinding::not_signed: return "not_signed";
    case IntegrityFinding::no_certificate: return "no_certificate";
    case IntegrityFinding::bad_certificate: return "bad_certificate";
    case IntegrityFinding::bad_signature: return "bad_signature";
    case IntegrityFinding::untrusted_certificate: return "untrusted_certificate";
    case IntegrityFinding::revocation_unknown: return "revocation_unknown";
  }
  return "malformed";
}

}  // namespace demail
