#include "base/core/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/descriptor.hpp"
#include "base/core/errors.hpp"
#include "base/core/random.hpp"

namespace base {
namespace {

enum class Demand { none, trusted, secret };

Result<void> check(const struct stat& st, Demand demand, const fs::path& path) {
  if (!S_ISREG(st.st_mode)) return fail(k_io, path.string() + ": not a regular file");
  if (demand == Demand::none) return Done{};
  if (st.st_uid != 0 && st.st_uid != ::geteuid())
    return fail(k_bad_permissions, path.string() + ": belongs to another user (uid " + std::to_string(st.st_uid) + ")");
  const unsigned forbidden = demand == Demand::secret ? 0077 : 0022;
  if ((st.st_mode & forbidden) != 0)
    return fail(k_bad_permissions, path.string() + (demand == Demand::secret ? ": group or others can read it (chmod 0400)"
                                                                             : ": group or others can write it"));
  return Done{};
}

// the permissions are those of the very file that is read
Result<void> read_into(const fs::path& path, ByteCount limit, Demand demand, Bytes& out) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) return error_of_errno(path, "open");
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return error_of_errno(path, "stat");
  if (auto ok = check(st, demand, path); !ok) return ok;
  char piece[16384];
  while (true) {
    const ssize_t n = ::read(fd.get(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_of_errno(path, "read");
    if (n == 0) return Done{};
    out.append(piece, static_cast<std::size_t>(n));
    if (out.size() > limit.value) return fail(k_too_large, path.string() + ": more than " + std::to_string(limit.value) + " bytes");
  }
}

Result<void> write_all(int fd, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_of_errno(path, "write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return Done{};
}

}  // namespace

Error error_of_errno(const fs::path& path, const char* what) {
  const int e = errno;
  const Code code = e == ENOENT ? k_not_found : e == ENOSPC || e == EDQUOT ? k_disk_full : e == EMFILE || e == ENFILE ? k_no_descriptors : k_io;
  return fail(code, std::string(what) + " " + path.string() + ": " + errno_text(e));
}

std::string errno_text(int error) { return std::strerror(error); }

Result<Bytes> read_file(const fs::path& path, ByteCount limit) {
  Bytes out;
  if (auto done = read_into(path, limit, Demand::none, out); !done) return done.error();
  return out;
}

Result<Bytes> read_trusted_file(const fs::path& path, ByteCount limit) {
  Bytes out;
  if (auto done = read_into(path, limit, Demand::trusted, out); !done) return done.error();
  return out;
}

Result<SecretBytes> read_secret_file(const fs::path& path, ByteCount limit) {
  Bytes out;
  const auto done = read_into(path, limit, Demand::secret, out);
  SecretBytes secret = SecretBytes::copy_of(out);
  wipe(out);
  if (!done) return done.error();
  return secret;
}

namespace {

constexpr std::string_view k_temporary_mark = ".tmp-";
constexpr std::size_t k_temporary_bytes = 6;

// Ours end with the mark and hex digits; whatever else is called so stays.
bool is_temporary(const std::string& name) {
  const auto at = name.rfind(k_temporary_mark);
  if (at == std::string::npos) return false;
  const std::string_view random = std::string_view(name).substr(at + k_temporary_mark.size());
  return random.size() == 2 * k_temporary_bytes && random.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<std::size_t> remove_temporary_files(const fs::path& path) {
  std::error_code ec;
  std::size_t removed = 0;
  fs::recursive_directory_iterator it(path, ec);
  for (; !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
    std::error_code unknown;
    if (!is_temporary(it->path().filename().string()) || !it->is_regular_file(unknown)) continue;
    if (::unlink(it->path().c_str()) != 0 && errno != ENOENT) return error_of_errno(it->path(), "remove");
    ++removed;
  }
  if (ec) return fail(k_io, "read " + path.string() + ": " + ec.message());
  return removed;
}

Result<void> sync_directory(const fs::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return error_of_errno(path, "open");
  if (::fsync(fd.get()) != 0) return error_of_errno(path, "fsync");
  return Done{};
}

namespace {

// Written and synced under a name that nobody knows; gone again unless it got its own.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : m_path(std::move(path)), m_temporary(m_path) { m_temporary += std::string(k_temporary_mark) + to_hex(random_bytes(k_temporary_bytes)); }
  ~TemporaryFile() {
    if (m_there) ::unlink(m_temporary.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Result<void> write(ByteView bytes, unsigned mode) {
    const Descriptor fd(::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (fd.get() < 0) return error_of_errno(m_temporary, "create");
    m_there = true;
    if (auto done = write_all(fd.get(), bytes, m_temporary); !done) return done;
    if (::fsync(fd.get()) != 0) return error_of_errno(m_temporary, "fsync");
    return Done{};
  }

  Result<void> rename() {
    if (::rename(m_temporary.c_str(), m_path.c_str()) != 0) return error_of_errno(m_path, "rename");
    m_there = false;
    return Done{};
  }

 private:
  fs::path m_path, m_temporary;
  bool m_there = false;
};

}  // namespace

Result<void> write_file_durably(const fs::path& path, ByteView bytes, unsigned mode) { return write_files_durably({{path, bytes}}, mode); }

Result<void> write_files_durably(const std::vector<FileToWrite>& files, unsigned mode) {
  std::deque<TemporaryFile> written;
  for (const FileToWrite& file : files)
    if (auto done = written.emplace_back(file.path).write(file.bytes, mode); !done) return done;
  for (TemporaryFile& file : written)
    if (auto done = file.rename(); !done) return done;
  // without this the renames themselves may be forgotten by a power cut
  std::set<fs::path> directories;
  for (const FileToWrite& file : files) directories.insert(file.path.has_parent_path() ? file.path.parent_path() : fs::path("."));
  for (const fs::path& directory : directories)
    if (auto done = sync_directory(directory); !done) return done;
  return Done{};
}

Result<void> make_directories(const fs::path& path, unsigned mode) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) return Done{};
  if (path.has_parent_path() && path.parent_path() != path)
    if (auto done = make_directories(path.parent_path(), mode); !done) return done;
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return error_of_errno(path, "mkdir");
  return Done{};
}

Result<std::vector<std::string>> list_directory(const fs::path& path) {
  std::error_code ec;
  std::vector<std::string> names;
  for (fs::directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) names.push_back(it->path().filename().string());
  if (ec) return fail(ec == std::errc::no_such_file_or_directory ? k_not_found : k_io, path.string() + ": " + ec.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace base
