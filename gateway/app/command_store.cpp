#include <filesystem>
#include <ostream>

#include "gateway/app/control_client.hpp"
#include "gateway/app/render.hpp"

namespace app {
namespace {

void render_backup(std::ostream& out, const json::object& a) {
  out << text_of(a, "directory") << ": " << number_of(a, "messages").value_or(0) << " messages, " << number_of(a, "log_entries").value_or(0)
      << " entries of the log, " << size_text(number_of(a, "bytes").value_or(0)) << "\n";
}

int run_backup(const Invocation& i) {
  std::error_code error;
  const auto directory = std::filesystem::absolute(i.one("DIR"), error).lexically_normal();
  return run_live(i, {{"command", "store.backup"}, {"directory", directory.string()}}, render_backup);
}

}  // namespace

std::vector<Command> store_commands() {
  return {{"store backup", "Copies the store while the daemon runs",
           "Database, spool files and published log, each synced; DIR must be empty or not be there, and the daemon's user must be able to write it. It is complete once its "
           "backup.json stands. Keys stay behind, both the secrets and the directories keys/ and gnupg/: data and what opens it never lie in one archive. docs/operations.md tells "
           "how to restore.",
           {{"DIR", "", "Where to; empty", true}, k_config_option, k_json_option},
           "0  the copy is complete and on the disk\n1  DIR is not empty: nothing was written\n2  it could not be made", "amtsbote store backup /backup/amtsbote-2026-11-25",
           run_backup}};
}

}  // namespace app
