#include <csignal>
#include <cstdio>

#include "base/core/random.hpp"
#include "simulator/app/run.hpp"

int main(int argc, char** argv) {
  base::init_crypto();
  std::signal(SIGPIPE, SIG_IGN);
  const auto arguments = simulator::parse_arguments({argv + 1, argv + argc});
  if (!arguments) {
    std::fprintf(stderr, "amtsbote-demail-sim: %s\n", arguments.error().detail.c_str());
    return 2;
  }
  if (arguments->help) return std::fputs(simulator::help_text().c_str(), stdout) < 0;
  if (arguments->version) return std::puts("amtsbote-demail-sim " AMTSBOTE_VERSION) < 0;
  return simulator::run(*arguments);
}
