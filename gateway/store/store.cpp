#include "gateway/store/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <mutex>

#include <boost/asio/async_result.hpp>

#include "base/core/descriptor.hpp"
#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/core/log.hpp"
#include "gateway/store/backup.hpp"
#include "gateway/store/epochs.hpp"
#include "gateway/store/errors.hpp"
#include "gateway/store/publisher.hpp"
#include "gateway/store/reader.hpp"
#include "gateway/store/schema.hpp"
#include "gateway/store/writer.hpp"

namespace store {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr std::chrono::milliseconds k_free_for{200};  // asked at each MAIL; within this time no disk fills its reserve

constexpr base::log::Event k_event_fatal{"store.stopped"};
constexpr base::log::Event k_event_checkpoint{"log.checkpoint"};

base::Result<std::unique_ptr<base::Descriptor>> take_lock(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return base::fail(base::k_io, path.string() + ": " + base::errno_text(errno));
  auto lock = std::make_unique<base::Descriptor>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return base::fail(k_locked, "another process holds " + path.string());
  return lock;
}

// Files that no row names are what a crash left between writing and commit.
void sweep_spool(const fs::path& spool, Database& db) {
  const auto names = base::list_directory(spool);
  if (!names) return;
  auto query = db.prepare("SELECT 1 FROM message WHERE spool=?");
  if (!query) return;
  for (const std::string& name : *names) {
    query->bind_text(1, name);
    const auto row = query->step();
    query->reset();
    if (row && !*row) ::unlink((spool / name).c_str());
  }
}

void clear_directory(const fs::path& path) {
  const auto names = base::list_directory(path);
  if (!names) return;
  for (const std::string& name : *names) ::unlink((path / name).c_str());
}

// What an old database says of itself, before anything is written: its schema, the key it is sealed under, the log's key.
base::Result<void> check_old(const fs::path& path, const Options& options, const PublishedLog& published) {
  std::error_code ec;
  if (!fs::exists(path, ec)) {
    if (published.empty() || options.new_epoch) return base::Done{};
    return base::fail(k_rollback, "there is a published log and no database; amtsbote receipts new-epoch is the way on");
  }
  auto db = Database::open(path, false);
  if (!db) return std::move(db).error();
  const auto schema = check_schema(*db);
  if (!schema) return schema.error();
  if (*schema == 0) return published.empty() || options.new_epoch ? base::Result<void>{} : base::fail(k_rollback, "the database is empty");
  auto query = db->prepare("SELECT (SELECT value FROM meta WHERE name='root'),(SELECT vkey FROM log_state)");
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  if (query->is_null(0)) return base::Done{};  // made, and never used
  const auto canary = options.root->unwrap(query->blob(0), "canary");
  if (!canary) return base::fail(k_foreign_key, canary.error().detail);
  const auto vkey = receipts::parse_vkey(query->blob(1));
  const auto ours = vkey ? options.origin + "/" + std::string(receipts::epoch_of(vkey->name)) : options.origin;
  if (!query->is_null(1) && (!vkey || vkey->name != ours || vkey->key != options.log_key->public_key()))
    return base::fail(k_foreign_key, "the log of this store is " + query->blob(1) + "; the key given is that of " +
                                         receipts::format_vkey({ours, options.log_key->public_key()}));
  return options.new_epoch ? base::Result<void>{} : check_published(*db, *schema, published);
}

// The canary by which a later start knows the root key.
base::Result<void> plant_canary(Database& db, const crypto::seal::RootKey& root) {
  auto insert = db.prepare("INSERT OR IGNORE INTO meta(name,value) VALUES('root',?)");
  if (!insert) return std::move(insert).error();
  const base::Bytes canary = root.wrap(crypto::seal::make_message_key(), "canary");
  insert->bind(1, base::ByteView(canary));
  return insert->run();
}

}  // namespace

struct Store::Impl {
  Options options;
  std::unique_ptr<base::Descriptor> lock;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<Reader> searcher;      // of its own: a long search must not keep the dispatcher from the queue
  std::unique_ptr<Publisher> publisher;  // outlives the writer, which tells it what is committed
  std::unique_ptr<Writer> writer;
  base::SecretBytes search_key, system_key;
  std::atomic<std::int64_t> next_id{1};
  std::mutex free_mutex;
  std::optional<base::Steady> free_known;  // when; under free_mutex, as free
  std::uint64_t free = 0;
  Metrics metrics;
  SpoolKeeper spool_keeper;              // while a backup copies, spool files stay

  std::mutex fatal_mutex;                // around the two below
  std::function<void(const base::Error&)> on_fatal;
  std::optional<base::Error> fatal_error;

  fs::path spool() const { return options.directory / "spool"; }

