#include <iostream>

#include "gateway/app/cli.hpp"
#include "gateway/app/start.hpp"

int main(int argc, char** argv) {
  app::init_process();
  return app::run_command_line({argv + 1, argv + argc}, std::cin, std::cout, std::cerr);
}
