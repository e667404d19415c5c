// Promise: each command that reads or changes live state is one function from a request to an answer, the same whether the
// daemon runs it for a caller or the command line runs it on a store that nobody else holds. Functions block on the disk: they
// run on a pool, never on an I/O thread.
#pragma once

#include <vector>

#include "gateway/app/control.hpp"
#include "gateway/app/live.hpp"

namespace app {

struct Task {
  Live& live;
  const Caller& caller;
  const json::object& request;
};

struct Handler {
  std::string_view command;  // "queue.list"
  bool is_for_auditors = false;
  json::object (*run)(const Task&) = nullptr;
};

// Never throws. An unknown command is refused, and through the auditors' socket each that is not for them.
json::object handle(Live& live, const Caller& caller, const json::object& request);

const std::vector<Handler>& handlers();
std::vector<Handler> queue_handlers();
std::vector<Handler> users_handlers();
std::vector<Handler> receipts_handlers();
std::vector<Handler> keys_handlers();
std::vector<Handler> status_handlers();
std::vector<Handler> store_handlers();

// Our own keys that are no longer valid at `until`, for the status.
json::array expiring_keys(const Task& task, base::Timestamp until);

// The answer to an error of the store and its like. The detail goes along: who may use the socket may read the log as well.
json::object error_answer(const base::Error& error);

}  // namespace app
