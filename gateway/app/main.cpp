#include "gateway/app/serve.hpp"
#include "gateway/app/start.hpp"

int main(int argc, char** argv) {
  app::init_process();
  app::ServeOptions options;
  if (argc > 1) options.config = argv[1];
  return app::serve(options);
}
