#include <gtest/gtest.h>

#include "base/core/random.hpp"

int main(int argc, char** argv) {
  base::init_crypto();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
