// Promise: a small PDF that shows lines of text, and carries a detached CMS signature over its bytes. Good enough for every
// viewer; no fonts inside, letters of Windows-1252. Standard: ISO 32000-1 (PDF 1.7), sections 7, 9 and 12.8.
#pragma once

#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "simulator/sign/signer.hpp"

namespace simulator {

// UTF-8 lines; long ones are cut, pages of 56 lines.
std::string make_pdf(const std::string& title, const std::vector<std::string>& lines);
// The same with a signature field (adbe.pkcs7.detached). k_crypto_primitive.
base::Result<std::string> make_signed_pdf(const std::string& title, const std::vector<std::string>& lines, const Signer& signer,
                                          base::Timestamp now);

}  // namespace simulator
