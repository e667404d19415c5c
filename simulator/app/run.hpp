// Promise: the doors of both providers, the control socket and the pusher on one thread, until a signal or "stop".
#pragma once

#include "simulator/app/arguments.hpp"

namespace simulator {

int run(const Arguments& arguments);

}  // namespace simulator
