#include "receipts/proof/tile_reader.hpp"

#include <cstring>

namespace receipts {
namespace {

constexpr std::size_t k_recent_tiles = 16;  // a proof walks one tile a level and its right neighbours

}  // namespace

base::Result<base::ByteView> TileReader::load(int level, std::uint64_t index) {
  const TileId id{level, index, tile_width_at(level, index, m_size)};
  if (id.width == 0) return fail(k_out_of_range, format_tile_path(id));
  for (const auto& [known, bytes] : m_recent)
    if (known == id) return base::ByteView(bytes);
  auto bytes = load_tile(m_directory, id);
  if (!bytes) return bytes.error();
  if (level != k_entries && bytes->size() != std::size_t{32} * id.width) return fail(k_tiles_broken, format_tile_path(id));
  m_recent.emplace_front(id, std::move(*bytes));
  if (m_recent.size() > k_recent_tiles) m_recent.pop_back();
  return base::ByteView(m_recent.front().second);
}

base::Result<base::Sha256Digest> TileReader::read(unsigned level, std::uint64_t index) {
  if (level >= 64 || index > (m_size >> level) || ((index + 1) << level) > m_size) return fail(k_out_of_range, "no such node");
  // a tile holds every eighth level; what lies between is folded from its hashes
  const unsigned inside = level % 8;
  const std::uint64_t first = index << inside;
  const auto tile = load(static_cast<int>(level / 8), first / k_tile_width);
  if (!tile) return tile.error();
  const std::size_t offset = first % k_tile_width, count = std::size_t{1} << inside;
  if ((offset + count) * 32 > tile->size()) return fail(k_tiles_broken, "a tile is too short");
  std::vector<base::Sha256Digest> hashes(count);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(hashes[i].data(), tile->data() + 32 * (offset + i), 32);
  return fold_nodes(hashes.data(), count);
}

base::Result<base::Bytes> TileReader::read_entry(std::uint64_t index) {
  if (index >= m_size) return fail(k_out_of_range, "no such entry");
  const std::uint64_t tile = index / k_tile_width;
  const auto bundle = load(k_entries, tile);
  if (!bundle) return bundle.error();
  const auto entries = parse_bundle(*bundle, tile_width_at(k_entries, tile, m_size));
  if (!entries) return entries.error();
  return base::Bytes((*entries)[index % k_tile_width]);
}

}  // namespace receipts
