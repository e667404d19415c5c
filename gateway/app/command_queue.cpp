#include <ostream>

#include <boost/json/array.hpp>

#include "gateway/app/control_client.hpp"
#include "gateway/app/render.hpp"
#include "policies/lang/table_reader.hpp"

namespace app {
namespace {

void render_list(std::ostream& out, const json::object& answer) {
  Columns columns({"MESSAGE", "RX", "STATE", "RECEIVED", "NEXT", "TRIES", "SIZE", "ROUTE", "REASON"});
  for (const json::value& item : array_of(answer, "messages")) {
    const json::object& message = item.get_object();
    for (const json::value& r : array_of(message, "recipients")) {
      const json::object& row = r.get_object();
      columns.add({text_of(message, "mid"), std::to_string(number_of(row, "rx").value_or(0)), text_of(row, "state"),
                   local_time(text_of(message, "received")), local_time(text_of(row, "due")), std::to_string(number_of(row, "attempts").value_or(0)),
                   size_text(number_of(message, "size").value_or(0)), shown(text_of(row, "route")), text_of(row, "reason")});
    }
  }
  if (columns.empty())
    out << shown(text_of(answer, "note")) << "\n";
  else
    columns.print(out);
  if (flag_of(answer, "more")) out << "there are more: --limit N shows them\n";
}

void render_decision(std::ostream& out, const json::object& d) {
  out << "    decision: " << text_of(d, "outcome");
  if (!text_of(d, "reason").empty()) out << " (" << text_of(d, "reason") << ")";
  out << " by rule \"" << shown(text_of(d, "rule")) << "\", encrypt " << text_of(d, "encrypt") << ", sign " << text_of(d, "sign")
      << (flag_of(d, "clear") ? ", cleared for plaintext" : "") << "\n";
  for (const std::string& line : texts_of(d, "trail")) out << "      " << shown(line) << "\n";
}

void render_show(std::ostream& out, const json::object& m) {
  const json::object& origin = object_of(m, "origin");
  out << "message     " << text_of(m, "mid") << "\nreceived    " << local_time(text_of(m, "received")) << ", "
      << size_text(number_of(m, "size").value_or(0)) << ", by " << text_of(origin, "role") << " " << shown(text_of(origin, "listener")) << " ("
      << text_of(origin, "proof") << " " << shown(text_of(origin, "principal")) << ")\nfrom        " << shown(text_of(m, "from")) << ", reverse path "
      << shown(text_of(m, "sender")) << ", department " << shown(text_of(origin, "department")) << "\nsubject     " << shown(text_of(m, "subject"))
      << "\nMessage-ID  " << shown(text_of(m, "message_id")) << "\n";
  for (const json::value& item : array_of(m, "recipients")) {
    const json::object& r = item.get_object();
    out << "\nr" << number_of(r, "rx").value_or(0) << "  " << shown(text_of(r, "address")) << " (" << text_of(r, "direction") << ")\n    state: "
        << text_of(r, "state") << ", next " << local_time(text_of(r, "due")) << ", " << number_of(r, "attempts").value_or(0) << " attempts, until "
        << local_time(text_of(r, "expires")) << "\n";
    if (!text_of(r, "last_error").empty()) out << "    last error: " << shown(text_of(r, "last_error")) << "\n";
    render_decision(out, object_of(r, "decision"));
  }
  out << "\n";
  render_timeline(out, array_of(m, "timeline"));
}

void render_count(std::ostream& out, const json::object& answer) {
  for (const char* what : {"retried", "held", "cancelled"})
    if (const auto count = number_of(answer, what)) out << *count << " recipients " << what << "\n";
}

void render_release(std::ostream& out, const json::object& answer) {
  for (const json::value& item : array_of(answer, "recipients")) {
    const json::object& r = item.get_object();
    out << "r" << number_of(r, "rx").value_or(0) << "  " << shown(text_of(r, "address")) << ": "
        << (flag_of(r, "released") ? "released" : "stays held: the policy of this moment does not let it go") << "\n";
    render_decision(out, object_of(r, "decision"));
  }
}

json::object request_for(const Invocation& i, const char* command) {
  json::object out{{"command", command}, {"id", i.one("ID")}};
  if (i.has("--reason")) out["reason"] = i.one("--reason");
  return out;
}

// Puts the filters that were typed into the request; false: one is malformed, and was told.
bool add_filters(const Invocation& i, json::object& request) {
  for (const char* name : {"domain", "department", "account", "route", "reason"})
    if (i.has(std::string("--") + name)) request[name] = i.one(std::string("--") + name);
  if (!i.has("--older-than")) return true;
  const auto age = policies::parse_duration(i.one("--older-than"));
  if (!age) return i.err << "amtsbote: --older-than is a duration: 30m, 4h, 2d\n", false;
  request["age_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(*age).count();
  return true;
}

int run_list(const Invocation& i) {
  json::object request{{"command", "queue.list"}};
  if (i.has("--held")) request["state"] = "held";
  if (!add_filters(i, request)) return k_exit_error;
  const std::string limit = i.one("--limit", "1000");
  if (limit.empty() || limit.size() > 6 || limit.find_first_not_of("0123456789") != std::string::npos) {
    i.err << "amtsbote: --limit must be a number\n";
    return k_exit_error;
  }
  request["limit"] = std::stoi(limit);
  return run_live(i, std::move(request), render_list);
}
int run_show(const Invocation& i) { return run_live(i, request_for(i, "queue.show"), render_show); }
int run_retry(const Invocation& i) {
  json::object request{{"command", "queue.retry"}};
  if (!add_filters(i, request)) return k_exit_error;
  const bool has_filter = request.size() > 1;
  if (i.has("ID") == has_filter) return i.err << "amtsbote: either the ID of one message or a filter, such as --route\n", k_exit_error;
  if (i.has("ID")) request["id"] = i.one("ID");
  return run_live(i, std::move(request), render_count);
}
int run_hold(const Invocation& i) { return run_live(i, request_for(i, "queue.hold"), render_count); }
int run_release(const Invocation& i) { return run_live(i, request_for(i, "queue.release"), render_release); }
int run_cancel(const Invocation& i) { return run_live(i, request_for(i, "queue.cancel"), render_count); }

}  // namespace

namespace {

// The options that narrow lists, between those of the command itself.
std::vector<OptionSpec> with_filters(std::vector<OptionSpec> before, const std::vector<OptionSpec>& after) {
  const OptionSpec filters[] = {
      {"--domain", "DOMAIN", "Only recipients in this domain"},
      {"--department", "ID", "Only mail of this department"},
      {"--account", "NAME", "Only mail that this account submitted"},
      {"--route", "NAME", "Only what takes this route"},
      {"--reason", "WORD", "Only what the decision gave this reason for: no_key, held_by_rule, quarantined, no_signing_identity, demail_no_account …"},
      {"--older-than", "TIME", "Only messages that came longer ago: 30m, 4h, 2d"},
  };
  before.insert(before.end(), std::begin(filters), std::end(filters));
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

}  // namespace

std::vector<Command> queue_commands() {
  const OptionSpec id{"ID", "", "The message, as `amtsbote queue list` and the reply to its sender show it", true};
  const OptionSpec reason{"--reason", "TEXT", "Why; it stands in the log beside your name", true};
  return {
      {"queue list", "Lists the messages that are under way",
       "One line a recipient that all filters let through, without addresses or subjects: `amtsbote queue show` opens one message. Held are those that a rule held, "
       "quarantined, or that failed in a way that needs a person.",
       with_filters({{"--held", "", "Only recipients that are held"}}, {{"--limit", "N", "At most that many recipients, without it 1000"}, k_config_option, k_json_option}),
       "0  listed, be it empty\n2  the queue could not be read", "amtsbote queue list --held --department gesundheitsamt --older-than 2d", run_list},
      {"queue show", "Shows one message: recipients, states, decisions, timeline",
       "For each recipient the state, the last error, and the decision with its trail; then the receipts of the message so far.",
       {id, k_config_option, k_json_option}, "0  shown\n1  no such message is under way; amtsbote receipts show knows those that have left\n2  it could not be read",
       "amtsbote queue show 01JQ3V5R8WPZ6T0X2B4N7M9K1C", run_show},
      {"queue retry", "Tries waiting recipients again now",
       "Of one message, or of all that the filters let through: after a next hop was down. Only the next attempt is moved. What is held stays held: see amtsbote queue release.",
       with_filters({{"ID", "", "The message, as `amtsbote queue list` shows it; without it at least one filter"}}, {k_config_option, k_json_option}),
       "0  due now\n1  no recipient waits for another attempt\n2  it could not be done", "amtsbote queue retry --route internet --older-than 1h", run_retry},
      {"queue hold", "Holds the waiting recipients of a message",
       "Nothing leaves until somebody releases or cancels it. An attempt that has begun is not stopped.", {id, reason, k_config_option, k_json_option},
       "0  held\n1  nothing to hold: held already, or being delivered\n2  it could not be done",
       "amtsbote queue hold --reason \"wrong attachment, asked by Amt 53\" 01JQ3V5R8WPZ6T0X2B4N7M9K1C", run_hold},
      {"queue release", "Decides the held recipients of a message again",
       "The policy and the keys of this moment decide, as for a new message. What they do not let go stays held, and the answer says why: no command "
       "sends in clear what a rule wants encrypted. To let a message go, import a key or change the rule, then release. A quarantine ends here: the message goes "
       "its way under the other rules, mail from outside with a mark.",
       {id, reason, k_config_option, k_json_option}, "0  all released\n1  some or all stay held, or nothing was held\n2  it could not be done",
       "amtsbote queue release --reason \"certificate imported\" 01JQ3V5R8WPZ6T0X2B4N7M9K1C", run_release},
      {"queue cancel", "Ends a message for its waiting and held recipients",
       "What was delivered stays delivered; the rest is not sent. The receipts stay.", {id, reason, k_config_option, k_json_option},
       "0  cancelled\n1  nothing to cancel: delivered, or being delivered\n2  it could not be done",
       "amtsbote queue cancel --reason \"sent in error, asked by the sender\" 01JQ3V5R8WPZ6T0X2B4N7M9K1C", run_cancel},
  };
}

}  // namespace app
