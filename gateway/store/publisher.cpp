#include "gateway/store/publisher.hpp"

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "gateway/store/errors.hpp"
#include "receipts/log/tree.hpp"

namespace store {
namespace {

constexpr base::log::Event k_event_late{"log.checkpoint_late"};

// What passes by itself: the log waits in the database meanwhile.
bool is_temporary(const base::Error& error) {
  return error.code == base::k_disk_full || error.code == base::k_no_descriptors || error.code == k_full || error.code == k_locked;
}

base::Result<Statement> leaf_query(Database& db) { return db.prepare("SELECT bytes FROM leaf WHERE idx>=? AND idx<? ORDER BY idx"); }

base::Result<receipts::TileWriter> open_tiles(Database& db, const EpochPlace& place, std::uint64_t committed) {
  const auto& directory = place.directory;
  auto tiles = receipts::TileWriter::open(directory);
  if (tiles && tiles->size() > committed)
    return base::fail(k_rollback, "the published log has " + std::to_string(tiles->size()) + " leaves, the database " + std::to_string(committed));
  if (tiles) return tiles;
  // a damaged directory is made again from the database; full tiles that differ are refused there
  return receipts::TileWriter::rebuild(directory, committed, [&db, &place](std::uint64_t index) -> base::Result<base::Bytes> {
    auto query = leaf_query(db);
    if (!query) return std::move(query).error();
    query->bind(1, static_cast<std::int64_t>(place.first + index)).bind(2, static_cast<std::int64_t>(place.first + index + 1));
    const auto row = query->step();
    if (!row) return row.error();
    return query->blob(0);
  });
}

}  // namespace

Publisher::Publisher(Database reader, receipts::TileWriter tiles) : m_reader(std::move(reader)), m_tiles(std::move(tiles)) {}

base::Result<std::unique_ptr<Publisher>> Publisher::open(Database reader, EpochPlace place, std::shared_ptr<const base::Ed25519Key> key,
                                                         const receipts::CompactRange& committed, std::chrono::milliseconds every) {
  if (auto made = base::make_directories(place.directory, 0755); !made) return made.error();
  if (auto swept = base::remove_temporary_files(place.directory); !swept) return std::move(swept).error();
  auto tiles = open_tiles(reader, place, committed.size());
  if (!tiles) return std::move(tiles).error();
  std::unique_ptr<Publisher> out(new Publisher(std::move(reader), *std::move(tiles)));
  auto query = leaf_query(out->m_reader);
  if (!query) return std::move(query).error();
  out->m_leaves = *std::move(query);
  out->m_place = std::move(place);
  out->m_key = std::move(key);
  out->m_every = every;
  out->m_committed = committed.size();
  // the published tree, grown by the leaves since, must be the tree of the database: else they tell two histories
  if (auto grown = out->grow(committed.size()); !grown) return grown.error();
  if (out->m_tiles.root() != committed.root()) return base::fail(k_rollback, "the published log tells another history than the database");
  return out;
}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_wake.notify_one();
  if (m_thread.joinable()) m_thread.join();
}

void Publisher::start(std::function<void(const base::Error&)> on_fatal, std::function<void(const std::string&)> on_checkpoint) {
  m_on_fatal = std::move(on_fatal);
  m_on_checkpoint = std::move(on_checkpoint);
  m_thread = std::thread([this] { run(); });
}

void Publisher::committed(std::uint64_t size) {
  const std::lock_guard lock(m_mutex);
  m_committed = size;
}

std::string Publisher::origin() const {
  const std::lock_guard lock(m_mutex);
  return m_place.origin;
}

base::Result<void> Publisher::move_to(EpochPlace place, std::uint64_t size) {
  const std::lock_guard work(m_work);
  if (auto made = base::make_directories(place.directory, 0755); !made) return made;
  auto tiles = receipts::TileWriter::open(place.directory);
  if (!tiles) return std::move(tiles).error();
  if (tiles->size() > 0) return base::fail(k_rollback, place.directory.string() + " holds a log already");
  const std::lock_guard lock(m_mutex);
  m_tiles = *std::move(tiles);
  m_place = std::move(place);
  m_committed = size;
  m_last_size = -1;
  m_last.clear();
  return base::Done{};
}

void Publisher::run() {
  while (true) {
    bool stop = false;
    {
      std::unique_lock lock(m_mutex);
      m_wake.wait_for(lock, m_every, [this] { return m_stop; });
      stop = m_stop;
      if (!stop && static_cast<std::int64_t>(m_committed) == m_last_size) continue;
    }
    const auto done = publish_now();
    if (!done && !is_temporary(done.error())) {
      m_on_fatal(done.error());
      return;
    }
    if (!done && !m_is_late) base::log::warning(k_event_late, {{"error", done.error().describe()}});
    m_is_late = !done;
    if (stop) return;
  }
}

base::Result<std::string> Publisher::publish_now() {
  const std::lock_guard work(m_work);
  return publish();
}

base::Result<std::string> Publisher::publish() {
  std::uint64_t target = 0;
  {
    const std::lock_guard lock(m_mutex);
    target = m_committed;
  }
  // by what is published, not by the tiles in memory: those are ahead after a failure
  if (static_cast<std::int64_t>(target) == m_last_size) return m_last;
  if (auto grown = grow(target); !grown) return grown.error();
  const std::string note = receipts::sign_checkpoint({m_place.origin, m_tiles.size(), m_tiles.root()}, *m_key);
  if (auto published = m_tiles.publish(note); !published) return published.error();
  m_last = note;
  m_last_size = static_cast<std::int64_t>(target);
  if (m_on_checkpoint) m_on_checkpoint(note);
  return note;
}

base::Result<void> Publisher::grow(std::uint64_t target) {
  m_leaves.bind(1, static_cast<std::int64_t>(m_place.first + m_tiles.size())).bind(2, static_cast<std::int64_t>(m_place.first + target));
  while (true) {
    const auto row = m_leaves.step();
    if (!row) return row.error();
    if (!*row) break;
    const base::Bytes bytes = m_leaves.blob(0);
    if (auto added = m_tiles.add(bytes, receipts::leaf_hash(bytes)); !added) {
      m_leaves.reset();
      return added.error();
    }
  }
  m_leaves.reset();
  if (m_tiles.size() != target) return base::fail(k_database, "a committed leaf cannot be read");
  return base::Done{};
}

}  // namespace store
