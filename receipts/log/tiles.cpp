#include "receipts/log/tiles.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace receipts {

using base::Sha256Digest;

std::string format_tile_path(const TileId& id) {
  std::string number;
  std::uint64_t rest = id.index;
  do {
    char group[8];
    std::snprintf(group, sizeof group, "%03u", static_cast<unsigned>(rest % 1000));
    number = number.empty() ? std::string(group) : "x" + std::string(group) + "/" + number;
    rest /= 1000;
  } while (rest > 0);
  // only the last group stands without an x
  std::string path = "tile/" + (id.level == k_entries ? std::string("entries") : std::to_string(id.level)) + "/";
  path += number;
  if (id.width < k_tile_width) path += ".p/" + std::to_string(id.width);
  return path;
}

unsigned tile_width_at(int level, std::uint64_t index, std::uint64_t size) {
  const int shift = 8 * std::max(level, 0);
  const std::uint64_t nodes = shift >= 64 ? 0 : size >> shift;
  if (index > nodes / k_tile_width) return 0;
  return static_cast<unsigned>(std::min<std::uint64_t>(nodes - index * k_tile_width, k_tile_width));
}

base::Result<std::vector<base::ByteView>> parse_bundle(base::ByteView bundle, std::size_t count) {
  std::vector<base::ByteView> entries;
  entries.reserve(count);
  while (!bundle.empty()) {
    if (bundle.size() < 2) return fail(k_tiles_broken, "torn bundle");
    const std::size_t length = static_cast<std::size_t>(base::u8(bundle)[0]) << 8 | base::u8(bundle)[1];
    if (bundle.size() < 2 + length) return fail(k_tiles_broken, "torn bundle");
    entries.push_back(bundle.substr(2, length));
    bundle.remove_prefix(2 + length);
  }
  if (entries.size() != count) return fail(k_tiles_broken, "bundle of " + std::to_string(entries.size()) + " entries");
  return entries;
}

namespace {

base::Bytes hashes_as_bytes(const std::vector<Sha256Digest>& hashes) {
  base::Bytes out;
  out.reserve(hashes.size() * 32);
  for (const Sha256Digest& hash : hashes) out += base::view(hash);
  return out;
}

}  // namespace

void TileStack::add(base::ByteView leaf, const Sha256Digest& hash, std::vector<TileFile>& full) {
  const std::uint64_t index = m_range.size();
  m_range.append(hash);
  m_bundle += static_cast<char>(leaf.size() >> 8);
  m_bundle += static_cast<char>(leaf.size() & 0xFF);
  m_bundle += leaf;
  if ((index + 1) % k_tile_width == 0) {
    full.push_back({TileId{k_entries, index / k_tile_width}, std::move(m_bundle)});
    m_bundle.clear();
  }
  Sha256Digest node = hash;
  for (std::size_t level = 0;; ++level) {
    if (m_levels.size() == level) m_levels.emplace_back();
    std::vector<Sha256Digest>& hashes = m_levels[level];
    hashes.push_back(node);
    if (hashes.size() < k_tile_width) return;
    node = fold_nodes(hashes.data(), k_tile_width);
    full.push_back({TileId{static_cast<int>(level), index >> (8 * (level + 1))}, hashes_as_bytes(hashes)});
    hashes.clear();
  }
}

std::vector<TileFile> TileStack::partials() const {
  std::vector<TileFile> out;
  const std::uint64_t size = m_range.size();
  if (size % k_tile_width != 0)
    out.push_back({TileId{k_entries, size / k_tile_width, static_cast<unsigned>(size % k_tile_width)}, m_bundle});
  for (std::size_t level = 0; level < m_levels.size(); ++level)
    if (!m_levels[level].empty())
      out.push_back({TileId{static_cast<int>(level), size >> (8 * (level + 1)), static_cast<unsigned>(m_levels[level].size())},
                     hashes_as_bytes(m_levels[level])});
  return out;
}

base::Result<TileStack> TileStack::resume(std::uint64_t size, const ReadTile& read) {
  TileStack stack;
  int top = 0;
  while (top < 7 && size >> (8 * (top + 1)) != 0) ++top;
  stack.m_levels.resize(static_cast<std::size_t>(top) + 1);
  base::Bytes range;
  for (int shift = 56; shift >= 0; shift -= 8) range += static_cast<char>(size >> shift);
  for (int level = top; level >= 0; --level) {
    const auto width = static_cast<unsigned>(size >> (8 * level)) % k_tile_width;
    if (width == 0) continue;
    const auto bytes = read(TileId{level, level == 7 ? 0 : size >> (8 * (level + 1)), width});
    if (!bytes) return bytes.error();
    if (bytes->size() != width * 32) return fail(k_tiles_broken, "a tile has the wrong size");
    auto& hashes = stack.m_levels[static_cast<std::size_t>(level)];
    hashes.resize(width);
    for (unsigned i = 0; i < width; ++i) std::memcpy(hashes[i].data(), bytes->data() + 32 * i, 32);
    // the set bits of the width are subtrees of the right edge
    unsigned done = 0;
    for (unsigned count = k_tile_width / 2; count > 0; count /= 2) {
      if ((width & count) == 0) continue;
      range += base::view(fold_nodes(hashes.data() + done, count));
      done += count;
    }
  }
  if (size % k_tile_width != 0) {
    auto bundle = read(TileId{k_entries, size / k_tile_width, static_cast<unsigned>(size % k_tile_width)});
    if (!bundle) return std::move(bundle).error();
    stack.m_bundle = std::move(*bundle);
  }
  auto loaded = CompactRange::load(range);
  if (!loaded) return std::move(loaded).error();
  stack.m_range = std::move(*loaded);
  return stack;
}

}  // namespace receipts
