// Promise: an XML document gets an enveloped signature over all of itself (reference "", exclusive canonicalisation), with the
// signer's certificate inside. Standard: XML-DSig (RFC 3275), RFC 4051 and 6931 (algorithms), by xmlsec1.
#pragma once

#include <string>
#include <string_view>

#include "simulator/sign/signer.hpp"

namespace simulator {

// `document`: well-formed, its root element the one to be signed; the signature becomes its last child. An EC key signs with
// ECDSA, an RSA key with RSASSA-PKCS1-v1_5. k_malformed, k_crypto_primitive.
base::Result<std::string> sign_xml(std::string_view document, const Signer& signer, Scheme scheme, Hash hash);

// A document that reads as `outer` and is signed as `inner`: a good signature, child of the root, over an element with an Id that
// lies inside the signature itself. What a receiver must not fall for.
base::Result<std::string> sign_wrapped_xml(std::string_view outer, std::string_view inner, const Signer& signer, Scheme scheme,
                                           Hash hash);

// Text as the content of an element; a CR stays one when it is read again. What XML cannot hold becomes "?".
std::string escape_xml(std::string_view text);

}  // namespace simulator
