// Internal to policies/lang: one [[rule]] from its table.
#pragma once

#include <map>

#include "policies/lang/load.hpp"
#include "policies/lang/table_reader.hpp"

namespace policies {

// A named list; its patterns as they are written.
struct Group {
  Position at;
  std::string file;
  std::vector<std::string> members;
};
using Groups = std::map<std::string, Group>;

// Stands for every address of De-Mail, as the config knows them; no group may have this name.
inline constexpr std::string_view k_demail_addresses = "@demail";

struct ParseContext {
  const LoadOptions& options;
  const Groups& groups;
  Faults& faults;
};

Rule parse_rule(const Node& table, std::string_view file, const ParseContext& context);
std::vector<Condition> parse_conditions(const Node& table, std::string_view file, const std::string& where,
                                        const ParseContext& context);
void parse_settings(const Node& table, std::string_view file, const std::string& where, const ParseContext& context, Rule& rule);

// A domain as A-label; a glob must be written in ASCII already. Empty if it cannot be one.
std::optional<std::string> normal_domain_pattern(const std::string& text);

}  // namespace policies
