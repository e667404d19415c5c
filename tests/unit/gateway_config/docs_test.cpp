#include <gtest/gtest.h>

#include "gateway/config/schema.hpp"

namespace config {
namespace {

TEST(Documentation, HoldsEveryKeyOfTheConfig) {
  const auto text = base::read_file(std::string(AMTSBOTE_SOURCE) + "/docs/config.md", base::mib(1));
  ASSERT_TRUE(text);
  for (const auto& table : {schema::top(), schema::site(), schema::store(), schema::secrets(), schema::secret(), schema::tls(),
                            schema::listener(), schema::domain(), schema::recipients(), schema::department(), schema::identity(),
                            schema::route(), schema::limits(), schema::retry(), schema::trust(), schema::dns(), schema::openpgp()})
    EXPECT_NE(text->find(policies::format_markdown(table)), std::string::npos) << "docs/config.md lacks this table:\n"
                                                                               << policies::format_markdown(table);
}

}  // namespace
}  // namespace config
