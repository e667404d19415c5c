#include "gateway/store/epochs.hpp"

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

namespace fs = std::filesystem;

std::optional<Published> read_published(const fs::path& directory) {
  auto note = base::read_file(directory / "checkpoint", {receipts::k_max_note});
  if (!note) return std::nullopt;
  const auto parsed = receipts::parse_signed_checkpoint(*note);
  if (!parsed) return std::nullopt;
  return Published{directory, *std::move(note), parsed->checkpoint};
}

base::Error ahead(const std::string& epoch, std::uint64_t published, std::uint64_t known) {
  return base::fail(k_rollback, "the published log has " + std::to_string(published) + " leaves in epoch " + epoch + ", the database " +
                                    std::to_string(known) + "; amtsbote receipts new-epoch is the way on");
}

// The leaves of each epoch that the database knows; of an ended one what its last checkpoint says.
base::Result<std::map<std::string, std::uint64_t>> known_sizes(Database& db, int schema) {
  std::map<std::string, std::uint64_t> out;
  if (schema == 0) return out;
  auto query = db.prepare(schema == 1 ? "SELECT replace(origin, rtrim(origin, replace(origin, '/', '')), ''),NULL,NULL,tree FROM log_state"
                                      : "SELECT name,size,note,tree FROM epoch,log_state");
  if (!query) return std::move(query).error();
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    const auto tree = receipts::CompactRange::load(query->blob(3));
    if (!tree) return tree.error();
    const auto note = receipts::parse_signed_checkpoint(query->blob(2));
    out[query->blob(0)] = note ? note->checkpoint.size : query->is_null(1) ? tree->size() : static_cast<std::uint64_t>(query->integer(1));
  }
}

}  // namespace

PublishedLog find_published(const fs::path& log_directory) {
  PublishedLog out;
  const auto names = base::list_directory(log_directory);
  if (!names) return out;
  for (const std::string& name : *names) {
    const auto epoch = receipts::parse_epoch(name);
    if (!epoch) continue;
    if (auto found = read_published(log_directory / name)) out.emplace(*epoch, *std::move(found));
  }
  if (auto flat = read_published(log_directory))
    if (const auto epoch = receipts::parse_epoch(receipts::epoch_of(flat->checkpoint.origin))) out.emplace(*epoch, *std::move(flat));
  return out;
}

base::Result<void> check_published(Database& db, int schema, const PublishedLog& published) {
  if (published.empty()) return base::Done{};
  const auto known = known_sizes(db, schema);
  if (!known) return known.error();
  for (const auto& [epoch, there] : published) {
    const std::string name = receipts::format_epoch(epoch);
    const auto it = known->find(name);
    const std::uint64_t size = it == known->end() ? 0 : it->second;
    if (it == known->end() || there.checkpoint.size > size) return ahead(name, there.checkpoint.size, size);
  }
  return base::Done{};
}

// Tiles first: while the checkpoint lies at its old place, the move is not over.
base::Result<void> move_flat_log(const fs::path& log_directory, const std::string& fallback) {
  std::error_code ec;
  if (!fs::exists(log_directory / "checkpoint", ec)) return base::Done{};
  const auto flat = read_published(log_directory);
  const std::string epoch = flat ? std::string(receipts::epoch_of(flat->checkpoint.origin)) : fallback;
  if (auto made = base::make_directories(log_directory / epoch, 0755); !made) return made;
  for (const char* name : {"tile", "checkpoint"}) {
    if (!fs::exists(log_directory / name, ec)) continue;
    fs::rename(log_directory / name, log_directory / epoch / name, ec);
    if (ec) return base::fail(k_database, (log_directory / name).string() + ": " + ec.message());
    for (const fs::path& directory : {log_directory / epoch, log_directory})
      if (auto synced = base::sync_directory(directory); !synced) return synced;
  }
  return base::Done{};
}

LogEntry open_entry(const char* out, base::Timestamp now) {
  LogEntry entry{base::EventId::make(now), {}};
  entry.event.type = receipts::EventType::log_open;
  entry.event.time = now;
  entry.event.out = out;
  return entry;
}

