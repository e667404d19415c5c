#include "gateway/app/control_handlers.hpp"

#include <exception>

#include "base/core/log.hpp"
#include "gateway/app/command_table.hpp"

namespace app {
namespace {

constexpr base::log::Event k_event_command{"control.command"};
constexpr base::log::Event k_event_failed{"control.failed"};

}  // namespace

const std::vector<Handler>& handlers() {
  static const std::vector<Handler> all = [] {
    std::vector<Handler> out;
    for (const auto& rows : {queue_handlers(), users_handlers(), receipts_handlers(), keys_handlers(), status_handlers(), store_handlers()})
      out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return all;
}

json::object error_answer(const base::Error& error) {
  return error_answer(std::string(error.code.name) + (error.detail.empty() ? "" : ": " + shown(error.detail)), k_exit_error);
}

json::object handle(Live& live, const Caller& caller, const json::object& request) {
  const std::string command = text_of(request, "command");
  for (const Handler& handler : handlers()) {
    if (handler.command != command) continue;
    if (caller.is_auditor && !handler.is_for_auditors) {
      base::log::warning(k_event_failed, {{"command", command}, {"who", caller.text()}, {"error", "not for auditors"}});
      return error_answer(command + " is not for auditors: they may use receipts search, show, config and prove, and status", k_exit_error);
    }
    base::log::info(k_event_command, {{"command", command}, {"who", caller.text()}});
    // a fence: whatever a request makes a library throw costs this one answer
    try {
      return handler.run({live, caller, request});
    } catch (const std::exception& e) {
      base::log::error(k_event_failed, {{"command", command}, {"error", e.what()}});
      return error_answer("the command failed: " + shown(e.what()), k_exit_error);
    }
  }
  return error_answer("unknown command \"" + shown(command, 100) + "\"", k_exit_error);
}

}  // namespace app
