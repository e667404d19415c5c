#include <algorithm>
#include <system_error>

#include "base/core/errors.hpp"
#include "receipts/log/checkpoint.hpp"
#include "receipts/log/tiles.hpp"

namespace receipts {
namespace {

namespace fs = base::fs;

constexpr std::size_t k_pending_tiles = 64;  // some 30 MiB at the very most: bundles of leaves of 4 KiB
constexpr unsigned k_directory_mode = 0755;

// A new directory is only there after a power cut if its parent was synced.
base::Result<void> make_durable_directory(const fs::path& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) return base::Done{};
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (parent != path)
    if (auto made = make_durable_directory(parent); !made) return made;
  if (auto made = base::make_directories(path, k_directory_mode); !made) return made;
  return base::sync_directory(parent);
}

base::Result<std::string> load_checkpoint(const fs::path& directory) { return base::read_file(directory / "checkpoint", {k_max_note}); }

bool has(const std::vector<TileId>& ids, const TileId& id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

}  // namespace

base::Result<base::Bytes> load_tile(const fs::path& directory, const TileId& id) {
  auto bytes = base::read_file(directory / format_tile_path(id), {k_max_bundle});
  if (bytes || id.width == k_tile_width || !(bytes.error().code == base::k_not_found)) {
    if (!bytes) return fail(k_tiles_broken, bytes.error().detail);
    return bytes;
  }
  const auto full = base::read_file(directory / format_tile_path(TileId{id.level, id.index}), {k_max_bundle});
  if (!full) return fail(k_tiles_broken, full.error().detail);
  if (id.level != k_entries) return full->substr(0, std::size_t{32} * id.width);
  const auto entries = parse_bundle(*full, k_tile_width);
  if (!entries) return entries.error();
  const base::ByteView last = (*entries)[id.width - 1];
  return full->substr(0, static_cast<std::size_t>(last.data() + last.size() - full->data()));
}

base::Result<std::uint64_t> published_size(const fs::path& directory) {
  const auto note = load_checkpoint(directory);
  if (!note && note.error().code == base::k_not_found) return std::uint64_t{0};
  if (!note) return note.error();
  const auto parsed = parse_signed_checkpoint(*note);
  if (!parsed) return parsed.error();
  return parsed->checkpoint.size;
}

base::Result<TileWriter> TileWriter::open(const fs::path& directory) {
  TileWriter writer(directory);
  const auto note = load_checkpoint(directory);
  if (!note && note.error().code == base::k_not_found) return writer;
  if (!note) return note.error();
  const auto parsed = parse_signed_checkpoint(*note);
  if (!parsed) return parsed.error();
  const Checkpoint& checkpoint = parsed->checkpoint;
  auto stack = TileStack::resume(checkpoint.size, [&](const TileId& id) { return load_tile(directory, id); });
  if (!stack) return std::move(stack).error();
  if (stack->root() != checkpoint.root) return fail(k_tiles_broken, "the tiles do not have the root of the checkpoint");
  for (const TileFile& tile : stack->partials()) {
    // the bundle is not covered by the hashes of the tiles above it: check it here, it will be written again in longer form
    if (tile.id.level == k_entries && !parse_bundle(tile.bytes, tile.id.width)) return fail(k_tiles_broken, "the last bundle is torn");
    writer.m_published.push_back(tile.id);
  }
  writer.m_stack = std::move(*stack);
  return writer;
}

base::Result<TileWriter> TileWriter::rebuild(const fs::path& directory, std::uint64_t size, const LeafSource& source) {
  const auto published = published_size(directory);
  if (published && *published > size) return fail(k_out_of_range, "the tiles are ahead of " + std::to_string(size));
  TileWriter writer(directory);
  for (std::uint64_t i = 0; i < size; ++i) {
    const auto leaf = source(i);
    if (!leaf) return leaf.error();
    if (auto added = writer.add(*leaf, leaf_hash(*leaf)); !added) return added.error();
  }
  return writer;
}

base::Result<void> TileWriter::add(base::ByteView leaf, const base::Sha256Digest& hash) {
  if (leaf.size() > 0xFFFF) return fail(k_leaf_too_large, "the bundle has 16 bits for a length");
  m_stack.add(leaf, hash, m_pending);
  return m_pending.size() < k_pending_tiles ? base::Result<void>{} : write_pending();
}

base::Result<void> TileWriter::write(const std::vector<TileFile>& tiles) {
  std::vector<base::FileToWrite> files;
  for (const TileFile& tile : tiles) {
    const fs::path path = m_directory / format_tile_path(tile.id);
    const auto there = base::read_file(path, {k_max_bundle});
    if (there && *there == tile.bytes) continue;
    // A full tile is for ever. A partial one may differ only if nobody published it: after a kill, before the checkpoint.
    if (there && tile.id.width == k_tile_width) return fail(k_tiles_differ, path.string());
    if (auto made = make_durable_directory(path.parent_path()); !made) return made;
    files.push_back({path, tile.bytes});
  }
  return base::write_files_durably(files);
}

base::Result<void> TileWriter::write_pending() {
  if (auto written = write(m_pending); !written) return written;
  for (const TileFile& tile : m_pending) m_completed.push_back(tile.id);
  m_pending.clear();
  return base::Done{};
}

base::Result<void> TileWriter::publish(std::string_view signed_checkpoint) {
  const auto parsed = parse_signed_checkpoint(signed_checkpoint);
  if (!parsed) return parsed.error();
  if (parsed->checkpoint.size != size() || parsed->checkpoint.root != root())
    return fail(k_checkpoint_invalid, "not the checkpoint of this tree");
  if (auto written = write_pending(); !written) return written;
  std::vector<TileId> now;
  std::vector<TileFile> partials;
  for (TileFile& tile : m_stack.partials()) {
    now.push_back(tile.id);
    if (!has(m_published, tile.id)) partials.push_back(std::move(tile));
  }
  if (auto written = write(partials); !written) return written;
  if (auto made = make_durable_directory(m_directory); !made) return made;
  if (auto written = base::write_file_durably(m_directory / "checkpoint", signed_checkpoint); !written) return written;
  m_published = std::move(now);
  // What is left behind by a kill here is legal, so failures to remove are no errors.
  for (const TileId& id : m_completed) {
    std::error_code ec;
    fs::remove_all(m_directory / (format_tile_path(id) + ".p"), ec);
  }
  m_completed.clear();
  return base::Done{};
}

}  // namespace receipts
