#include "policies/lang/load.hpp"

#include <algorithm>

#include "base/core/remote_text.hpp"
#include "policies/lang/rule_parser.hpp"
#include "policies/lang/schema.hpp"

namespace policies {
namespace {

constexpr std::size_t k_max_rule_name = 200;
constexpr std::size_t k_max_group_members = 100'000;

struct ParsedFile {
  std::string name;
  Node root;
};

void read_group_file(const Node& table, Group& group, const LoadOptions& options, Faults& faults) {
  if (table.entries.size() != 1 || table.entries[0].key != "file" || table.entries[0].value.kind != NodeKind::string)
    return faults.error(group.file, table.at, "a group is a list of strings or { file = \"…\" }");
  const Entry& entry = table.entries[0];
  if (!options.read_list) return faults.error(group.file, entry.value.at, "groups in files cannot be read here");
  const auto text = options.read_list(entry.value.text);
  if (!text) return faults.error(group.file, entry.value.at, "cannot read the group's file: " + text.error().detail);
  std::string_view rest = *text;
  while (!rest.empty() && group.members.size() < k_max_group_members) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    line = base::trim(line.substr(0, line.find('#')));
    if (!line.empty() && line.back() == '\r') line = base::trim(line.substr(0, line.size() - 1));
    if (!line.empty()) group.members.emplace_back(line);
  }
  if (!rest.empty()) faults.error(group.file, entry.value.at, "a group of more than 100000 members");
}

void read_groups(const ParsedFile& file, const LoadOptions& options, Faults& faults, Groups& into) {
  TableReader top(file.root, file.name, "file", schema::file(), faults);
  const Node* table = top.table("group");
  if (table == nullptr) return;
  for (const Entry& entry : table->entries) {
    Group group{entry.at, file.name, {}};
    if ("@" + entry.key == k_demail_addresses)
      faults.error(file.name, entry.at, "group.demail: \"@demail\" is the name of all addresses of De-Mail; choose another");
    const Node& value = entry.value;
    const bool all_strings =
        std::all_of(value.items.begin(), value.items.end(), [](const Node& n) { return n.kind == NodeKind::string; });
    if (value.kind == NodeKind::table)
      read_group_file(value, group, options, faults);
    else if (value.kind != NodeKind::list || !all_strings)
      faults.error(file.name, value.at, "group." + entry.key + " must be a list of strings or { file = \"…\" }");
    else if (value.items.empty())
      faults.error(file.name, value.at, "group." + entry.key + " is an empty list");
    for (const Node& item : value.items) group.members.push_back(item.text);
    const auto [at, is_new] = into.emplace(entry.key, std::move(group));
    if (!is_new)
      faults.error(file.name, entry.at,
                   "group \"" + entry.key + "\" stands already in " + at->second.file + ":" + std::to_string(at->second.at.line));
  }
}

unsigned directions_of(const Rule& rule, bool& only_directions) {
  unsigned mask = 7;
  only_directions = true;
  for (const Condition& condition : rule.when) {
    const auto* direction = std::get_if<DirectionCondition>(&condition.test);
    if (direction == nullptr) {
      only_directions = false;
      continue;
    }
    unsigned any = 0;
    for (const Direction d : direction->any_of) any |= 1U << static_cast<unsigned>(d);
    mask &= any;
  }
  return mask;
}

// Rules that no message can reach, and settings that no message can feel. Not faults: somebody may be in the middle of
// rearranging the files.
bool is_for_demail_addresses(const Rule& rule) {
  return std::any_of(rule.when.begin(), rule.when.end(), [](const Condition& c) {
    const auto* text = std::get_if<TextCondition>(&c.test);
    return text != nullptr && text->or_demail && text->any_of.empty();
  });
}

bool chooses_demail(const Settings& then) { return then.carrier == Carrier::demail || then.otherwise == Otherwise::demail; }

void warn(const std::vector<Rule>& rules, const LoadOptions& options, Faults& faults) {
  unsigned covered = 0;
  const Rule* by = nullptr;
  for (const Rule& rule : rules) {
    bool only_directions = false;
    const unsigned directions = directions_of(rule, only_directions);
    if ((directions & ~covered) == 0 && by != nullptr)
      faults.warning(rule.file, {rule.line, 1},
                     "rule \"" + rule.name + "\" can never match: \"" + by->name + "\" (" + by->file + ":" +
                         std::to_string(by->line) + ") ends the search for all its mail");
    if (only_directions && rule.stop != Stop::none) {
      covered |= directions;
      by = &rule;
    }
    const unsigned outbound = 1U << static_cast<unsigned>(Direction::outbound),
                   inbound = 1U << static_cast<unsigned>(Direction::inbound);
    if ((directions & outbound) == 0 && (rule.then.encrypt || rule.then.sign || rule.then.otherwise || rule.then.carrier))
      faults.warning(rule.file, {rule.line, 1},
                     "rule \"" + rule.name + "\": sign, encrypt, otherwise and carrier have no effect but for outbound mail");
    if (rule.then.carrier == Carrier::smtp && is_for_demail_addresses(rule))
      faults.warning(
          rule.file, {rule.line, 1},
          "rule \"" + rule.name + "\": carrier = \"smtp\" has no effect, for De-Mail addresses are reached by De-Mail alone");
    if (chooses_demail(rule.then) && !options.has_demail.value_or(true))
      faults.warning(rule.file, {rule.line, 1},
                     "rule \"" + rule.name + "\" wants De-Mail, and no [[demail_account]] is configured");
    if ((directions & inbound) == 0 && rule.then.mark)
      faults.warning(rule.file, {rule.line, 1}, "rule \"" + rule.name + "\": mark has no effect but for inbound mail");
  }
}

void check_names(const std::vector<Rule>& rules, Faults& faults) {
  std::map<std::string_view, const Rule*> seen;
  for (const Rule& rule : rules) {
    if (rule.name.empty()) continue;
    const auto [at, is_new] = seen.emplace(rule.name, &rule);
    if (!is_new)
      faults.error(rule.file, {rule.line, 1},
                   "rule \"" + rule.name + "\" stands already in " + at->second->file + ":" + std::to_string(at->second->line));
    if (rule.name == k_built_in) faults.error(rule.file, {rule.line, 1}, "\"built-in\" is the name of the rules that come last");
  }
}

}  // namespace

