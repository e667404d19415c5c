// Promise: the log as files in the layout of C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`.
// A tile is 256 hashes, an entry bundle the entries below a level 0 tile, each after its length (2 bytes, big endian).
// Files are derived from the store and can be rebuilt. Each is written durably, the checkpoint last, so the directory is
// consistent after a kill at any instruction.
// Must never: be given a leaf that is not committed, or replace a full tile by other content: that would be a fork of the
// log, and the answer is k_tiles_differ, which must stop the process. One writer a directory; not thread safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/file.hpp"
#include "receipts/log/tree.hpp"

namespace receipts {

inline constexpr unsigned k_tile_width = 256;
inline constexpr int k_entries = -1;  // the "level" of entry bundles
inline constexpr std::size_t k_max_bundle = k_tile_width * (2 + 65535);

struct TileId {
  int level = 0;               // k_entries, or 0…
  std::uint64_t index = 0;
  unsigned width = k_tile_width;  // below 256: a partial tile
  friend bool operator==(const TileId&, const TileId&) = default;
};

// "tile/0/x001/x234/067.p/12"
std::string format_tile_path(const TileId& id);

// The hashes (or entries) that the tile `index` of `level` holds in a tree of `size` leaves: 0 to 256.
unsigned tile_width_at(int level, std::uint64_t index, std::uint64_t size);

// Cuts a bundle into its entries, which point into `bundle`. k_tiles_broken if it is torn or does not hold `count` entries.
base::Result<std::vector<base::ByteView>> parse_bundle(base::ByteView bundle, std::size_t count);

struct TileFile {
  TileId id;
  base::Bytes bytes;
};

// The tiles of a growing tree, pure: full ones are handed out once, partial ones on demand.
class TileStack {
 public:
  // Appends tiles that this leaf completed to `full`, bundle first, then upwards.
  void add(base::ByteView leaf, const base::Sha256Digest& hash, std::vector<TileFile>& full);
  std::vector<TileFile> partials() const;
  std::uint64_t size() const { return m_range.size(); }
  base::Sha256Digest root() const { return m_range.root(); }

  // Goes on from the partial tiles of a tree of `size`; `read` answers for each of them. k_tiles_broken.
  using ReadTile = std::function<base::Result<base::Bytes>(const TileId&)>;
  static base::Result<TileStack> resume(std::uint64_t size, const ReadTile& read);

 private:
  base::Bytes m_bundle;
  std::vector<std::vector<base::Sha256Digest>> m_levels;
  CompactRange m_range;
};

// The bytes of the committed leaf `index`.
using LeafSource = std::function<base::Result<base::Bytes>(std::uint64_t index)>;

class TileWriter {
 public:
  // Starts where the directory's checkpoint says (an empty or absent directory: at 0). k_tiles_broken, k_checkpoint_invalid:
  // the directory must be rebuilt. Leaves from size() on are the caller's to add.
  static base::Result<TileWriter> open(const base::fs::path& directory);
  // Writes whatever is missing of the tiles of `size` leaves; the caller publishes a checkpoint afterwards. k_out_of_range if
  // the directory is ahead of `size`.
  static base::Result<TileWriter> rebuild(const base::fs::path& directory, std::uint64_t size, const LeafSource& source);

  std::uint64_t size() const { return m_stack.size(); }
  base::Sha256Digest root() const { return m_stack.root(); }

  // The next committed leaf. Cheap: full tiles are written once some have gathered, at the latest by publish().
  base::Result<void> add(base::ByteView leaf, const base::Sha256Digest& hash);
  // Brings all tiles of size() to disk, then the checkpoint, then removes the partial tiles that full ones replaced. The
  // checkpoint must be of size() and root(): k_checkpoint_invalid. After an error of the disk the process must end.
  base::Result<void> publish(std::string_view signed_checkpoint);

 private:
  explicit TileWriter(base::fs::path directory) : m_directory(std::move(directory)) {}
  base::Result<void> write(const std::vector<TileFile>& tiles);
  base::Result<void> write_pending();

  base::fs::path m_directory;
  TileStack m_stack;
  std::vector<TileFile> m_pending;    // full, not yet on disk
  std::vector<TileId> m_completed;    // full, on disk, partial ones still to be removed
  std::vector<TileId> m_published;    // partial, on disk
};

// The size that the directory's checkpoint claims, 0 if there is none yet. Unauthenticated: it tells whether the directory is
// ahead of the database. k_checkpoint_invalid.
base::Result<std::uint64_t> published_size(const base::fs::path& directory);

// A tile of a tree of `size` leaves from its file; where the partial one was removed, from the full one. k_tiles_broken.
base::Result<base::Bytes> load_tile(const base::fs::path& directory, const TileId& id);

}  // namespace receipts
