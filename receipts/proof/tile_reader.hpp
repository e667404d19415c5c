// Promise: node hashes of a published tree from its tile directory; a proof opens at most a few files.
#pragma once

#include <deque>
#include <utility>

#include "receipts/log/tiles.hpp"
#include "receipts/proof/proof.hpp"

namespace receipts {

// The tree of `size` leaves; the directory may be of a larger one. Not thread safe.
class TileReader : public HashReader {
 public:
  TileReader(base::fs::path directory, std::uint64_t size) : m_directory(std::move(directory)), m_size(size) {}
  base::Result<base::Sha256Digest> read(unsigned level, std::uint64_t index) override;
  // The entry `index` itself. k_out_of_range, k_tiles_broken.
  base::Result<base::Bytes> read_entry(std::uint64_t index);

 private:
  base::Result<base::ByteView> load(int level, std::uint64_t index);

  base::fs::path m_directory;
  std::uint64_t m_size;
  std::deque<std::pair<TileId, base::Bytes>> m_recent;  // the newest first
};

}  // namespace receipts
