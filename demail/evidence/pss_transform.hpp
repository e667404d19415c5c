// RSASSA-PSS as a signature method of xmlsec1, whose 1.2 has none: RFC 6931 section 2.3.10 (#sha256-rsa-MGF1 and its kin).
// Inside demail/evidence only.
#pragma once

#include <string>

#include <xmlsec/transforms.h>
#include <xmlsec/xmlsec.h>

#include "base/core/digest.hpp"

namespace demail {

// Stands in `userData` of the signature's transform context while it is verified by one of these methods. The library hands no
// key of this kind over, so the public key of the certificate comes along here.
struct PssVerification {
  std::string public_key;   // SubjectPublicKeyInfo
  std::string signed_info;  // as it is canonicalised
};

xmlSecTransformId pss_transform(base::HashAlgorithm algorithm);

}  // namespace demail