  // Outcomes may still be written where the database itself is sound; the writer stops by itself where it is not.
  void fail(const base::Error& error) {
    std::function<void(const base::Error&)> handler;
    {
      const std::lock_guard guard(fatal_mutex);
      if (fatal_error) return;
      fatal_error = error;
      handler = on_fatal;
    }
    base::log::error(k_event_fatal, {{"error", error.describe()}});
    if (handler) handler(error);
  }
  fs::path log() const { return options.directory / "log"; }

  // The writer's side of the log, ready for the first leaf; the publisher is open.
  base::Result<LogWriter> open_log(Database& db, const fs::path& path, const PublishedLog& published);
  base::Result<void> open_publisher(const fs::path& path, const LogWriter& log);
  std::unique_ptr<EpochTurner> turner;   // borrows the publisher
};

base::Result<void> Store::Impl::open_publisher(const fs::path& path, const LogWriter& log) {
  auto tiles_reader = Database::open(path, false);
  if (!tiles_reader) return std::move(tiles_reader).error();
  auto opened = Publisher::open(*std::move(tiles_reader), {log.origin(), this->log() / log.epoch().name, log.epoch().first}, options.log_key,
                                log.tree(), options.publish_every);
  if (!opened) return std::move(opened).error();
  publisher = *std::move(opened);
  turner = std::make_unique<EpochTurner>(*publisher, this->log());
  return base::Done{};
}

base::Result<LogWriter> Store::Impl::open_log(Database& db, const fs::path& path, const PublishedLog& published) {
  const Options& o = options;
  const base::Timestamp now = o.clock->now();
  // a database made anew under an older log begins where that one ended, and goes on in an epoch of its own
  const auto first = published.empty() ? receipts::EpochName{receipts::year_of(now)} : published.rbegin()->first;
  auto opened = LogWriter::open(db, {o.origin, o.node, o.log_key->public_key(), receipts::format_epoch(first)}, system_key.clone());
  if (!opened) return opened;
  if (auto moved = move_flat_log(log(), opened->epoch().name); !moved) return moved.error();
  if (o.new_epoch) {
    const auto known = check_published(db, k_schema_version, published);
    const auto agrees = known ? open_publisher(path, *opened) : known;
    publisher.reset();
    if (agrees) return base::fail(k_not_needed, "database and published log agree");
    if (agrees.error().code != k_rollback && agrees.error().code != receipts::k_tiles_differ) return agrees.error();
    if (auto done = recover_log(db, *opened, published, *o.new_epoch, now); !done) return done.error();
  }
  if (auto done = open_publisher(path, *opened); !done) return done.error();
  return opened;
}

