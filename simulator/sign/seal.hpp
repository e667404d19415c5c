// Promise: x-de-mail-integrity by the letter of the standard, written without the gateway's code for it: the two must agree.
// Standard: BSI TR 01201 part 3.4 v1.8, section 3.1.21; RFC 6376 sections 3.4.1, 3.4.3 and 3.7.
#pragma once

#include <string>
#include <string_view>

#include "simulator/model/account.hpp"
#include "simulator/sign/signer.hpp"

namespace simulator {

// h= in its order; of private-id whether it is there.
std::string hashed_names(std::string_view header, Side style);
// The body as it is hashed: without empty lines at its end, at least one CRLF.
std::string_view canonical_body(std::string_view body, std::string& empty);
// The first field of each name from the top, raw, each with its CRLF.
std::string hashed_header(std::string_view header, std::string_view names);

struct Seal {
  Hash hash = Hash::sha256;
  Scheme scheme = Scheme::none;    // none: hashed only
  const Signer* signer = nullptr;  // where there is a scheme
};
// The header with the integrity field in front and, if it is signed, the certificate's. A orders the tags as DKIM signers do,
// with v=, d= and s=; B leaves those out and puts b= in the middle.
base::Result<std::string> seal(std::string_view header, std::string_view body, Side style, const Seal& how);

}  // namespace simulator
