// A test-only library for LD_PRELOAD: one chosen call of the C library to the disk dies, fails, or is where the power goes.
// Reaches SQLite as well, whose table of system calls holds libc's names. Never installed; useless under a sanitizer, which
// wants to be loaded first. By environment:
//
//   FAULT_CALL   fdatasync|fsync|rename|open|pwrite|write|ftruncate|any   `open` counts opening for writing only
//   FAULT_PATH   part of the path that the call is about (of the new name for rename); with $ behind it, its end
//   FAULT_AT     N: the N-th such call from 1; N+: that one and all after it
//   FAULT_DO     kill-before|kill-after|cut-before|cut-after|EIO|EROFS|ENOSPC
//   FAULT_ARM    a file; counting begins once it is there, so that a start is not counted
//   FAULT_TOLD   a file that gets a line when the fault happens: a test that sees none has proven nothing
//
// `kill` is SIGKILL: what the kernel holds stays. `cut` is a power cut, the worst that POSIX allows: files written by this
// process are cut back to the length that they had at their last sync, files made and renames are undone whose directory was
// not synced since, then SIGKILL. (Bytes changed in place, and removals, are not undone.)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

enum class Action { none, kill_before, kill_after, cut_before, cut_after, fail };

struct Plan {
  std::string call, path, arm, told;
  long at = 0;
  bool and_after = false;
  Action action = Action::none;
  int error = 0;
};

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Plan read_plan() {
  Plan plan{setting("FAULT_CALL"), setting("FAULT_PATH"), setting("FAULT_ARM"), setting("FAULT_TOLD"), std::atol(setting("FAULT_AT").c_str())};
  const std::string at = setting("FAULT_AT"), what = setting("FAULT_DO");
  plan.and_after = !at.empty() && at.back() == '+';
  const std::map<std::string, Action> actions = {{"kill-before", Action::kill_before}, {"kill-after", Action::kill_after}, {"cut-before", Action::cut_before},
                                                 {"cut-after", Action::cut_after},     {"EIO", Action::fail},              {"EROFS", Action::fail},
                                                 {"ENOSPC", Action::fail}};
  const auto found = actions.find(what);
  if (found != actions.end()) plan.action = found->second;
  plan.error = what == "EROFS" ? EROFS : what == "ENOSPC" ? ENOSPC : EIO;
  ::unsetenv("LD_PRELOAD");  // programs that the process starts are not meant
  return plan;
}

// Never destroyed: threads of the process may still write while it ends.
const Plan& plan() {
  static const Plan& plan = *new Plan(read_plan());
  return plan;
}
std::mutex& mutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}
// Under the mutex: the length of each file written, as of its last sync.
std::map<std::string, off_t>& synced() {
  static auto& synced = *new std::map<std::string, off_t>;
  return synced;
}

struct Entry {
  std::string directory, path, before, saved;  // a file made: only `path`; a rename: the old name, and what it replaced
};
// Under the mutex, in the order of time: names that a power cut would take back.
std::vector<Entry>& unsynced_names() {
  static auto& names = *new std::vector<Entry>;
  return names;
}
bool wants_cut() { return plan().action == Action::cut_before || plan().action == Action::cut_after; }
std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

template <typename F>
F* next(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int fd) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = ::readlink(link, path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : std::string();
}

void tell(const std::string& line) {
  if (plan().told.empty()) return;
  // the calls themselves, not the functions below
  const auto fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, plan().told.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  if (fd < 0) return;
  (void)::syscall(SYS_write, fd, line.data(), line.size());
  ::close(fd);
}

[[noreturn]] void die(bool cut) {
  if (cut) {
    const std::lock_guard lock(mutex());
    for (const auto& [path, length] : synced()) {
      struct stat st {};
      if (::stat(path.c_str(), &st) == 0 && st.st_size > length) (void)::syscall(SYS_truncate, path.c_str(), length);
    }
    auto& names = unsynced_names();
    for (auto it = names.rbegin(); it != names.rend(); ++it) {
      if (it->before.empty())
        ::unlink(it->path.c_str());
      else
        (void)::syscall(SYS_rename, it->path.c_str(), it->before.c_str());
      if (!it->saved.empty()) (void)::syscall(SYS_rename, it->saved.c_str(), it->path.c_str());
    }
  }
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  while (true) ::pause();
}

bool is_meant(const std::string& path) {
  const std::string& part = plan().path;
  if (path.empty() || path.front() != '/') return false;
  if (part.empty() || part.back() != '$') return path.find(part) != std::string::npos;
  const std::size_t length = part.size() - 1;
  return path.size() >= length && path.compare(path.size() - length, length, part, 0, length) == 0;
}

