#include "gateway/store/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/store/errors.hpp"
#include "gateway/store/schema.hpp"

namespace store {
namespace {

namespace fs = std::filesystem;

base::Error io_error(const fs::path& path, int error) {
  return base::fail(error == ENOSPC || error == EDQUOT ? base::k_disk_full : base::k_io, path.string() + ": " + base::errno_text(error));
}

class File {
 public:
  File(const fs::path& path, int flags, unsigned mode = 0) : m_fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}
  ~File() {
    if (m_fd >= 0) ::close(m_fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return m_fd; }

 private:
  int m_fd;
};

// Bytes copied, synced.
base::Result<std::uint64_t> copy_file(const fs::path& from, const fs::path& to, unsigned mode) {
  const File in(from, O_RDONLY);
  if (in.fd() < 0) return io_error(from, errno);
  const File out(to, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (out.fd() < 0) return io_error(to, errno);
  std::vector<char> buffer(256 * 1024);
  std::uint64_t copied = 0;
  while (true) {
    const ssize_t got = ::read(in.fd(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error(from, errno);
    if (got == 0) break;
    for (ssize_t at = 0; at < got;) {
      const ssize_t put = ::write(out.fd(), buffer.data() + at, static_cast<std::size_t>(got - at));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return io_error(to, errno);
      at += put;
    }
    copied += static_cast<std::uint64_t>(got);
  }
  if (::fsync(out.fd()) != 0) return io_error(to, errno);
  return copied;
}

// What is being written under a temporary name is nobody's yet.
bool is_temporary(const std::string& name) { return name.find(".tmp-") != std::string::npos; }

base::Result<void> copy_tree(const fs::path& from, const fs::path& to, std::uint64_t& bytes) {
  if (auto made = base::make_directories(to, 0755); !made) return made;
  const auto names = base::list_directory(from);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    std::error_code ec;
    const auto kind = fs::symlink_status(from / name, ec).type();
    if (kind == fs::file_type::directory) {
      if (auto done = copy_tree(from / name, to / name, bytes); !done) return done;
    } else if (kind == fs::file_type::regular && !is_temporary(name)) {
      const auto copied = copy_file(from / name, to / name, 0644);
      if (!copied) return copied.error();
      bytes += *copied;
    }
  }
  return base::sync_directory(to);
}

base::Result<void> copy_database(const fs::path& from, const fs::path& to) {
  auto source = Database::open(from, false);
  if (!source) return std::move(source).error();
  const File empty(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (empty.fd() < 0) return io_error(to, errno);
  sqlite3* target = nullptr;
  int rc = sqlite3_open_v2(to.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (rc == SQLITE_OK) {
    sqlite3_backup* copy = sqlite3_backup_init(target, "main", source->handle(), "main");
    // all pages in one step: one read transaction, which holds up no writer and is never begun anew
    if (copy != nullptr) rc = sqlite3_backup_step(copy, -1);
    if (const int finished = sqlite3_backup_finish(copy); rc == SQLITE_DONE) rc = finished;
  }
  const std::string said = target != nullptr ? sqlite3_errmsg(target) : "no memory";
  sqlite3_close_v2(target);
  if (rc != SQLITE_OK) return base::fail((rc & 0xff) == SQLITE_FULL ? base::k_disk_full : base::k_io, to.string() + ": " + said);
  if (::fsync(empty.fd()) != 0) return io_error(to, errno);
  return base::Done{};
}

struct Named {
  std::vector<std::string> spool;
  std::uint64_t messages = 0, leaves = 0;
};

base::Result<Named> read_copy(const fs::path& path) {
  auto db = Database::open(path, false);
  if (!db) return std::move(db).error();
  Named out;
  auto counts = db->prepare("SELECT (SELECT count(*) FROM message),(SELECT coalesce(max(idx)+1,0) FROM leaf)");
  if (!counts) return std::move(counts).error();
  if (const auto row = counts->step(); !row) return row.error();
  out.messages = static_cast<std::uint64_t>(counts->integer(0));
  out.leaves = static_cast<std::uint64_t>(counts->integer(1));
  auto query = db->prepare("SELECT spool FROM message WHERE spool IS NOT NULL");
  if (!query) return std::move(query).error();
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    out.spool.push_back(query->blob(0));
  }
}

}  // namespace

void SpoolKeeper::drop(const fs::path& spool, const std::vector<std::string>& names) {
  const std::lock_guard lock(m_mutex);
  if (m_keepers > 0)
    m_later.insert(m_later.end(), names.begin(), names.end());
  else
    for (const std::string& name : names) ::unlink((spool / name).c_str());
}

void SpoolKeeper::keep() {
  const std::lock_guard lock(m_mutex);
  ++m_keepers;
}

void SpoolKeeper::release(const fs::path& spool) {
  const std::lock_guard lock(m_mutex);
  if (--m_keepers > 0) return;
  for (const std::string& name : m_later) ::unlink((spool / name).c_str());
  m_later.clear();
}

base::Result<BackupDone> make_backup(const BackupInput& in) {
  std::error_code ec;
  if (fs::exists(in.into, ec) && !fs::is_empty(in.into, ec)) return base::fail(k_not_empty, in.into.string() + " is not an empty directory");
  if (ec) return base::fail(base::k_io, in.into.string() + ": " + ec.message());
  if (auto made = base::make_directories(in.into / "spool", 0700); !made) return made.error();
  fs::permissions(in.into, fs::perms::owner_all, ec);
  const fs::path spool = in.state / "spool";
  in.spool_keeper.keep();
  const std::shared_ptr<void> release(nullptr, [&](void*) { in.spool_keeper.release(spool); });

  BackupDone done;
  const auto log = in.publisher.while_still([&] { return copy_tree(in.state / "log", in.into / "log", done.bytes); });
  if (!log) return log.error();
  const fs::path database = in.into / "store.sqlite";
  if (auto copied = copy_database(in.state / "store.sqlite", database); !copied) return copied.error();
  const auto named = read_copy(database);
  if (!named) return named.error();
  done.bytes += fs::file_size(database, ec);
  for (const std::string& name : named->spool) {
    const auto copied = copy_file(spool / name, in.into / "spool" / name, 0600);
    if (!copied) return copied.error();
    done.bytes += *copied;
  }
  done.messages = named->messages;
  done.log_entries = named->leaves;
  done.spool_files = named->spool.size();
  if (auto synced = base::sync_directory(in.into / "spool"); !synced) return synced.error();
  // what reading the copy left beside it, and the copy's own name
  for (const char* rest : {"store.sqlite-wal", "store.sqlite-shm"}) ::unlink((in.into / rest).c_str());
  if (auto synced = base::sync_directory(in.into); !synced) return synced.error();
  const std::string told = "{\"time\":\"" + base::format_utc(in.now) + "\",\"schema\":" + std::to_string(k_schema_version) + ",\"messages\":" + std::to_string(done.messages) +
                           ",\"log_entries\":" + std::to_string(done.log_entries) + "}\n";
  if (auto written = base::write_file_durably(in.into / "backup.json", told, 0600); !written) return written.error();
  return done;
}

}  // namespace store
