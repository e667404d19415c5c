#include "receipts/log/event.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace receipts {
namespace {

struct Row {
  EventType type;
  const char* name;
  const char* etsi;
};

constexpr std::array<Row, k_event_types> k_rows{{
    {EventType::msg_accept, "msg.accept", "A.1"},
    {EventType::msg_accept_ext, "msg.accept.ext", "F.3"},
    {EventType::msg_decide, "msg.decide", ""},
    {EventType::msg_reject, "msg.reject", "A.2"},
    {EventType::msg_transform, "msg.transform", ""},
    {EventType::msg_hold, "msg.hold", ""},
    {EventType::msg_release, "msg.release", ""},
    {EventType::msg_cancel, "msg.cancel", ""},
    {EventType::msg_closed, "msg.closed", ""},
    {EventType::relay_attempt, "relay.attempt", ""},
    {EventType::relay_ok, "relay.ok", "F.1"},
    {EventType::relay_defer, "relay.defer", ""},
    {EventType::relay_fail, "relay.fail", "F.2"},
    {EventType::relay_unknown, "relay.unknown", ""},
    {EventType::mbox_ok, "mbox.ok", "D.1"},
    {EventType::mbox_fail, "mbox.fail", "D.2"},
    {EventType::dsn_sent, "dsn.sent", ""},
    {EventType::demail_submit, "demail.submit", ""},
    {EventType::demail_dispatch, "demail.dispatch", "A.1"},
    {EventType::demail_receipt, "demail.receipt", "D.1"},
    {EventType::demail_retrieve, "demail.retrieve", "E.1"},
    {EventType::demail_malware, "demail.malware", ""},
    {EventType::demail_notice, "demail.notice", "D.2"},
    {EventType::demail_overdue, "demail.overdue", ""},
    {EventType::demail_uncertain, "demail.uncertain", ""},
    {EventType::log_open, "log.open", ""},
    {EventType::log_close, "log.close", ""},
    {EventType::log_heartbeat, "log.heartbeat", ""},
    {EventType::log_balance, "log.balance", ""},
    {EventType::log_anchor, "log.anchor", ""},
    {EventType::log_witness, "log.witness", ""},
    {EventType::sys_start, "sys.start", ""},
    {EventType::sys_stop, "sys.stop", ""},
    {EventType::sys_clock, "sys.clock", ""},
    {EventType::sys_config, "sys.config", ""},
    {EventType::sys_key, "sys.key", ""},
    {EventType::audit_query, "audit.query", ""},
    {EventType::audit_export, "audit.export", ""},
}};

// the table is read by position
constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < k_rows.size(); ++i)
    if (static_cast<std::size_t>(k_rows[i].type) != i) return false;
  return true;
}
static_assert(rows_in_order());

constexpr std::array<const char*, 5> k_classes{"env", "msg", "peer", "att", "dec"};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '+' ||
         c == '/' || c == '=' || c == '-';
}

}  // namespace

const char* name_of(EventType type) { return k_rows[static_cast<std::size_t>(type)].name; }
const char* etsi_of(EventType type) { return k_rows[static_cast<std::size_t>(type)].etsi; }

std::optional<EventType> parse_event_type(std::string_view name) {
  // an audit parses each leaf of a log: a million look-ups
  static const auto* by_name = [] {
    auto* map = new std::unordered_map<std::string_view, EventType>;
    for (const Row& row : k_rows) map->emplace(row.name, row.type);
    return map;
  }();
  const auto it = by_name->find(name);
  if (it == by_name->end()) return std::nullopt;
  return it->second;
}

const char* name_of(DisclosureClass cls) { return k_classes[static_cast<std::size_t>(cls)]; }

std::optional<DisclosureClass> parse_disclosure_class(std::string_view name) {
  for (std::size_t i = 0; i < k_classes.size(); ++i)
    if (name == k_classes[i]) return static_cast<DisclosureClass>(i);
  return std::nullopt;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= k_max_word && std::all_of(text.begin(), text.end(), is_word_character);
}

}  // namespace receipts
