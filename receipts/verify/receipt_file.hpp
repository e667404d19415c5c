// Promise: some receipts of one message as one file that people, jq and a shell script can read: JSON in a fixed layout of
// lines (docs/receipts.md), each receipt with its leaf, the disclosures chosen, and its tlog-proof line by line. One value
// has one form: parse_ takes exactly what format_ writes, so no bit of a file can change unnoticed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "receipts/log/checkpoint.hpp"
#include "receipts/verify/report.hpp"

namespace receipts {

inline constexpr std::size_t k_max_receipt_file = 64 << 20;
inline constexpr std::size_t k_max_receipts = 10000;

struct Receipt {
  base::Bytes leaf;
  std::vector<std::string> disclosures;  // encoded
  std::string proof;                     // tlog-proof file
};

std::string format_receipt_file(const std::vector<Receipt>& receipts);
base::Result<std::vector<Receipt>> parse_receipt_file(std::string_view text);  // k_receipt_file_invalid

// `key` is that of any epoch of the log. Checks "file", and for each receipt "hash" (the leaf is one in canonical form), "inclusion", "log_signature" and
// "disclosures"; and for the whole "chain" (all leaves of one message, from the first to msg.closed). Time, witnesses and
// foreign signatures are not looked at.
Report verify_receipt_file(std::string_view text, const VerifierKey& key);

}  // namespace receipts
