#include <gtest/gtest.h>

#include "base/core/file.hpp"
#include "policies/lang/cases.hpp"

namespace policies {
namespace {

std::vector<PolicyText> read_all(const std::string& directory) {
  std::vector<PolicyText> out;
  const auto names = base::list_directory(directory);
  for (const std::string& name : *names)
    if (name.size() > 5 && name.substr(name.size() - 5) == ".toml") out.push_back({name, *base::read_file(directory + "/" + name, base::mib(1))});
  return out;
}

TEST(Shipped, RulesLoadAndTheirCasesHold) {
  const std::string directory = std::string(AMTSBOTE_SOURCE) + "/policies/shipped";
  LoadOptions options;
  options.departments = {"gesundheitsamt"};
  const auto loaded = load(read_all(directory), options);
  for (const Fault& f : loaded.faults) ADD_FAILURE() << format_fault(f);
  ASSERT_TRUE(loaded.rules);
  const auto cases = load_cases(read_all(directory + "/tests"), {});
  for (const Fault& f : cases.faults) ADD_FAILURE() << format_fault(f);
  const auto results = run_cases(*loaded.rules, cases.cases);
  EXPECT_GE(results.size(), 15u);
  for (const auto& r : results) EXPECT_TRUE(r.passed) << format_report({r}) << format_trail(r.decision);
}

}  // namespace
}  // namespace policies
