#include <gtest/gtest.h>

#include <fstream>

#include "base/core/random.hpp"
#include "receipts/log/checkpoint.hpp"
#include "receipts/log/tiles.hpp"

namespace receipts {
namespace {

namespace fs = base::fs;

class Tiles : public testing::Test {
 protected:
  Tiles() : directory(fs::temp_directory_path() / ("tiles-" + base::to_hex(base::random_bytes(8)))) {}
  ~Tiles() override { fs::remove_all(directory); }

  static std::string leaf(std::uint64_t i) { return "leaf " + std::to_string(i); }
  std::string note(const TileWriter& w) const { return sign_checkpoint({"log.example/1", w.size(), w.root()}, key); }
  static void grow(TileWriter& w, std::uint64_t to) {
    while (w.size() < to) {
      const std::string bytes = leaf(w.size());
      ASSERT_TRUE(w.add(bytes, leaf_hash(bytes)));
    }
  }
  void publish(TileWriter& w) const {
    const auto done = w.publish(note(w));
    ASSERT_TRUE(done) << done.error().describe();
  }
  static base::Sha256Digest root_of(std::uint64_t size) {
    CompactRange range;
    for (std::uint64_t i = 0; i < size; ++i) range.append(leaf_hash(leaf(i)));
    return range.root();
  }
  bool has(const std::string& path) const { return fs::exists(directory / path); }

  fs::path directory;
  base::Ed25519Key key = base::Ed25519Key::from_seed(std::string(32, 's'));
};

TEST_F(Tiles, paths_of_the_standard) {
  EXPECT_EQ(format_tile_path({0, 1234067}), "tile/0/x001/x234/067");
  EXPECT_EQ(format_tile_path({k_entries, 5, 12}), "tile/entries/005.p/12");
  EXPECT_EQ(format_tile_path({2, 1000}), "tile/2/x001/000");
}

// "Size 70 000": 273 full tiles and .p/112, one full and .p/17, .p/1
TEST_F(Tiles, widths_of_the_standards_example) {
  EXPECT_EQ(tile_width_at(0, 272, 70000), 256u);
  EXPECT_EQ(tile_width_at(0, 273, 70000), 112u);
  EXPECT_EQ(tile_width_at(0, 274, 70000), 0u);
  EXPECT_EQ(tile_width_at(1, 0, 70000), 256u);
  EXPECT_EQ(tile_width_at(1, 1, 70000), 17u);
  EXPECT_EQ(tile_width_at(2, 0, 70000), 1u);
  EXPECT_EQ(tile_width_at(3, 0, 70000), 0u);
  EXPECT_EQ(tile_width_at(k_entries, 273, 70000), 112u);
}

TEST_F(Tiles, bundle_of_the_tessera_log) {
  TileStack stack;
  std::vector<TileFile> full;
  for (const char* word : {"one", "two", "three"}) stack.add(word, leaf_hash(word), full);
  EXPECT_TRUE(full.empty());
  ASSERT_EQ(stack.partials().size(), 2u);
  EXPECT_EQ(base::to_hex(stack.partials()[0].bytes), "00036f6e65000374776f00057468726565");
  EXPECT_EQ(base::to_base64(base::view(stack.root())), "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=");
}

TEST_F(Tiles, grows_publishes_resumes_and_removes_partial_tiles) {
  for (const std::uint64_t size : {1, 3, 255, 256, 257, 511, 512, 700, 66000}) {
    auto writer = TileWriter::open(directory);
    ASSERT_TRUE(writer) << writer.error().describe();
    EXPECT_EQ(*published_size(directory), writer->size());
    grow(*writer, size);
    publish(*writer);
    EXPECT_EQ(writer->root(), root_of(size)) << size;
  }
  EXPECT_TRUE(has("tile/0/000"));
  EXPECT_FALSE(has("tile/0/000.p"));
  EXPECT_FALSE(has("tile/entries/000.p"));
  EXPECT_TRUE(has("tile/1/000"));
  EXPECT_TRUE(has("tile/2/000.p/1"));
  EXPECT_TRUE(has("tile/0/257.p/208"));
  EXPECT_EQ(fs::file_size(directory / "tile/0/000"), 8192u);
}

TEST_F(Tiles, refuses_a_checkpoint_of_another_tree) {
  auto writer = TileWriter::open(directory);
  grow(*writer, 5);
  EXPECT_FALSE(writer->publish(sign_checkpoint({"log.example/1", 5, leaf_hash("x")}, key)));
  EXPECT_FALSE(writer->publish(sign_checkpoint({"log.example/1", 4, writer->root()}, key)));
  EXPECT_FALSE(has("checkpoint"));
}

TEST_F(Tiles, rebuilds_what_is_missing_and_never_replaces_a_full_tile) {
  {
    auto writer = TileWriter::open(directory);
    grow(*writer, 600);
    publish(*writer);
  }
  fs::remove(directory / "tile/0/001");
  fs::remove_all(directory / "tile/0/002.p");
  EXPECT_EQ(TileWriter::open(directory).error().code, k_tiles_broken);
  const LeafSource source = [](std::uint64_t i) -> base::Result<base::Bytes> { return leaf(i); };
  {
    auto writer = TileWriter::rebuild(directory, 600, source);
    ASSERT_TRUE(writer) << writer.error().describe();
    publish(*writer);
    EXPECT_TRUE(has("tile/0/001"));
    EXPECT_TRUE(TileWriter::open(directory));
  }
  EXPECT_EQ(TileWriter::rebuild(directory, 599, source).error().code, k_out_of_range) << "the directory is ahead";
  auto forked = TileWriter::rebuild(directory, 600, [](std::uint64_t i) -> base::Result<base::Bytes> { return i == 3 ? "other" : leaf(i); });
  ASSERT_TRUE(forked) << "few tiles wait for publish";
  EXPECT_EQ(forked->publish(note(*forked)).error().code, k_tiles_differ);
}

TEST_F(Tiles, a_torn_directory_is_not_opened) {
  auto writer = TileWriter::open(directory);
  grow(*writer, 300);
  publish(*writer);
  fs::resize_file(directory / "tile/entries/001.p/44", 20);
  EXPECT_EQ(TileWriter::open(directory).error().code, k_tiles_broken);
  std::ofstream(directory / "checkpoint") << "nonsense";
  EXPECT_EQ(published_size(directory).error().code, k_checkpoint_invalid);
  EXPECT_FALSE(TileWriter::open(directory));
}

TEST_F(Tiles, a_partial_tile_is_read_from_the_full_one) {
  auto writer = TileWriter::open(directory);
  grow(*writer, 256);
  publish(*writer);
  EXPECT_EQ(load_tile(directory, {0, 0, 3})->size(), 96u);
  const auto bundle = load_tile(directory, {k_entries, 0, 3});
  ASSERT_TRUE(bundle);
  EXPECT_EQ((*parse_bundle(*bundle, 3))[2], "leaf 2");
  EXPECT_FALSE(load_tile(directory, {0, 1, 3}));
}

}  // namespace
}  // namespace receipts
