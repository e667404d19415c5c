// Promise: what the log tells of one message, leaf by leaf, with the disclosures that can still be opened; erased content is
// told as erased, never left out silently.
#pragma once

#include <set>

#include "gateway/web/json_values.hpp"
#include "gateway/store/store.hpp"

namespace web {

// One leaf: index, eid, time, event, out, and what else it holds; "disclosures" by class and name.
json::object leaf_as_json(const store::StoredLeaf& leaf);
json::array timeline_as_json(const std::vector<store::StoredLeaf>& leaves);

// Where the recipients of a message stand, from its leaves alone: accepted, held, deferred, uncertain, handed_over,
// delivered, failed, cancelled; and for the whole open or closed.
std::set<std::string> states_of(const json::array& timeline);
// One object a recipient: "rx", "state", and what was decided for him.
json::array recipients_of(const json::array& timeline);
// Words that states_of() may give.
const std::vector<std::string_view>& known_states();

}  // namespace web
