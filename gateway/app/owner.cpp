#include "gateway/app/owner.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace app {
namespace {

// Half a change of identity is worse than none.
void must(int result, const char* what) {
  if (result == 0) return;
  std::perror(what);
  std::_Exit(2);
}

}  // namespace

AsOwner::AsOwner(const std::filesystem::path& state_directory) {
  struct stat owner {};
  if (::geteuid() != 0 || ::stat(state_directory.c_str(), &owner) != 0 || owner.st_uid == 0) return;
  const int count = ::getgroups(0, nullptr);
  m_groups.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (count > 0) must(::getgroups(count, m_groups.data()) == count ? 0 : -1, "getgroups");
  must(::setgroups(0, nullptr), "setgroups");
  // the saved ids stay root's: the way back, and gone for every program that is started meanwhile
  must(::setresgid(owner.st_gid, owner.st_gid, 0), "setresgid");
  must(::setresuid(owner.st_uid, owner.st_uid, 0), "setresuid");
  m_has_changed = true;
}

AsOwner::~AsOwner() {
  if (!m_has_changed) return;
  must(::setresuid(0, 0, 0), "setresuid");
  must(::setresgid(0, 0, 0), "setresgid");
  must(::setgroups(m_groups.size(), m_groups.data()), "setgroups");
}

}  // namespace app
