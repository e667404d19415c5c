#include "receipts/verify/fsck.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "receipts/log/tiles.hpp"
#include "receipts/verify/chains.hpp"

namespace receipts {
namespace {

namespace fs = base::fs;

// An earlier checkpoint and whether the walk over the entries met its root.
struct Earlier {
  Checkpoint checkpoint;
  bool is_signed = false, seen = false, agrees = false;
};

class Walk {
 public:
  Walk(const FsckOptions& options, Report& report) : m_options(options), m_report(report) {}

  void run() {
    if (!read_checkpoint()) return;
    read_earlier();
    meet(0);
    bool whole = true;
    const std::uint64_t bundles = (m_head.size + k_tile_width - 1) / k_tile_width;
    for (std::uint64_t i = 0; i < bundles && whole; ++i) whole = read_bundle(i);
    if (whole) compare(m_stack.partials());
    say("tiles", m_tile_faults, std::to_string(m_tiles) + " tiles recomputed");
    const bool same = whole && m_stack.root() == m_head.root;
    m_report.add("root", same ? Verdict::passed : Verdict::failed, "",
                 same ? base::to_base64(base::view(m_head.root)) : "the entries do not have the root of the checkpoint");
    say("leaves", m_leaf_faults, std::to_string(m_stack.size()) + " leaves in canonical form");
    say("chains", m_chain_faults,
        std::to_string(m_chains.messages()) + " messages, " + std::to_string(m_chains.open()) + " open");
    say("balance", m_balance_faults, std::to_string(m_balances) + " balances, open now " + std::to_string(m_balance.open()));
    tell_earlier();
  }

 private:
  bool read_checkpoint() {
    const auto note = base::read_file(m_options.directory / "checkpoint", {k_max_note});
    const auto parsed = note ? parse_signed_checkpoint(*note) : base::Result<SignedCheckpoint>(note.error());
    if (!parsed) {
      m_report.add("checkpoint", Verdict::failed, "", parsed.error().detail);
      return false;
    }
    m_head = parsed->checkpoint;
    m_report.add("checkpoint", Verdict::passed, "", m_head.origin + ", " + std::to_string(m_head.size) + " entries");
    const bool good = verify_checkpoint(*parsed, m_options.key);
    m_report.add("log_signature", good ? Verdict::passed : Verdict::failed, "",
                 good ? "by " + m_options.key.name : "no good signature of " + m_options.key.name);
    return true;
  }

  void read_earlier() {
    for (std::size_t i = 0; i < m_options.against.size(); ++i) {
      const auto found = find_checkpoints(m_options.against[i], m_options.key.name);
      if (found.empty())
        m_report.add("against", Verdict::failed, "text " + std::to_string(i + 1), "holds no checkpoint of " + m_options.key.name);
      for (const SignedCheckpoint& note : found)
        m_earlier.emplace(note.checkpoint.size, Earlier{note.checkpoint, verify_checkpoint(note, m_options.key)});
    }
  }

  // The tree has `size` entries now: does an earlier checkpoint of that size agree?
  void meet(std::uint64_t size) {
    if (m_earlier.empty()) return;
    for (auto [it, end] = m_earlier.equal_range(size); it != end; ++it) {
      it->second.seen = true;
      it->second.agrees = m_stack.root() == it->second.checkpoint.root;
    }
  }

  void tell_earlier() {
    for (const auto& [size, earlier] : m_earlier) {
      const std::string subject = "checkpoint of " + std::to_string(size) + " entries";
      if (!earlier.is_signed)
        m_report.add("against", Verdict::failed, subject, "is not signed by " + m_options.key.name);
      else if (size > m_head.size)
        m_report.add("against", Verdict::failed, subject, "the log is shorter than that: entries are missing at its end");
      else if (!earlier.seen || !earlier.agrees)
        m_report.add("against", Verdict::failed, subject, "the log had another beginning then: it was rewritten");
      else
        m_report.add("against", Verdict::passed, subject, "this log begins with that one");
    }
  }