// What is to happen to this call; counts it.
Action due(const char* call, const std::string& path) {
  const Plan& p = plan();
  if (p.action == Action::none || (p.call != "any" && p.call != call)) return Action::none;
  if (!is_meant(path)) return Action::none;
  if (!p.arm.empty() && ::access(p.arm.c_str(), F_OK) != 0) return Action::none;
  static long& count = *new long(0);
  long mine = 0;
  {
    const std::lock_guard lock(mutex());
    mine = ++count;
  }
  if (mine != p.at && !(p.and_after && mine > p.at)) return Action::none;
  tell(std::string(call) + " " + path + "\n");
  return p.action;
}

// Runs a call that returns -1 for an error, with the fault that is due.
template <typename F>
auto with_fault(const char* call, const std::string& path, F&& real) -> decltype(real()) {
  const Action action = due(call, path);
  if (action == Action::kill_before || action == Action::cut_before) die(action == Action::cut_before);
  if (action == Action::fail) {
    errno = plan().error;
    return -1;
  }
  const auto result = real();
  if (action == Action::kill_after || action == Action::cut_after) die(action == Action::cut_after);
  return result;
}

// A directory was synced: its names stay. Under the mutex.
void keep_names(const std::string& directory) {
  auto& names = unsynced_names();
  for (const Entry& entry : names)
    if (entry.directory == directory && !entry.saved.empty()) ::unlink(entry.saved.c_str());
  names.erase(std::remove_if(names.begin(), names.end(), [&](const Entry& entry) { return entry.directory == directory; }), names.end());
}

int sync_with(const char* name, int fd) {
  static auto* real_fsync = next<int(int)>("fsync");
  static auto* real_fdatasync = next<int(int)>("fdatasync");
  const bool data = std::strcmp(name, "fdatasync") == 0;
  const std::string path = path_of(fd);
  return with_fault(name, path, [&] {
    const int result = data ? real_fdatasync(fd) : real_fsync(fd);
    struct stat st {};
    if (result != 0 || ::fstat(fd, &st) != 0) return result;
    const std::lock_guard lock(mutex());
    if (S_ISREG(st.st_mode)) synced()[path] = st.st_size;
    if (S_ISDIR(st.st_mode)) keep_names(path);
    return result;
  });
}

int open_with(int directory, const char* path, int flags, mode_t mode) {
  static auto* real = next<int(int, const char*, int, ...)>("openat");
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) == 0 || (flags & O_PATH) != 0) return real(directory, path, flags, mode);
  return with_fault("open", path, [&] {
    const bool is_new = ::access(path, F_OK) != 0;
    const int fd = real(directory, path, flags, mode);
    struct stat st {};
    // the index of SQLite's log is memory, and made anew after a crash
    if (fd >= 0 && path[0] == '/' && std::strstr(path, "-shm") == nullptr && ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
      const std::lock_guard lock(mutex());
      synced().emplace(path, st.st_size);
      if (is_new) unsynced_names().push_back({directory_of(path), path, "", ""});
    }
    return fd;
  });
}

mode_t mode_of(int flags, va_list& more) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0; }

}  // namespace

// The names of the C library, with the second names that 64-bit file offsets have.
extern "C" {

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with(AT_FDCWD, path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with(directory, path, flags, mode);
}
int openat64(int directory, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_with(directory, path, flags, mode);
}

int rename(const char* from, const char* to) noexcept {
  static auto* real = next<int(const char*, const char*)>("rename");
  return with_fault("rename", to, [&] {
    const std::string saved = wants_cut() && ::access(to, F_OK) == 0 ? std::string(to) + ".fault-saved" : "";
    if (!saved.empty()) (void)::link(to, saved.c_str());
    const int result = real(from, to);
    const std::lock_guard lock(mutex());
    if (result == 0) unsynced_names().push_back({directory_of(to), to, from, saved});
    if (const auto it = synced().find(from); result == 0 && it != synced().end()) {
      synced()[to] = it->second;
      synced().erase(from);
    }
    return result;
  });
}

ssize_t write(int fd, const void* bytes, size_t count) {
  static auto* real = next<ssize_t(int, const void*, size_t)>("write");
  if (plan().call != "write" && plan().call != "any") return real(fd, bytes, count);
  return with_fault("write", path_of(fd), [&] { return real(fd, bytes, count); });
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
  static auto* real = next<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  if (plan().call != "pwrite" && plan().call != "any") return real(fd, bytes, count, at);
  return with_fault("pwrite", path_of(fd), [&] { return real(fd, bytes, count, at); });
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

int ftruncate64(int fd, off64_t length) noexcept {
  static auto* real = next<int(int, off64_t)>("ftruncate64");
  return with_fault("ftruncate", path_of(fd), [&] { return real(fd, length); });
}
int ftruncate(int fd, off_t length) noexcept { return ftruncate64(fd, length); }

}  // extern "C"
