// Promise: a command that needs live state is done by the daemon if one runs; the store is opened here only if nobody listens
// on the socket, and then under its lock.
#pragma once

#include <chrono>
#include <filesystem>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control.hpp"
#include "gateway/options/options.hpp"

namespace app {

inline constexpr std::chrono::seconds k_long_wait{300};  // a key generation or a release of many recipients takes its time
inline constexpr std::chrono::seconds k_short_wait{
    10};  // whether the daemon lives, which it tells at once: monitoring gives up soon

// Nothing: nobody listens there. k_connection, k_timeout, k_bad_permissions, and what a broken answer gives.
base::Result<std::optional<json::object>> ask_daemon(const std::filesystem::path& socket, const json::object& request,
                                                     std::chrono::seconds wait);

// Where the daemon of this configuration is asked; empty paths: nobody knows. Auditors need not read the configuration, and whoever
// has just broken it wants to see the daemon that serves on: that of the package leaves the sockets where they are by default.
struct Sockets {
  std::filesystem::path control, audit;
};
Sockets sockets_of(const std::string& file, const config::Options& draft);
// The administrators' socket; where that is not for us, the auditors'.
base::Result<std::optional<json::object>> ask_daemon(const Sockets& sockets, const json::object& request, std::chrono::seconds wait);

using Renderer = void (*)(std::ostream& out, const json::object& answer);

// Sends the request, prints the answer (as JSON, if the command line wants that), tells an error on `err`. The exit code.
int run_live(const Invocation& invocation, json::object request, Renderer render, std::chrono::seconds wait = k_long_wait);
// The same without printing a good answer.
json::object answer_of(const Invocation& invocation, const json::object& request, std::chrono::seconds wait = k_long_wait);
int print_answer(const Invocation& invocation, const json::object& answer, Renderer render);

inline constexpr const char* k_default_config = "/etc/amtsbote/amtsbote.toml";
// The rows that most commands share.
inline constexpr OptionSpec k_config_option{"--config", "FILE", "The configuration; without it /etc/amtsbote/amtsbote.toml"};
inline constexpr OptionSpec k_json_option{"--json", "", "The answer as one line of JSON"};

}  // namespace app
