#include "receipts/verify/walk.hpp"

#include <charconv>

namespace receipts {
namespace {

bool has_width(const TileFile& tile, base::ByteView bytes, unsigned width) {
  if (tile.id.level != k_entries) return bytes.size() == std::size_t{32} * width;
  return parse_bundle(bytes, width).has_value();
}

}  // namespace

void Walk::run() {
  const Checkpoint& head = m_options.note.checkpoint;
  for (const SignedCheckpoint& note : m_options.earlier)
    m_earlier.emplace(note.checkpoint.size, Earlier{note.checkpoint, verify_checkpoint(note, m_options.key)});
  meet(0);
  bool whole = true;
  const std::uint64_t bundles = (head.size + k_tile_width - 1) / k_tile_width;
  for (std::uint64_t i = 0; i < bundles && whole; ++i) whole = read_bundle(i);
  if (whole) compare(m_stack.partials());
  say("tiles", m_counts.tile_faults, std::to_string(m_counts.tiles) + " tiles recomputed");
  const bool same = whole && m_stack.root() == head.root;
  m_report.add("root", same ? Verdict::passed : Verdict::failed, subject_of(""),
               same ? base::to_base64(base::view(head.root)) : "the entries do not have the root of the checkpoint");
  say("leaves", m_counts.leaf_faults, std::to_string(m_stack.size()) + " leaves in canonical form");
  say("chains", m_counts.chain_faults,
      std::to_string(m_carry.chains.messages()) + " messages, " + std::to_string(m_carry.chains.open()) + " open");
  say("balance", m_counts.balance_faults,
      std::to_string(m_counts.balances) + " balances, open now " + std::to_string(m_carry.balance.open()));
  tell_earlier();
}

// The tree has `size` entries now: does an earlier checkpoint of that size agree, and does a later epoch take up here?
void Walk::meet(std::uint64_t size) {
  if (m_options.keep.count(size) > 0) m_kept.emplace(size, m_carry);
  if (m_earlier.empty()) return;
  for (auto [it, end] = m_earlier.equal_range(size); it != end; ++it) {
    it->second.seen = true;
    it->second.agrees = m_stack.root() == it->second.checkpoint.root;
  }
}

void Walk::tell_earlier() {
  for (const auto& [size, earlier] : m_earlier) {
    const std::string subject = subject_of("checkpoint of " + std::to_string(size) + " entries");
    if (!earlier.is_signed)
      m_report.add("against", Verdict::failed, subject, "is not signed by " + m_options.key.name);
    else if (size > m_options.note.checkpoint.size)
      m_report.add("against", Verdict::failed, subject, "the log is shorter than that: entries are missing at its end");
    else if (!earlier.seen || !earlier.agrees)
      m_report.add("against", Verdict::failed, subject, "the log had another beginning then: it was rewritten");
    else
      m_report.add("against", Verdict::passed, subject, "this log begins with that one");
  }
}

bool Walk::read_bundle(std::uint64_t index) {
  const TileId id{k_entries, index, tile_width_at(k_entries, index, m_options.note.checkpoint.size)};
  const auto bundle = load_tile(m_options.directory, id);
  const auto entries = bundle ? parse_bundle(*bundle, id.width) : base::Result<std::vector<base::ByteView>>(bundle.error());
  if (!entries) {
    fault("tiles", m_counts.tile_faults, format_tile_path(id), entries.error().detail);
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

base::Sha256Digest Walk::read_leaf(base::ByteView entry) {
  const std::uint64_t index = m_stack.size();
  const auto leaf = parse_leaf(entry);
  if (!leaf) {
    fault("leaves", m_counts.leaf_faults, "entry " + std::to_string(index), leaf.error().detail);
    return leaf_hash(entry);
  }
  if (const std::string wrong = m_carry.chains.add(*leaf); !wrong.empty())
    fault("chains", m_counts.chain_faults, "entry " + std::to_string(index) + " of message " + leaf->event.mid->text(), wrong);
  count(*leaf, index);
  if (m_closed) fault("epochs", m_counts.end_faults, "entry " + std::to_string(index), "stands after log.close");
  m_closed = leaf->event.type == EventType::log_close;
  return leaf->hash;
}

void Walk::count(const ParsedLeaf& leaf, std::uint64_t index) {
  if (leaf.event.type == EventType::log_balance) {
    ++m_counts.balances;
    if (leaf.event.facts != m_carry.balance.facts())
      fault("balance", m_counts.balance_faults, "entry " + std::to_string(index), "the leaves before it add up to something else");
  }
  if (leaf.event.type == EventType::log_open) {
    if (index > 0) fault("epochs", m_counts.end_faults, "entry " + std::to_string(index), "a log.open that is not the first leaf");
    if (m_options.goes_on && number_of(leaf.event.facts, "open") != m_carry.balance.open())
      fault("balance", m_counts.balance_faults, "entry " + std::to_string(index), "the epoch before left another number of messages open");
  }
  m_carry.balance.count(leaf.event.type, leaf.event.facts, leaf.event.out);
}

void Walk::compare(const std::vector<TileFile>& tiles) {
  for (const TileFile& tile : tiles) {
    ++m_counts.tiles;
    // the bundle itself was the source
    if (tile.id.level != k_entries) {
      const auto there = load_tile(m_options.directory, tile.id);
      if (!there || *there != tile.bytes)
        fault("tiles", m_counts.tile_faults, format_tile_path(tile.id), there ? "does not follow from the entries" : there.error().detail);
    }
    compare_partials(tile);
  }
}

// Partial tiles that were published earlier may lie about; each must be the beginning of what stands there now.
void Walk::compare_partials(const TileFile& tile) {
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
      fault("tiles", m_counts.tile_faults, path + "/" + name, "is not the beginning of the tile");
  }
}

std::string Walk::subject_of(const std::string& subject) const {
  if (m_options.label.empty()) return subject;
  return subject.empty() ? m_options.label : m_options.label + " " + subject;
}

void Walk::fault(const char* check, std::uint64_t& count, const std::string& subject, std::string detail) {
  ++count;
  m_report.add(check, Verdict::failed, subject_of(subject), std::move(detail));
}

void Walk::say(const char* check, std::uint64_t faults, std::string good) {
  if (faults == 0)
    m_report.add(check, Verdict::passed, subject_of(""), std::move(good));
  else
    m_report.add(check, Verdict::failed, subject_of(""), std::to_string(faults) + " faults");
}

}  // namespace receipts