Rule parse_rule(const Node& table, std::string_view file, const ParseContext& context) {
  Rule rule;
  rule.file = file;
  rule.line = table.at.line;
  TableReader reader(table, file, "rule", schema::rule(), context.faults);
  if (reader.required("name")) rule.name = reader.string("name").value_or("");
  if (rule.name.size() > k_max_rule_name) reader.error("name", "is longer than 200 bytes");
  const std::string where = "rule \"" + base::escape_remote(rule.name, 80) + "\"";
  if (const Node* when = reader.table("when")) rule.when = parse_conditions(*when, file, where + ".when", context);
  if (!reader.required("then")) return rule;
  if (const Node* then = reader.table("then")) parse_settings(*then, file, where + ".then", context, rule);
  return rule;
}

Loaded load(std::vector<PolicyText> files, const LoadOptions& options) {
  Faults faults;
  std::sort(files.begin(), files.end(), [](const PolicyText& a, const PolicyText& b) { return a.name < b.name; });
  std::vector<ParsedFile> parsed;
  for (const PolicyText& file : files)
    if (auto root = parse_document(file.name, file.text, faults)) parsed.push_back({file.name, std::move(*root)});

  // groups first: a rule may use one of a later file
  Groups groups;
  for (const ParsedFile& file : parsed) read_groups(file, options, faults, groups);
  std::vector<Rule> rules;
  const ParseContext context{options, groups, faults};
  for (const ParsedFile& file : parsed) {
    const auto found =
        std::find_if(file.root.entries.begin(), file.root.entries.end(), [](const Entry& e) { return e.key == "rule"; });
    if (found == file.root.entries.end()) continue;
    if (found->value.kind != NodeKind::list) faults.error(file.name, found->at, "write [[rule]], once for each");
    for (const Node& table : found->value.items) {
      if (rules.size() == k_max_rules) {
        faults.error(file.name, table.at, "more than 2000 rules");
        break;
      }
      if (table.kind == NodeKind::table)
        rules.push_back(parse_rule(table, file.name, context));
      else
        faults.error(file.name, table.at, "[[rule]] must be a table");
    }
  }
  check_names(rules, faults);
  if (!faults.has_errors()) warn(rules, options, faults);
  Loaded loaded;
  if (!faults.has_errors()) loaded.rules = std::make_shared<const RuleSet>(std::move(rules));
  loaded.faults = faults.take();
  return loaded;
}

}  // namespace policies
