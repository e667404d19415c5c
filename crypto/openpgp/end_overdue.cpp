// GPGME tells nobody the process that it waits for: gpg was forked twice and belongs to process 1. So the processes are asked
// (proc(5)): ours, with our home as their --homedir, or our gpg asked for its version.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "base/core/file.hpp"
#include "crypto/openpgp/context.hpp"

namespace crypto::openpgp {
namespace {

constexpr base::ByteCount k_max_arguments = base::kib(64);

// Files below /proc have no size beforehand.
std::string read_proc(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string out(k_max_arguments.value, '\0');
  file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return out;
}

bool is_of_home(const std::string& arguments, const std::string& home) {
  const std::string wanted = std::string("\0--homedir\0", 11) + home + std::string(1, '\0');
  return arguments.find(wanted) != std::string::npos;
}

// What GPGME asks each time before it runs anything; that one carries no home.
bool asks_version(const std::string& arguments, const std::string& program) {
  return arguments.ends_with(std::string("\0--version\0", 11)) && (std::string(1, '\0') + arguments).find(std::string(1, '\0') + program + std::string(1, '\0')) != std::string::npos;
}

std::string program_of(const Home& home) {
  if (!home.program().empty()) return home.program().string();
  gpgme_engine_info_t info = nullptr;
  if (gpgme_get_engine_info(&info) != 0) return {};
  for (; info != nullptr; info = info->next)
    if (info->protocol == GPGME_PROTOCOL_OpenPGP && info->file_name != nullptr) return info->file_name;
  return {};
}

bool is_agent(const std::string& arguments) {
  const std::string program = arguments.substr(0, arguments.find('\0'));
  return program.substr(program.rfind('/') + 1) == "gpg-agent";
}

// How long it has been running; nothing if it is gone.
std::optional<std::chrono::milliseconds> age_of(const std::string& pid) {
  const std::string stat = read_proc("/proc/" + pid + "/stat");
  // the name in brackets may hold anything: count the fields behind its end
  const auto end = stat.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(end + 1));
  std::string field;
  for (int i = 3; i < 22; ++i) fields >> field;
  double ticks = 0, uptime = 0;
  std::istringstream(read_proc("/proc/uptime")) >> uptime;
  if (!(fields >> ticks)) return std::nullopt;
  const double seconds = uptime - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

}  // namespace

std::size_t end_overdue(const Home& home, std::chrono::milliseconds age) {
  if (!home.has_older(age)) return 0;
  home.interrupt();  // before, so that nobody takes what is cut off here for whole
  const auto names = base::list_directory("/proc");
  if (!names) return 0;
  const std::string program = program_of(home);
  std::size_t ended = 0;
  for (const std::string& name : *names) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    struct stat st {};
    if (::stat(("/proc/" + name).c_str(), &st) != 0 || st.st_uid != ::geteuid()) continue;
    const std::string arguments = read_proc("/proc/" + name + "/cmdline");
    if (!is_of_home(arguments, home.directory().string()) && !asks_version(arguments, program)) continue;
    // a gpg that just began belongs to an operation that is in time; half the age leaves room for how late a gpg may start
    if (const auto lived = age_of(name); !is_agent(arguments) && (!lived || *lived < age / 2)) continue;
    if (::kill(static_cast<pid_t>(std::atol(name.c_str())), SIGKILL) == 0) ++ended;
  }
  return ended;
}

}  // namespace crypto::openpgp
