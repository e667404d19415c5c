// Promise: a password is typed without being shown, or read as the first line of standard input; its clear form stays in
// locked memory of this process.
#pragma once

#include "base/core/secret.hpp"
#include "gateway/app/command_table.hpp"

namespace app {

inline constexpr OptionSpec k_password_stdin_option{"--password-stdin", "", "Read the password as the first line of standard input"};

// k_malformed: empty, too long, typed twice and not alike; k_io: no terminal.
base::Result<base::SecretBytes> read_password(const Invocation& invocation, const char* prompt, bool twice);

}  // namespace app
