// Checkpoints, keys, proofs and files of receipts: what is parsed is written back as it was.
#include <cstdint>
#include <cstdlib>

#include "receipts/log/tiles.hpp"
#include "receipts/proof/tlog_proof.hpp"
#include "receipts/verify/fsck.hpp"
#include "receipts/verify/receipt_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto note = receipts::parse_signed_checkpoint(text); note && format_checkpoint(note->checkpoint) != note->body) std::abort();
  if (const auto key = receipts::parse_vkey(text); key && format_vkey(*key) != text) std::abort();
  if (const auto proof = receipts::parse_tlog_proof(text); proof && format_tlog_proof(*proof) != text) std::abort();
  if (const auto list = receipts::parse_receipt_file(text); list && format_receipt_file(*list) != text) std::abort();
  (void)receipts::verify_receipt_file(text, {});
  (void)receipts::find_checkpoints(text, {"log.example/1", {}});
  (void)receipts::parse_bundle(text, 3);
  return 0;
}
