// The store as a whole: backups.
#include <filesystem>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/store/errors.hpp"

namespace app {
namespace {

constexpr base::log::Event k_event_backup{"store.backup"};

json::object backup(const Task& task) {
  const std::filesystem::path directory = text_of(task.request, "directory");
  if (!directory.is_absolute()) return error_answer("the directory must be named from the root", k_exit_error);
  const auto done = task.live.store().backup(directory);
  if (!done) {
    base::log::error(k_event_backup, {{"error", done.error().describe()}});
    if (done.error().code == store::k_not_empty) return error_answer(shown(done.error().detail), k_exit_no);
    if (done.error().code == base::k_io)
      return error_answer(shown(done.error().detail, 1000) + ": it is the daemon that writes, as its own user and under systemd below /var/backups/amtsbote only", k_exit_error);
    return error_answer(done.error());
  }
  base::log::info(k_event_backup, {{"messages", done->messages}, {"log_entries", done->log_entries}, {"bytes", done->bytes}});
  json::object out = good_answer();
  out["directory"] = shown(directory.string());
  out["messages"] = done->messages;
  out["spool_files"] = done->spool_files;
  out["log_entries"] = done->log_entries;
  out["bytes"] = done->bytes;
  return out;
}

}  // namespace

std::vector<Handler> store_handlers() { return {{"store.backup", false, backup}}; }

}  // namespace app
