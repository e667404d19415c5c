// Promise: an XML document with one enveloped signature over all of itself, or nothing: no network, no entities, no DTD, no
// comments, no other reference than "" and no other transforms than enveloped and exclusive or inclusive canonicalisation. The
// key is that of the certificate inside; whether to trust it is the caller's to judge. Nothing is written to standard error.
// SHA-256, 384 and 512 with RSA (PKCS #1 v1.5 and PSS) and ECDSA; nothing older.
// Standard: XML-DSig (RFC 3275), its methods by RFC 4051 and RFC 6931 section 2.3.10, by xmlsec1.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"

namespace demail {

inline constexpr std::size_t k_max_confirmation_xml = 1024 * 1024;  // bytes

enum class XmlFinding {
  malformed,  // no XML, above the limit, or a signature that holds more than it must
  has_dtd,
  has_comments,
  has_entities,  // that no document without a DTD can declare
  no_signature,
  several_signatures,
  misplaced_signature,  // not a child of the root
  wrapped,              // an element like the root stands inside it: what was signed, moved below what was not
  several_references,
  partial_reference,  // does not cover the whole document
  forbidden_algorithm,
  no_certificate,
  bad_certificate,
  bad_signature,
};
const char* name_of(XmlFinding finding);

struct SignedXml {
  std::set<XmlFinding> findings;               // empty: the signature is good for the key in `certificate`
  std::string certificate;                     // DER: of those inside the first that is no authority
  std::vector<std::string> more_certificates;  // the others: hints for its path
  std::string digested;  // exactly the bytes that the signature covers; "" unless it is good. Values are read from nothing else
};
SignedXml verify_signed_xml(base::ByteView document);

// Sets the libraries up, once; whoever needs it calls it, from any thread. The end of the process undoes it.
void initialise_xml();

}  // namespace demail