  bool read_bundle(std::uint64_t index) {
    const TileId id{k_entries, index, tile_width_at(k_entries, index, m_head.size)};
    const auto bundle = load_tile(m_options.directory, id);
    const auto entries = bundle ? parse_bundle(*bundle, id.width) : base::Result<std::vector<base::ByteView>>(bundle.error());
    if (!entries) {
      fault("tiles", m_tile_faults, format_tile_path(id), entries.error().detail);
      return false;
    }
    std::vector<TileFile> full;
    for (const base::ByteView entry : *entries) {
      m_stack.add(entry, read_leaf(entry), full);
      meet(m_stack.size());
    }
    compare(full);
    return true;
  }

  base::Sha256Digest read_leaf(base::ByteView entry) {
    const std::uint64_t index = m_stack.size();
    const auto leaf = parse_leaf(entry);
    if (!leaf) {
      fault("leaves", m_leaf_faults, "entry " + std::to_string(index), leaf.error().detail);
      return leaf_hash(entry);
    }
    if (const std::string wrong = m_chains.add(*leaf); !wrong.empty())
      fault("chains", m_chain_faults, "entry " + std::to_string(index) + " of message " + leaf->event.mid->text(), wrong);
    if (leaf->event.type == EventType::log_balance) {
      ++m_balances;
      if (leaf->event.facts != m_balance.facts())
        fault("balance", m_balance_faults, "entry " + std::to_string(index), "the leaves before it add up to something else");
    }
    m_balance.count(leaf->event.type, leaf->event.facts, leaf->event.out);
    return leaf->hash;
  }

  void compare(const std::vector<TileFile>& tiles) {
    for (const TileFile& tile : tiles) {
      ++m_tiles;
      // the bundle itself was the source
      if (tile.id.level != k_entries) {
        const auto there = load_tile(m_options.directory, tile.id);
        if (!there || *there != tile.bytes)
          fault("tiles", m_tile_faults, format_tile_path(tile.id), there ? "does not follow from the entries" : there.error().detail);
      }
      compare_partials(tile);
    }
  }

  // Partial tiles that were published earlier may lie about; each must be the beginning of what stands there now.
  void compare_partials(const TileFile& tile) {
    const std::string path = format_tile_path(TileId{tile.id.level, tile.id.index}) + ".p";
    const auto names = base::list_directory(m_options.directory / path);
    if (!names) return;
    for (const std::string& name : *names) {
      unsigned width = 0;
      const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), width);
      // not a tile (a temporary file of a writer that was killed), or one ahead of the checkpoint, which the writer may be
      if (ec != std::errc{} || end != name.data() + name.size() || width > tile.id.width) continue;
      const auto there = base::read_file(m_options.directory / path / name, {k_max_bundle});
      if (!there || !base::ByteView(tile.bytes).starts_with(*there) || !has_width(tile, *there, width))
        fault("tiles", m_tile_faults, path + "/" + name, "is not the beginning of the tile");
    }
  }

  static bool has_width(const TileFile& tile, base::ByteView bytes, unsigned width) {
    if (tile.id.level != k_entries) return bytes.size() == std::size_t{32} * width;
    return parse_bundle(bytes, width).has_value();
  }

  void fault(const char* check, std::uint64_t& count, std::string subject, std::string detail) {
    ++count;
    m_report.add(check, Verdict::failed, std::move(subject), std::move(detail));
  }
  void say(const char* check, std::uint64_t faults, std::string good) {
    if (faults == 0)
      m_report.add(check, Verdict::passed, "", std::move(good));
    else
      m_report.add(check, Verdict::failed, "", std::to_string(faults) + " faults");
  }

  const FsckOptions& m_options;
  Report& m_report;
  Checkpoint m_head;
  TileStack m_stack;
  Chains m_chains;
  Balance m_balance;
  std::multimap<std::uint64_t, Earlier> m_earlier;
  std::uint64_t m_tiles = 0, m_balances = 0;
  std::uint64_t m_tile_faults = 0, m_leaf_faults = 0, m_chain_faults = 0, m_balance_faults = 0;
};

}  // namespace

Report fsck(const FsckOptions& options) {
  Report report;
  Walk(options, report).run();
  return report;
}

}  // namespace receipts
