#include <benchmark/benchmark.h>

#include "base/core/random.hpp"

int main(int argc, char** argv) {
  base::init_crypto();  // before anything is sealed
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
