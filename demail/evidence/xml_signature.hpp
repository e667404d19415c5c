// Promise: an XML document with one enveloped signature over all of itself, or nothing: no network, no entities, no DTD, no
// comments, no other reference than "" and no other transforms than enveloped and exclusive or inclusive canonicalisation. The
// key is that of the certificate inside; whether to trust it is the caller's to judge.
// Standard: XML-DSig (RFC 3275), by xmlsec1.
#pragma once

#include <set>
#include <string>

#include "base/core/bytes.hpp"

namespace demail {

inline constexpr std::size_t k_max_confirmation_xml = 1024 * 1024;  // bytes

enum class XmlFinding {
  malformed,
  has_dtd,
  has_comments,
  has_entities,
  no_signature,
  several_signatures,
  misplaced_signature,  // not a child of the root
  several_references,
  partial_reference,  // does not cover the whole document
  forbidden_algorithm,
  no_certificate,
  bad_certificate,
  bad_signature,
};
const char* name_of(XmlFinding finding);

struct SignedXml {
  std::set<XmlFinding> findings;  // empty: the signature is good for the key in `certificate`
  std::string certificate;        // DER
  std::string digested;           // exactly the bytes that the signature covers; "" unless it is good
};
SignedXml verify_signed_xml(base::ByteView document);

// Once before threads; the end of the process undoes it.
void initialise_xml();

}  // namespace demail
