// Promise: the daemon in the foreground: serves until SIGTERM or SIGINT (drains), reloads on SIGHUP (all or nothing).
#pragma once

#include <filesystem>

#include "base/core/log.hpp"

namespace app {

struct ServeOptions {
  std::filesystem::path config;
  base::log::Format log_format = base::log::Format::text;
  base::log::Level log_level = base::log::Level::info;
};

// Exit code: 0 after an orderly stop, 1 after an error while serving, 2 if it could not start.
int serve(const ServeOptions& options);

}  // namespace app
