#include "receipts/verify/fsck.hpp"

#include "receipts/log/epoch.hpp"
#include "receipts/proof/tile_reader.hpp"
#include "receipts/verify/walk.hpp"

namespace receipts {
namespace {

namespace fs = base::fs;

// An epoch as its directory shows it before its entries are walked.
struct Found {
  WalkOptions walk;
  std::string name;
  std::optional<EpochLink> link;  // what its first leaf says of the epoch before
};

class Row {
 public:
  Row(const FsckOptions& options, Report& report) : m_options(options), m_report(report) {}

  void run() {
    if (!find_epochs()) return;
    read_earlier();
    mark_kept();
    Carry carry;
    std::map<std::pair<std::string, std::uint64_t>, Carry> kept;
    bool closed = false;
    for (std::size_t i = 0; i < m_epochs.size(); ++i) {
      Found& epoch = m_epochs[i];
      check_link(i, closed);
      if (epoch.link && epoch.link->kept)
        if (const auto it = kept.find(*epoch.link->kept); it != kept.end()) carry = it->second;
      carry.chains.enter(epoch.name);
      Walk walk(epoch.walk, carry, m_report);
      walk.run();
      closed = walk.is_closed();
      for (const auto& [size, state] : walk.kept()) kept.emplace(std::pair(epoch.name, size), state);
    }
  }

 private:
  // A directory is one epoch, or holds one directory for each.
  bool find_epochs() {
    std::map<EpochName, fs::path> directories;
    std::error_code ec;
    const auto names = base::list_directory(m_options.directory);
    if (names && !fs::exists(m_options.directory / "checkpoint", ec))
      for (const std::string& name : *names)
        if (const auto epoch = parse_epoch(name)) directories.emplace(*epoch, m_options.directory / name);
    const bool is_row = !directories.empty();
    if (!is_row) directories.emplace(EpochName{}, m_options.directory);
    for (const auto& [epoch, directory] : directories)
      if (!open_epoch(directory, is_row ? format_epoch(epoch) : std::string{})) return false;
    return true;
  }

  bool open_epoch(const fs::path& directory, const std::string& label) {
    const auto text = base::read_file(directory / "checkpoint", {k_max_note});
    const auto note = text ? parse_signed_checkpoint(*text) : base::Result<SignedCheckpoint>(text.error());
    if (!note) {
      m_report.add("checkpoint", Verdict::failed, label, note.error().detail);
      return false;
    }
    const Checkpoint& head = note->checkpoint;
    const std::string name(epoch_of(head.origin));
    if (!label.empty() && name != label) {
      m_report.add("checkpoint", Verdict::failed, label, "the checkpoint is of another epoch: " + head.origin);
      return false;
    }
    m_report.add("checkpoint", Verdict::passed, label, head.origin + ", " + std::to_string(head.size) + " entries");
    const auto key = key_for(m_options.key, head.origin);
    const bool good = key && verify_checkpoint(*note, *key);
    m_report.add("log_signature", good ? Verdict::passed : Verdict::failed, label, good ? "by " + key->name : "no good signature of " + m_options.key.name);
    Found found{{directory, label, key.value_or(m_options.key), *note, !m_epochs.empty(), {}, {}}, name, {}};
    TileReader reader(directory, head.size);
    if (const auto entry = reader.read_entry(0))
      if (const auto first = parse_leaf(*entry); first && first->event.type == EventType::log_open) found.link = parse_link(first->event.facts);
    m_epochs.push_back(std::move(found));
    return true;
  }

  void read_earlier() {
    const bool is_row = !m_epochs.front().walk.label.empty();
    for (std::size_t i = 0; i < m_options.against.size(); ++i) {
      bool any = false;
      for (SignedCheckpoint& note : find_checkpoints(m_options.against[i], m_options.key)) {
        Found* epoch = nullptr;
        for (Found& one : m_epochs)
          if (one.walk.note.checkpoint.origin == note.checkpoint.origin) epoch = &one;
        any = any || is_row || epoch != nullptr;
        if (epoch != nullptr)
          epoch->walk.earlier.push_back(std::move(note));
        else if (is_row)
          m_report.add("against", Verdict::failed, note.checkpoint.origin, "this epoch of the log is missing");
      }
      if (!any) m_report.add("against", Verdict::failed, "text " + std::to_string(i + 1), "holds no checkpoint of " + m_options.key.name);
    }
  }

  void mark_kept() {
    for (const Found& epoch : m_epochs)
      if (epoch.link && epoch.link->kept)
        for (Found& older : m_epochs)
          if (older.name == epoch.link->kept->first) older.walk.keep.insert(epoch.link->kept->second);
  }

  void check_link(std::size_t i, bool closed) {
    const Found& epoch = m_epochs[i];
    if (i == 0) {
      if (epoch.link) tell(epoch, Verdict::indeterminate, "goes on from epoch " + epoch.link->epoch + ", which is not in this directory");
      return;
    }
    const Found& before = m_epochs[i - 1];
    const Checkpoint& head = before.walk.note.checkpoint;
    if (!epoch.link) return tell(epoch, Verdict::failed, "its first leaf does not name the epoch before");
    if (epoch.link->epoch != before.name) return tell(epoch, Verdict::failed, "follows epoch " + epoch.link->epoch + ", which is missing");
    if (epoch.link->size != head.size || epoch.link->root != head.root) return tell(epoch, Verdict::failed, "epoch " + before.name + " ended otherwise");
    if (!verify_link(*epoch.link, epoch.walk.key)) return tell(epoch, Verdict::failed, "the checkpoint of epoch " + before.name + " in it is not signed");
    if (!epoch.link->kept)
      return tell(epoch, closed ? Verdict::passed : Verdict::failed, closed ? "follows " + before.name : "epoch " + before.name + " was not closed");
    const auto& [name, size] = *epoch.link->kept;
    const std::string detail = "opened by a person after epoch " + before.name + " (" + std::to_string(head.size) +
                               " entries); the database then ended at entry " + std::to_string(size) + " of epoch " + name;
    for (const Found& older : m_epochs)
      if (older.name == name && size <= older.walk.note.checkpoint.size) return tell(epoch, Verdict::passed, detail);
    tell(epoch, Verdict::indeterminate, detail + ": what lay behind it was never published");
  }

  void tell(const Found& epoch, Verdict verdict, std::string detail) { m_report.add("epochs", verdict, epoch.name, std::move(detail)); }

  const FsckOptions& m_options;
  Report& m_report;
  std::vector<Found> m_epochs;
};

}  // namespace

Report fsck(const FsckOptions& options) {
  Report report;
  Row(options, report).run();
  return report;
}

}  // namespace receipts