Store::Store(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Store::~Store() {
  m_impl->writer.reset();
  m_impl->publisher.reset();
}

base::Result<std::unique_ptr<Store>> Store::open(Options options) {
  for (const char* name : {"", "spool", "scratch"})
    if (auto made = base::make_directories(options.directory / name, 0700); !made) return made.error();
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  const Options& o = impl->options;
  auto lock = take_lock(o.directory / "lock");
  if (!lock) return std::move(lock).error();
  impl->lock = *std::move(lock);
  impl->search_key = o.root->derive("search tags");
  impl->system_key = o.root->derive("system events");

  const fs::path path = o.directory / "store.sqlite";
  const PublishedLog published = find_published(impl->log());
  if (auto checked = check_old(path, o, published); !checked) return checked.error();
  auto db = Database::open(path, true);
  if (!db) return std::move(db).error();
  if (auto done = prepare_schema(*db); !done) return done.error();
  if (auto done = plant_canary(*db, *o.root); !done) return done.error();
  auto log = impl->open_log(*db, path, published);
  if (!log) return std::move(log).error();
  auto queue = QueueWriter::open(*db, *o.root, impl->search_key.clone());
  if (!queue) return std::move(queue).error();
  auto reader = Database::open(path, false);
  if (!reader) return std::move(reader).error();
  impl->reader = std::make_unique<Reader>(*std::move(reader), impl->spool(), o.root);
  auto searcher = Database::open(path, false);
  if (!searcher) return std::move(searcher).error();
  impl->searcher = std::make_unique<Reader>(*std::move(searcher), impl->spool(), o.root);
  impl->next_id = log->last_id() + 1;
  sweep_spool(impl->spool(), *db);
  clear_directory(o.directory / "scratch");

  Impl* raw = impl.get();
  const auto fatal = [raw](const base::Error& error) { raw->fail(error); };
  impl->writer = std::make_unique<Writer>(*std::move(db), *std::move(log), *std::move(queue), *o.clock);
  impl->writer->measure(impl->metrics);
  impl->metrics.published(o.clock->steady());
  impl->publisher->start(fatal, [raw](const std::string& note) {
    raw->metrics.published(raw->options.clock->steady());
    base::log::debug(k_event_checkpoint, {{"note", note}});
  });
  impl->writer->start(
      o.heartbeat_every,
      [raw](const AfterCommit& after, std::uint64_t size) {
        raw->spool_keeper.drop(raw->spool(), after.spool_files);
        raw->publisher->committed(size);
      },
      fatal, [raw](Database& writing, LogWriter& log_writer, base::Timestamp now) { return raw->turner->turn(writing, log_writer, now); });
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

std::int64_t Store::reserve_id() { return m_impl->next_id.fetch_add(1); }

void Store::on_fatal(std::function<void(const base::Error&)> handler) {
  const std::lock_guard lock(m_impl->fatal_mutex);
  m_impl->on_fatal = std::move(handler);
  if (m_impl->fatal_error) m_impl->on_fatal(*m_impl->fatal_error);
}
void Store::report_failure(const base::Error& error) {
  if (error.code == base::k_io) m_impl->fail(error);
}

base::net::Awaitable<base::Result<void>> Store::commit(Change change) {
  const auto executor = co_await asio::this_coro::executor;
  base::Result<void> result = base::fail(k_stopped);
  base::Result<void>* slot = &result;
  Change* borrowed = &change;
  Writer* writer = m_impl->writer.get();
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [writer, borrowed, slot, executor](auto handler) {
        // std::function wants copies; the handler of a coroutine can only move
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        writer->push({std::move(*borrowed), executor, [shared, slot](base::Result<void> done) {
                        *slot = std::move(done);
                        std::move (*shared)();
                      }});
      },
      asio::use_awaitable);
  co_return result;
}

base::Result<void> Store::commit_and_wait(Change change) {
  std::promise<base::Result<void>> promise;
  auto done = promise.get_future();
  m_impl->writer->push({std::move(change), {}, [&promise](base::Result<void> result) { promise.set_value(std::move(result)); }});
  return done.get();
}

base::Result<DueLot> Store::find_due(base::Timestamp now, const std::optional<Due>& after, std::size_t limit) {
  return m_impl->reader->find_due(now, after, limit);
}
base::Result<std::optional<base::Timestamp>> Store::next_due() { return m_impl->reader->next_due(); }
base::Result<std::vector<std::int64_t>> Store::find_in_state(State state, std::size_t limit) {
  return m_impl->reader->find_in_state(state, limit);
}
base::Result<std::vector<std::int64_t>> Store::find_overdue(base::Timestamp now, std::size_t limit) { return m_impl->reader->find_overdue(now, limit); }

base::Result<std::vector<std::int64_t>> Store::find_expired_holds(base::Timestamp now, std::size_t limit) {
  return m_impl->reader->find_expired_holds(now, limit);
}
base::Result<std::optional<MessageRow>> Store::load(std::int64_t id, bool with_body) {
  return m_impl->reader->load(id, with_body);
}
base::Result<std::optional<std::int64_t>> Store::find_id(const base::MessageId& mid) { return m_impl->reader->find_id(mid); }
base::Result<Counters> Store::counters() { return m_impl->reader->counters(); }
base::Result<std::map<std::string, std::uint64_t>> Store::count_overdue() { return m_impl->reader->count_overdue(); }
base::Result<std::vector<SearchHit>> Store::search(const SearchQuery& query) {
  return m_impl->searcher->search(query, m_impl->search_key);
}
base::Result<std::vector<StoredLeaf>> Store::leaves_of(const base::MessageId& mid) { return m_impl->searcher->leaves_of(mid); }
base::Result<std::optional<StoredLeaf>> Store::leaf_at(std::uint64_t place) { return m_impl->searcher->leaf_at(place); }
base::Result<std::optional<std::uint64_t>> Store::find_event(const base::EventId& eid) { return m_impl->searcher->find_event(eid); }
base::Result<std::vector<std::pair<std::string, base::Bytes>>> Store::config_texts(const base::Sha256Digest& hash) {
  return m_impl->searcher->config_texts(hash, m_impl->system_key);
}
base::Result<std::vector<Account>> Store::accounts() { return m_impl->reader->accounts(std::nullopt); }

base::Result<bool> Store::has_word(const base::MessageId& mid, const base::Bytes& word) { return m_impl->searcher->has_word(mid, word, m_impl->search_key); }
base::Result<std::vector<base::MessageId>> Store::find_evidence(const std::string& id) {
  return m_impl->reader->find_evidence(id, m_impl->search_key);
}
base::Result<std::optional<base::MessageId>> Store::find_message_called(const std::string& about) {
  return m_impl->reader->find_message_called(about, m_impl->search_key);
}
base::Result<std::vector<StoredEvidence>> Store::evidence_of(const base::MessageId& mid) { return m_impl->searcher->evidence_of(mid); }
base::Result<std::vector<ApiToken>> Store::tokens() { return m_impl->reader->tokens(); }
base::Bytes Store::request_key(const std::string& account, const std::string& key) const {
  return base::Bytes(base::view(base::hmac_sha256(m_impl->search_key.view(), "request\n" + account + "\n" + key)));
}
base::Result<std::optional<ApiRequest>> Store::find_request(const base::Bytes& key) {
  return m_impl->reader->find_request(key, m_impl->system_key, m_impl->options.clock->now());
}

base::Result<std::optional<std::string>> Store::mark(const std::string& name) { return m_impl->reader->mark(name); }

base::Result<std::uint64_t> Store::count_unopened(std::uint64_t from) {
  auto db = Database::open(m_impl->options.directory / "store.sqlite", false);
  if (!db) return std::move(db).error();
  return Reader(*std::move(db), m_impl->spool(), m_impl->options.root).count_unopened(from);
}

base::Result<Store::Backup> Store::backup(const fs::path& directory) {
  auto done = make_backup({m_impl->options.directory, directory, *m_impl->publisher, m_impl->spool_keeper, m_impl->options.clock->now()});
  if (!done) return std::move(done).error();
  return Backup{done->messages, done->spool_files, done->log_entries, done->bytes};
}

base::Result<std::optional<Account>> Store::find_account(const std::string& name) {
  auto found = m_impl->reader->accounts(name);
  if (!found) return std::move(found).error();
  if (found->empty()) return std::optional<Account>{};
  return std::optional(std::move(found->front()));
}

base::Result<void> Store::put_account(const Account& account) {
  Change change;
  change.put_accounts.push_back(account);
  return commit_and_wait(std::move(change));
}

base::Result<bool> Store::remove_account(const std::string& name) {
  const auto found = find_account(name);
  if (!found) return found.error();
  if (!*found) return false;
  Change change;
  change.remove_accounts.push_back(name);
  if (auto done = commit_and_wait(std::move(change)); !done) return done.error();
  return true;
}

base::Result<std::vector<MessageRow>> Store::list(const ListFilter& filter) {
  auto db = Database::open(m_impl->options.directory / "store.sqlite", false);
  if (!db) return std::move(db).error();
  return Reader(*std::move(db), m_impl->spool(), m_impl->options.root).list(filter, m_impl->search_key);
}

base::Result<std::unique_ptr<crypto::seal::SealedFileWriter>> Store::create_spool_file(const base::MessageId& mid,
                                                                                       const base::SecretBytes& key) {
  return crypto::seal::SealedFileWriter::create(m_impl->spool() / spool_name(mid), key);
}
std::string Store::spool_name(const base::MessageId& mid) { return mid.text(); }
void Store::drop_spool_file(const std::string& name) { ::unlink((m_impl->spool() / name).c_str()); }
base::Bytes Store::seal_body(const base::MessageId& mid, const base::SecretBytes& key, base::ByteView plain) {
  return crypto::seal::seal(key, plain, place_of(mid, "body"));
}
fs::path Store::spool_directory() const { return m_impl->spool(); }
fs::path Store::scratch_directory() const { return m_impl->options.directory / "scratch"; }
fs::path Store::log_directory() const { return m_impl->log(); }

std::optional<std::uint64_t> Store::free_bytes() const {
  const std::lock_guard lock(m_impl->free_mutex);
  const base::Steady now = m_impl->options.clock->steady();
  if (m_impl->free_known && now - *m_impl->free_known < k_free_for) return m_impl->free;
  struct statvfs st {};
  if (::statvfs(m_impl->options.directory.c_str(), &st) != 0) return std::nullopt;
  m_impl->free_known = now;
  m_impl->free = static_cast<std::uint64_t>(st.f_bavail) * st.f_frsize;
  return m_impl->free;
}

const Metrics& Store::metrics() const { return m_impl->metrics; }
std::chrono::seconds Store::checkpoint_age() const { return m_impl->metrics.since_published(m_impl->options.clock->steady()); }

base::Result<std::string> Store::publish_now() { return m_impl->publisher->publish_now(); }
receipts::VerifierKey Store::verifier_key() const { return {m_impl->publisher->origin(), m_impl->options.log_key->public_key()}; }

base::Result<std::string> Store::publish(const std::string& epoch) {
  auto note = publish_now();
  if (!note) return note;
  const auto head = receipts::parse_signed_checkpoint(*note);
  if (!head) return head.error();
  if (receipts::epoch_of(head->checkpoint.origin) == epoch) return note;
  // an ended epoch: its last checkpoint does not change any more
  return base::read_file(log_directory() / epoch / "checkpoint", {receipts::k_max_note});
}

}  // namespace store
