// Promise: one entry's proof as a C2SP tlog-proof file: "c2sp.org/tlog-proof@v1", an optional "extra <base64>", "index <n>",
// the sibling hashes from leaf to root, a blank line, the signed checkpoint verbatim. Files are hostile.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "receipts/log/checkpoint.hpp"
#include "receipts/proof/proof.hpp"

namespace receipts {

inline constexpr std::size_t k_max_proof_hashes = 63;

struct TlogProof {
  std::uint64_t index = 0;
  ProofHashes hashes;
  std::string checkpoint;              // the whole note
  std::optional<base::Bytes> extra{};
};

std::string format_tlog_proof(const TlogProof& proof);
// k_proof_invalid. The note inside is not looked at.
base::Result<TlogProof> parse_tlog_proof(std::string_view text);

}  // namespace receipts
