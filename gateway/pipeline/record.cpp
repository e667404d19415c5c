#include "gateway/pipeline/record.hpp"

#include <boost/json.hpp>

#include "gateway/pipeline/errors.hpp"

namespace pipeline {
namespace {

namespace json = boost::json;

constexpr int k_version = 1;

std::string text_of(const json::object& o, const char* name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_string() ? std::string(v->as_string()) : std::string{};
}
bool flag_of(const json::object& o, const char* name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_bool() && v->as_bool();
}
std::int64_t number_of(const json::object& o, const char* name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_int64() ? v->as_int64() : 0;
}

base::Error broken(const char* what) { return base::fail(k_record, what); }

base::Result<json::object> parse_object(base::ByteView bytes) {
  json::error_code ec;
  auto value = json::parse(json::string_view(bytes.data(), bytes.size()), ec);
  if (ec || !value.is_object()) return broken("not a JSON object");
  if (number_of(value.as_object(), "v") != k_version) return broken("version");
  return std::move(value.as_object());
}

void put_parameters(json::object& o, const smtp::MailParameters& p) {
  o["8bit"] = p.eight_bit;
  o["utf8"] = p.smtputf8;
  if (p.ret_full) o["ret"] = *p.ret_full;
  if (!p.envid.empty()) o["envid"] = p.envid;
}

smtp::MailParameters get_parameters(const json::object& o) {
  smtp::MailParameters p;
  p.eight_bit = flag_of(o, "8bit");
  p.smtputf8 = flag_of(o, "utf8");
  if (o.contains("ret")) p.ret_full = flag_of(o, "ret");
  p.envid = text_of(o, "envid");
  return p;
}

}  // namespace

base::Bytes encode(const MessageRecord& r) {
  json::object o;
  o["v"] = k_version;
  o["role"] = static_cast<std::int64_t>(r.origin.role);
  o["listener"] = r.origin.listener;
  o["proof"] = static_cast<std::int64_t>(r.origin.proof);
  o["principal"] = r.origin.principal;
  o["department"] = r.origin.department;
  if (r.reverse_path) o["path"] = r.reverse_path->text();
  put_parameters(o, r.parameters);
  o["from"] = r.from;
  o["subject"] = r.subject;
  o["message_id"] = r.message_id;
  o["extra"] = r.extra_header;
  o["received_from"] = r.received_from;
  o["protocol"] = r.protocol;
  o["receipt"] = r.receipt.text();
  o["notice"] = r.own_notice;
  o["eight"] = r.eight_bit;
  o["dots"] = r.dot_lines;
  o["bcc"] = r.has_bcc;
  o["marks"] = r.has_marks;
  o["own"] = r.internal_sender;
  o["language"] = r.language;
  return json::serialize(o);
}

base::Result<MessageRecord> decode_message(base::ByteView bytes) {
  auto object = parse_object(bytes);
  if (!object) return std::move(object).error();
  const json::object& o = *object;
  MessageRecord r;
  r.origin = {static_cast<policies::ListenerRole>(number_of(o, "role")), text_of(o, "listener"), static_cast<policies::Proof>(number_of(o, "proof")),
              text_of(o, "principal"), text_of(o, "department")};
  if (o.contains("path")) {
    auto path = mail::Address::parse(text_of(o, "path"));
    if (!path) return broken("reverse path");
    r.reverse_path = *std::move(path);
  }
  r.parameters = get_parameters(o);
  r.from = text_of(o, "from");
  r.subject = text_of(o, "subject");
  r.message_id = text_of(o, "message_id");
  r.extra_header = text_of(o, "extra");
  r.received_from = text_of(o, "received_from");
  r.protocol = text_of(o, "protocol");
  const auto receipt = base::EventId::parse(text_of(o, "receipt"));
  if (!receipt) return broken("receipt");
  r.receipt = *receipt;
  r.own_notice = flag_of(o, "notice");
  r.eight_bit = flag_of(o, "eight");
  r.dot_lines = flag_of(o, "dots");
  r.has_bcc = flag_of(o, "bcc");
  r.has_marks = flag_of(o, "marks");
  r.internal_sender = flag_of(o, "own");
  r.language = text_of(o, "language");
  return r;
}

base::Bytes encode(const RecipientRecord& r) {
  json::object o;
  o["v"] = k_version;
  o["address"] = r.address.text();
  o["direction"] = static_cast<std::int64_t>(r.direction);
  json::array notify;
  for (const smtp::Notify n : r.notify) notify.push_back(static_cast<std::int64_t>(n));
  o["notify"] = std::move(notify);
  o["orcpt"] = r.orcpt;
  o["decision"] = policies::encode(r.decision);
  o["visible"] = r.visible;
  o["delay_told"] = r.delay_told;
  o["hold_told"] = r.hold_told;
  o["released"] = r.released;
  o["expires"] = static_cast<std::int64_t>(r.expires.time_since_epoch().count());
  o["error"] = r.last_error;
  if (r.carried)
    o["carried"] = {{"group", static_cast<std::int64_t>(r.carried->group)}, {"dispatched", r.carried->dispatched},
                    {"received", r.carried->received},                      {"retrieved", r.carried->retrieved},
                    {"message_id", r.carried->message_id},                  {"integrity", r.carried->integrity}};
  return json::serialize(o);
}

base::Result<RecipientRecord> decode_recipient(base::ByteView bytes) {
  auto object = parse_object(bytes);
  if (!object) return std::move(object).error();
  const json::object& o = *object;
  auto address = mail::Address::parse(text_of(o, "address"));
  if (!address) return broken("address");
  auto decision = policies::decode(text_of(o, "decision"));
  if (!decision) return std::move(decision).error();
  RecipientRecord r;
  r.address = *std::move(address);
  r.direction = static_cast<policies::Direction>(number_of(o, "direction"));
  if (const auto* notify = o.if_contains("notify"); notify != nullptr && notify->is_array())
    for (const auto& n : notify->as_array())
      if (n.is_int64()) r.notify.insert(static_cast<smtp::Notify>(n.as_int64()));
  r.orcpt = text_of(o, "orcpt");
  r.decision = *std::move(decision);
  r.visible = flag_of(o, "visible");
  r.delay_told = flag_of(o, "delay_told");
  r.hold_told = flag_of(o, "hold_told");
  r.released = flag_of(o, "released");
  r.expires = base::Timestamp{std::chrono::milliseconds{number_of(o, "expires")}};
  r.last_error = text_of(o, "error");
  if (const auto* carried = o.if_contains("carried"); carried != nullptr && carried->is_object()) {
    const json::object& c = carried->as_object();
    r.carried = Carried{static_cast<std::uint32_t>(number_of(c, "group")), flag_of(c, "dispatched"), flag_of(c, "received"), flag_of(c, "retrieved"),
                        text_of(c, "message_id"), text_of(c, "integrity")};
  }
  return r;
}

}  // namespace pipeline