base::Result<void> EpochTurner::step(Database& db, LogWriter& log, const std::function<base::Result<void>()>& change) {
  log.begin();
  auto done = db.execute("BEGIN IMMEDIATE");
  if (done) done = change();
  if (done) done = log.save(db);
  if (done) done = db.execute("COMMIT");
  if (!done) {
    log.rollback();
    if (db.in_transaction()) (void)db.execute("ROLLBACK").has_value();
  }
  return done;
}

base::Result<void> EpochTurner::turn(Database& db, LogWriter& log, base::Timestamp now) {
  const auto current = receipts::parse_epoch(log.epoch().name);
  if (!current) return base::fail(k_database, "epoch " + log.epoch().name);
  const int year = receipts::year_of(now);
  if (!log.epoch().is_closed && log.size() == 0)
    if (auto done = step(db, log, [&] { return log.open_epoch(db, open_entry(receipts::k_out_opened, now)); }); !done) return done;
  // a clock that went back over the turn of the year changes nothing: epochs only go on
  if (!log.epoch().is_closed && year <= current->year) return base::Done{};
  if (!log.epoch().is_closed)
    if (auto done = step(db, log, [&] { return log.close_epoch(db, now); }); !done) return done;
  m_publisher.committed(log.size());
  const auto note = m_publisher.publish_now();
  if (!note) return note.error().code == base::k_disk_full ? base::fail(k_full, note.error().detail) : note.error();
  const auto link = receipts::make_link(*note);
  if (!link) return link.error();
  LogEntry open = open_entry(receipts::k_out_opened, now);
  open.event.facts = receipts::format_link(*link);
  // closed under a clock that had run ahead, and the clock is right again: the number keeps the order
  const receipts::EpochName next = year > current->year ? receipts::EpochName{year, 1} : receipts::EpochName{current->year, current->number + 1};
  if (auto done = step(db, log, [&] { return log.start_epoch(db, next, *note, std::move(open)); }); !done) return done;
  return m_publisher.move_to({log.origin(), m_directory / log.epoch().name, log.epoch().first}, log.size());
}

base::Result<void> recover_log(Database& db, LogWriter& log, const PublishedLog& published, const Recovery& recovery, base::Timestamp now) {
  const auto current = receipts::parse_epoch(log.epoch().name);
  if (published.empty() || !current) return base::fail(k_not_needed, "nothing is published");
  const auto& [newest, there] = *published.rbegin();
  auto link = receipts::make_link(there.note);
  if (!link) return std::move(link).error();
  link->kept = {log.epoch().name, log.size()};
  LogEntry open = open_entry(receipts::k_out_recovered, now);
  open.event.facts = receipts::format_link(*link);
  open.event.actor = "person";
  open.event.disclosures.push_back({receipts::DisclosureClass::dec, "reason", recovery.reason});
  open.event.disclosures.push_back({receipts::DisclosureClass::dec, "who", recovery.who});

  const receipts::EpochName last = std::max(newest, *current);
  const int year = std::max(receipts::year_of(now), last.year);
  const receipts::EpochName next = year > last.year ? receipts::EpochName{year, 1} : receipts::EpochName{last.year, last.number + 1};
  const auto own = published.find(*current);
  log.begin();
  if (auto begun = db.execute("BEGIN IMMEDIATE"); !begun) return begun;
  if (auto done = log.start_epoch(db, next, own == published.end() ? std::string{} : own->second.note, std::move(open)); !done) return done;
  // epochs of which only their tiles are left stay known by name and checkpoint; their numbers lie below all others
  auto insert = db.prepare("INSERT OR IGNORE INTO epoch(no,name,first,size,note) VALUES((SELECT min(no) FROM epoch)-1,?,0,0,?)");
  if (!insert) return std::move(insert).error();
  for (const auto& [name, lost] : published) {
    const std::string text = receipts::format_epoch(name);  // a statement borrows what is bound to it until it has run
    insert->bind_text(1, text).bind_text(2, lost.note);
    if (auto done = insert->run(); !done) return done;
  }
  if (auto saved = log.save(db); !saved) return saved;
  return db.execute("COMMIT");
}

}  // namespace store
