// Promise: policy files become a RuleSet, or every reason why not. Nothing is read from the disk here: texts come in, so
// that exactly the bytes that were hashed, tested and archived are the ones that decide.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "policies/engine/engine.hpp"
#include "policies/engine/rule_set.hpp"
#include "policies/lang/fault.hpp"

namespace policies {

struct PolicyText {
  std::string name;  // as it stands in faults and trails: "policies/10-departments.toml"
  std::string text;
};

struct LoadOptions {
  // What the config knows. Without a set nothing is checked against it.
  std::optional<std::set<std::string>> departments, routes, own_domains;
  std::optional<bool> has_demail;  // an account of De-Mail is configured
  // The text of a group's file, by its name as written; may be empty: then groups in files are faults.
  std::function<base::Result<std::string>(const std::string&)> read_list;
};

struct Loaded {
  RuleSetPtr rules;           // null if there is an error among the faults
  std::vector<Fault> faults;  // errors and warnings, in order
};

// Rules stand in order: files by name, rules by position.
Loaded load(std::vector<PolicyText> files, const LoadOptions& options);

}  // namespace policies
