// Promise: the simulator's behaviour at run time by lines on a Unix socket, each answered by one line of JSON: {"ok": true, …} or
// {"ok": false, "error": "…"}. docs/demail-simulator.md lists the commands.
#pragma once

#include "simulator/doors/acceptor.hpp"
#include "simulator/doors/push.hpp"

namespace simulator {

struct Controlled {
  World& world;
  Pusher& pusher;
  std::function<void()> stop;
};

// One command.
std::string answer(Controlled& controlled, std::string_view line);
base::net::Awaitable<void> serve_control(base::net::Stream stream, Controlled& controlled);

}  // namespace simulator
