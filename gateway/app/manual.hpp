// Promise: the manual pages and the completion of the shell say what --help and the config reader know, because they are made
// of the same tables. Pages are in the man macros (man(7)); every text is escaped, so that none can be read as a request.
#pragma once

#include <string>
#include <string_view>

namespace app {

// `date` stands in the page's foot: "2026-03-01".
std::string format_man_program(std::string_view date);  // amtsbote(1), every command
std::string format_man_serve(std::string_view date);    // amtsbote-serve(8), the daemon
std::string format_man_config(std::string_view date);   // amtsbote.toml(5), every key
std::string format_completion();                        // for bash

}  // namespace app
