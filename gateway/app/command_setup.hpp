// The rows of the first day, each in its own file.
#pragma once

#include "gateway/app/command_table.hpp"

namespace app {

Command init_command();
Command send_command();

}  // namespace app
