#include <gtest/gtest.h>

#include "gateway/config/schema.hpp"

namespace config {
namespace {

TEST(Documentation, HoldsEveryKeyOfTheConfig) {
  const auto text = base::read_file(std::string(AMTSBOTE_SOURCE) + "/docs/config.md", base::mib(1));
  ASSERT_TRUE(text);
  for (const auto& [heading, table] : schema::tables())
    EXPECT_NE(text->find(policies::format_markdown(table)), std::string::npos) << "docs/config.md lacks the table of " << heading << ":\n"
                                                                               << policies::format_markdown(table);
}

}  // namespace
}  // namespace config
