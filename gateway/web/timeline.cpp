#include "gateway/web/timeline.hpp"

#include <map>

#include <boost/json/array.hpp>

#include "receipts/log/leaf.hpp"

namespace web {
namespace {

constexpr std::size_t k_max_value = 64 * 1024;  // of one disclosure, shown: a long trail

// Values of several lines (recipients, trails) become lists: a newline is a control character on a terminal.
json::value lines_of(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return json::value(shown(text, k_max_value));
  json::array out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.emplace_back(shown(line, k_max_value));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

json::object opened(const store::StoredLeaf& leaf, const receipts::ParsedLeaf& parsed) {
  json::object out;
  for (const std::string& encoded : leaf.disclosures) {
    const auto disclosure = receipts::parse_disclosure(encoded);
    if (!disclosure || !receipts::belongs_to(parsed, encoded)) continue;
    json::value& cls = out[receipts::name_of(disclosure->cls)];
    if (!cls.is_object()) cls.emplace_object();
    cls.get_object()[disclosure->name] = lines_of(disclosure->value);
  }
  return out;
}

}  // namespace

json::object leaf_as_json(const store::StoredLeaf& leaf) {
  json::object out{{"index", leaf.index}};
  const auto parsed = receipts::parse_leaf(leaf.bytes);
  if (!parsed) {
    out["error"] = "not a leaf: " + shown(parsed.error().detail);
    return out;
  }
  const receipts::Event& e = parsed->event;
  out["eid"] = parsed->eid.text();
  if (e.mid) out["mid"] = e.mid->text();
  out["time"] = base::format_utc(e.time);
  out["event"] = receipts::name_of(e.type);
  out["out"] = e.out;
  if (e.rc) out["reply"] = std::to_string(e.rc->code) + (e.rc->enhanced.empty() ? "" : " " + e.rc->enhanced);
  if (e.rx) out["rx"] = *e.rx;
  if (!e.ch.empty()) out["channel"] = e.ch;
  if (!e.actor.empty()) out["actor"] = e.actor;
  if (e.cfg) out["cfg"] = base::to_hex(base::view(*e.cfg));
  json::object facts;
  for (const receipts::Fact& fact : e.facts) {
    if (const auto* number = std::get_if<std::int64_t>(&fact.value))
      facts[fact.name] = *number;
    else
      facts[fact.name] = std::get<std::string>(fact.value);
  }
  if (!facts.empty()) out["facts"] = std::move(facts);
  json::object disclosures = opened(leaf, *parsed);
  if (!disclosures.empty()) out["disclosures"] = std::move(disclosures);
  if (!parsed->dr.empty() && leaf.disclosures.empty()) out["erased"] = true;
  return out;
}

json::array timeline_as_json(const std::vector<store::StoredLeaf>& leaves) {
  json::array out;
  for (const store::StoredLeaf& leaf : leaves) out.emplace_back(leaf_as_json(leaf));
  return out;
}

const std::vector<std::string_view>& known_states() {
  static const std::vector<std::string_view> all = {"open",      "closed",      "accepted",  "held",   "deferred",
                                                    "uncertain", "handed_over", "delivered", "failed", "cancelled"};
  return all;
}

namespace {

struct Standing {
  std::map<std::int64_t, std::string> recipients;
  bool closed = false;
};

Standing standing_of(const json::array& timeline) {
  static const std::map<std::string, const char*, std::less<>> k_after = {
      {"msg.decide", "accepted"},    {"msg.hold", "held"},       {"relay.defer", "deferred"}, {"relay.unknown", "uncertain"},
      {"relay.ok", "handed_over"},   {"mbox.ok", "delivered"},   {"relay.fail", "failed"},    {"mbox.fail", "failed"},
      {"msg.cancel", "cancelled"},   {"demail.submit", "handed_over"}, {"demail.dispatch", "handed_over"},
      {"demail.receipt", "delivered"}, {"demail.retrieve", "delivered"}, {"demail.malware", "failed"}, {"demail.notice", "failed"},
  };
  Standing out;
  for (const json::value& item : timeline) {
    const json::object& leaf = item.get_object();
    const std::string event = text_of(leaf, "event");
    out.closed = out.closed || event == "msg.closed";
    const auto rx = number_of(leaf, "rx");
    if (!rx) continue;
    const auto it = k_after.find(event);
    std::string& state = out.recipients[*rx];
    // a confirmation that was matched has ended, whatever it says; one of dispatch may come behind that of receipt
    if (object_of(leaf, "facts").contains("about"))
      state = "delivered";
    else if (it != k_after.end() && !(event == "demail.dispatch" && state == "delivered"))
      state = it->second;
    if (state.empty()) out.recipients.erase(*rx);
    // a release that the policy did not grant changes nothing
    if (event == "msg.release" && text_of(leaf, "out") == "done") out.recipients[*rx] = "accepted";
  }
  return out;
}

}  // namespace

std::set<std::string> states_of(const json::array& timeline) {
  const Standing standing = standing_of(timeline);
  std::set<std::string> out{standing.closed ? "closed" : "open"};
  for (const auto& [rx, state] : standing.recipients) out.insert(state);
  return out;
}

json::array recipients_of(const json::array& timeline) {
  json::array out;
  for (const auto& [rx, state] : standing_of(timeline).recipients) {
    json::object item{{"rx", rx}, {"state", state}};
    for (const json::value& entry : timeline) {
      const json::object& leaf = entry.get_object();
      if (text_of(leaf, "event") != "msg.decide" || number_of(leaf, "rx") != rx) continue;
      const json::object& dec = object_of(object_of(leaf, "disclosures"), "dec");
      for (const char* key : {"recipient", "rule", "trail", "legal"})
        if (const json::value* value = dec.if_contains(key)) item[key] = *value;
      for (const auto& fact : object_of(leaf, "facts")) item[fact.key()] = fact.value();
    }
    out.emplace_back(std::move(item));
  }
  return out;
}

}  // namespace web
