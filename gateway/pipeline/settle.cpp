#include "gateway/pipeline/settle.hpp"

#include <algorithm>

namespace pipeline {
namespace {

using smtp::Notify;
using smtp::client::OutcomeKind;

bool wants(const RecipientRecord& r, Notify what) {
  if (r.notify.empty()) return what == Notify::failure || what == Notify::delay;  // RFC 3461 section 4.1
  return r.notify.contains(what);
}

// First delay, growing by a factor, capped; up to a tenth more or less, so that many messages do not come back as one.
std::chrono::milliseconds back_off(const config::RetryOptions& retry, std::uint32_t attempts, std::uint32_t jitter) {
  auto wait = retry.first;
  for (std::uint32_t i = 1; i < attempts && wait < retry.most; ++i) wait *= static_cast<int>(retry.growth);
  wait = std::min(wait, retry.most);
  return wait + wait * (static_cast<int>(jitter) - 500) / 5000;
}

}  // namespace

Settlement settle(const config::RetryOptions& retry, const SettleInput& in) {
  Settlement out;
  const auto& row = in.addressee.row;
  out.record = in.addressee.record;
  out.update.rx = row.rx;
  out.update.from = in.from;
  out.update.attempts = row.attempts + 1;
  out.update.reason = row.reason;
  out.update.due = in.now;
  if (in.carrier && in.outcome.kind == OutcomeKind::ok) {
    out.update.to = store::State::submitted;
    out.update.due = in.now + in.carrier->overdue;
    return out;
  }
  if (in.carrier && in.outcome.kind == OutcomeKind::unknown) {
    out.update.to = store::State::unknown;
    out.update.due = in.now + in.carrier->uncertain;
    out.record.last_error = in.outcome.reply.text.printable(300);
    out.update.record = encode(out.record);
    return out;
  }
  switch (in.outcome.kind) {
    case OutcomeKind::ok:
      out.update.to = store::State::delivered;
      if (in.may_notify && (in.tells_sent || (wants(out.record, Notify::success) && !in.peer_does_dsn))) out.notice = mail::ReportKind::sent;
      return out;
    case OutcomeKind::permanent:
      out.update.to = store::State::failed;
      if (in.may_notify && wants(out.record, Notify::failure)) out.notice = mail::ReportKind::failed;
      return out;
    case OutcomeKind::temporary:
    case OutcomeKind::unknown: break;
  }
  out.record.last_error = in.outcome.reply.text.printable(300);
  out.update.due = in.now + back_off(retry, out.update.attempts, in.jitter);
  if (in.now >= out.record.expires) {
    out.update.to = store::State::failed;
    if (in.may_notify && wants(out.record, Notify::failure)) out.notice = mail::ReportKind::failed;
    return out;
  }
  out.update.to = store::State::due;
  out.update.due = std::min(out.update.due, out.record.expires);
  if (!out.record.delay_told && in.may_notify && wants(out.record, Notify::delay) && in.now - in.received >= retry.delay_notice) {
    out.record.delay_told = true;
    out.notice = mail::ReportKind::delayed;
  }
  out.update.record = encode(out.record);
  return out;
}

std::optional<CarrierTimes> carrier_times(const config::Options& options, const RecipientRecord& record) {
  if (!record.decision.demail) return std::nullopt;
  return CarrierTimes{options.demail.overdue, options.demail.uncertain, options.demail.retrieve};
}

bool is_known(const Carried& carried, CarrierWord word) {
  switch (word) {
    case CarrierWord::dispatched: return carried.dispatched;
    case CarrierWord::received: return carried.received;
    case CarrierWord::retrieved: return carried.retrieved;
    case CarrierWord::lost: return false;
  }
  return false;
}

bool contradicts(const Carried& carried, CarrierWord word) { return word == CarrierWord::lost && (carried.received || carried.retrieved); }

bool has_arrived(const RecipientRecord& record) {
  if (!record.carried || !record.decision.demail) return false;
  const demail::Options& asked = record.decision.demail->options;
  const Carried& c = *record.carried;
  if (asked.retrieve || asked.receipt) return c.received || c.retrieved;
  return c.dispatched;
}

Settlement settle_news(const CarrierTimes& times, const Addressee& addressee, const CarrierNews& news, base::Timestamp now) {
  Settlement out;
  const store::RecipientRow& row = addressee.row;
  out.record = addressee.record;
  out.update.rx = row.rx;
  out.update.from = row.state;
  out.update.from_due = row.due;
  out.update.attempts = row.attempts;
  out.update.reason = row.reason;
  out.update.due = now;
  Carried& c = out.record.carried ? *out.record.carried : out.record.carried.emplace();
  if (c.message_id.empty()) c.message_id = news.message_id;
  if (c.integrity.empty()) c.integrity = news.integrity;
  out.record.last_error.clear();
  if (news.word == CarrierWord::lost) {
    out.update.to = store::State::failed;
    out.update.record = encode(out.record);
    return out;
  }
  c.dispatched = c.dispatched || news.word == CarrierWord::dispatched;
  c.received = c.received || news.word == CarrierWord::received;
  c.retrieved = c.retrieved || news.word == CarrierWord::retrieved;
  if (has_arrived(out.record)) out.update.overdue = false;
  const demail::Options& asked = out.record.decision.demail->options;
  const bool all = (c.dispatched || !asked.dispatch) && (c.received || !asked.receipt) && (c.retrieved || !asked.retrieve);
  out.update.to = store::State::submitted;
  if (all && (asked.receipt || asked.retrieve))
    out.update.to = store::State::delivered;
  else if (asked.retrieve && c.received && !c.retrieved)
    out.update.due = now + times.retrieve;
  else if (has_arrived(out.record) || row.state != store::State::submitted)
    out.update.due = now + times.overdue;
  else
    out.update.due = row.due;
  // a row is told from an older one by when it is due
  if (out.update.due == row.due) out.update.due += std::chrono::milliseconds(1);
  out.update.record = encode(out.record);
  return out;
}

Settlement settle_overdue(const config::RetryOptions& retry, const Addressee& addressee, base::Timestamp now) {
  if (addressee.row.state == store::State::unknown) {
    Settlement held = settle_hold(retry, addressee, store::State::unknown, "demail_uncertain", now);
    // never a failure by the mere passing of time: it may lie in the recipient's mailbox
    held.record.expires = held.update.due = hold_until(retry, policies::Direction::inbound, now);
    held.update.record = encode(held.record);
    held.notice = mail::ReportKind::uncertain;
    return held;
  }
  Settlement out;
  out.record = addressee.record;
  out.update.rx = addressee.row.rx;
  out.update.from = out.update.to = store::State::submitted;
  out.update.from_due = addressee.row.due;
  out.update.due = now + std::chrono::hours{24};
  out.update.attempts = addressee.row.attempts;
  out.update.reason = addressee.row.reason;
  if (has_arrived(addressee.record)) {
    out.update.to = store::State::delivered;
    return out;
  }
  out.record.last_error = "demail_overdue";
  out.update.overdue = true;
  if (!addressee.record.delay_told) out.notice = mail::ReportKind::overdue;
  out.record.delay_told = true;
  out.update.record = encode(out.record);
  return out;
}

base::Timestamp hold_until(const config::RetryOptions& retry, policies::Direction direction, base::Timestamp now) {
  constexpr std::chrono::hours k_until_decided{24 * 36500};
  return direction == policies::Direction::inbound ? now + k_until_decided : now + retry.hold_expiry;
}

Settlement settle_hold(const config::RetryOptions& retry, const Addressee& addressee, store::State from, const std::string& why, base::Timestamp now) {
  Settlement out;
  out.record = addressee.record;
  out.record.last_error = why;
  out.record.expires = hold_until(retry, addressee.record.direction, now);
  if (!out.record.hold_told) out.notice = mail::ReportKind::held;
  out.record.hold_told = true;
  out.update.rx = addressee.row.rx;
  out.update.from = from;
  out.update.to = store::State::held;
  out.update.due = out.record.expires;
  out.update.attempts = addressee.row.attempts;
  out.update.reason = addressee.row.reason;
  out.update.record = encode(out.record);
  return out;
}

}  // namespace pipeline
