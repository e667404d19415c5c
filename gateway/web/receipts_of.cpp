#include "gateway/web/receipts_of.hpp"

#include "receipts/log/leaf.hpp"
#include "receipts/proof/tile_reader.hpp"
#include "receipts/proof/tlog_proof.hpp"

namespace web {

base::Result<std::vector<receipts::Receipt>> prove_all(store::Store& store, const std::vector<store::StoredLeaf>& leaves) {
  std::vector<receipts::Receipt> out;
  std::optional<receipts::TileReader> reader;
  std::string note, epoch;
  receipts::Checkpoint head;
  for (const store::StoredLeaf& leaf : leaves) {
    if (!reader || leaf.epoch != epoch) {
      epoch = leaf.epoch;
      auto published = store.publish(epoch);
      if (!published) return std::move(published).error();
      note = *std::move(published);
      const auto parsed = receipts::parse_signed_checkpoint(note);
      if (!parsed) return parsed.error();
      head = parsed->checkpoint;
      reader.emplace(store.log_directory() / epoch, head.size);
    }
    auto hashes = receipts::prove_inclusion(*reader, leaf.index, head.size);
    if (!hashes) return std::move(hashes).error();
    out.push_back({leaf.bytes, leaf.disclosures, receipts::format_tlog_proof({leaf.index, *std::move(hashes), note})});
  }
  return out;
}

}  // namespace web
