#include "gateway/pipeline/daily.hpp"

#include <ctime>

#include "base/core/log.hpp"
#include "gateway/pipeline/events.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/transfer_encoding.hpp"

namespace pipeline {
namespace {

constexpr base::log::Event k_event_daily{"report.daily"};
constexpr const char* k_digest_mark = "daily.digest";          // "2026-11-25 4711": the day, and where the log stood
constexpr const char* k_checkpoint_mark = "daily.checkpoint";  // "2026-11-25"

std::string reason_text(int reason) {
  const auto value = static_cast<policies::Reason>(reason);
  return value == policies::Reason::none ? "gateway" : policies::name_of(value);
}

struct Letter {
  mail::Address to;
  std::string subject, text;  // text with LF
};

base::Result<std::string> compose(const Letter& letter, const config::Options& options, const base::MessageId& mid, base::Timestamp now) {
  auto subject = mail::format_field("Subject", letter.subject);
  if (!subject) return subject;
  std::string lines;
  for (const char c : letter.text) lines += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::string out = "From: Amtsbote <MAILER-DAEMON@" + options.site.hostname + ">\r\nTo: <" + letter.to.text() + ">\r\n" + *subject + "Date: " +
                    base::format_rfc5322(now) + "\r\nMessage-ID: <" + mid.text() + "@" + options.site.hostname +
                    ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  const auto encoder = mail::make_quoted_printable_encoder();
  encoder->feed(lines, out);
  encoder->finish(out);
  return out;
}

// Adds one mail of our own to the change. False where there is no route to the address.
base::Result<bool> add_letter(store::Store& store, const Snapshot& snapshot, const Letter& letter, base::Timestamp now, store::Change& change) {
  const config::Options& options = *snapshot.options;
  const auto* route = options.route_for(letter.to.domain());
  if (route == nullptr) return false;
  store::NewMessage message;
  message.id = store.reserve_id();
  message.mid = base::MessageId::make(now);
  message.key = crypto::seal::make_message_key();
  message.received = now;
  const auto text = compose(letter, options, message.mid, now);
  if (!text) return text.error();
  message.body = {store::Store::seal_body(message.mid, message.key, *text), {}, text->size()};
  MessageRecord record;
  record.origin = {policies::ListenerRole::submission, "gateway", policies::Proof::none, "", ""};
  record.from = "MAILER-DAEMON@" + options.site.hostname;
  record.subject = letter.subject;
  record.message_id = "<" + message.mid.text() + "@" + options.site.hostname + ">";
  record.protocol = "ESMTP";
  record.receipt = base::EventId::make(now);
  record.own_notice = true;
  record.language = options.site.language;
  RecipientRecord recipient;
  recipient.address = letter.to;
  recipient.direction = options.is_own_domain(letter.to.domain()) ? policies::Direction::internal : policies::Direction::outbound;
  recipient.notify = {smtp::Notify::never};
  recipient.decision.outcome = policies::Outcome::deliver;
  recipient.decision.rule = "daily";
  recipient.expires = now + options.retry.expiry;
  message.record = encode(record);
  message.recipients.push_back({store::State::due, now, route->name, 0, encode(recipient), letter.to.domain()});
  message.tags = {letter.to.folded()};
  const smtp::server::SessionInfo nobody;
  change.events.push_back(accept_event({now, snapshot.cfg}, message.mid, record, {recipient}, text->size(), base::sha256(*text), nobody));
  change.inserts.push_back(std::move(message));
  return true;
}

base::Result<std::size_t> commit(store::Store& store, const Snapshot& snapshot, const std::vector<mail::Address>& to, const std::string& subject,
                                 const std::string& text, base::Timestamp now, store::Change change) {
  for (const mail::Address& address : to) {
    const auto added = add_letter(store, snapshot, {address, subject, text}, now, change);
    if (!added || !*added) base::log::error(k_event_daily, {{"error", added ? "no route to a reader of the daily mail" : added.error().describe()}});
  }
  const std::size_t count = change.inserts.size();
  if (auto done = store.commit_and_wait(std::move(change)); !done) return done.error();
  return count;
}

base::Result<DigestFacts> gather_facts(Context& context, std::uint64_t log_from, std::vector<EndingLine> endings) {
  DigestFacts facts;
  facts.now = context.clock->now();
  const auto counters = context.store->counters();
  if (!counters) return counters.error();
  facts.held = counters->held;
  if (counters->oldest_moving && facts.now - *counters->oldest_moving > context.current.get()->options->retry.delay_notice) facts.oldest = counters->oldest_moving;
  store::ListFilter filter;
  filter.state = store::State::held;
  filter.limit = k_digest_lines;
  auto rows = context.store->list(filter);
  if (!rows) return std::move(rows).error();
  facts.held_rows = *std::move(rows);
  const auto unopened = context.store->count_unopened(log_from);
  if (!unopened) return unopened.error();
  facts.unopened = *unopened;
  facts.endings = std::move(endings);
  return facts;
}

base::Result<std::size_t> send_digest(Context& context, const std::function<std::vector<EndingLine>()>& endings) {
  const auto snapshot = context.current.get();
  const auto& reports = snapshot->options->reports;
  if (reports.administrators.empty()) return std::size_t{0};
  const auto mark = context.store->mark(k_digest_mark);
  if (!mark) return mark.error();
  const std::string last = mark->value_or("");
  const base::Timestamp now = context.clock->now();
  const auto day = find_due_day(now, reports.minute, last.substr(0, 10));
  if (!day) return std::size_t{0};
  const auto counters = context.store->counters();
  if (!counters) return counters.error();
  const auto facts = gather_facts(context, last.size() > 11 ? std::strtoull(last.c_str() + 11, nullptr, 10) : 0, endings());
  if (!facts) return facts.error();
  store::Change change;
  change.marks.emplace_back(k_digest_mark, *day + " " + std::to_string(counters->log_size));
  const bool german = snapshot->options->site.language != "en";
  const bool sends = reports.always || !facts->is_quiet();
  const std::string subject = (german ? "Tagesbericht " : "Daily digest ") + snapshot->options->site.hostname + ", " + *day;
  return commit(*context.store, *snapshot, sends ? reports.administrators : std::vector<mail::Address>{}, subject, compose_digest(*facts, german), now, std::move(change));
}

base::Result<std::size_t> send_checkpoint(Context& context) {
  const auto snapshot = context.current.get();
  const auto& reports = snapshot->options->reports;
  if (reports.auditors.empty()) return std::size_t{0};
  const auto mark = context.store->mark(k_checkpoint_mark);
  if (!mark) return mark.error();
  const base::Timestamp now = context.clock->now();
  const auto day = find_due_day(now, reports.minute, mark->value_or(""));
  if (!day) return std::size_t{0};
  const auto note = context.store->publish_now();
  if (!note) return note.error();
  const bool german = snapshot->options->site.language != "en";
  const std::string text = (german ? "Dies ist der neueste Prüfpunkt des Belegprotokolls. Bitte bewahren Sie diese Mail auf: Was sie festhält, kann der\n"
                                     "Betreiber nicht mehr ändern, ohne dass es auffällt. Zu prüfen mit\n\n"
                                   : "This is the newest checkpoint of the receipt log. Please keep this mail: what it states the operator cannot change\n"
                                     "any more without being seen. To be checked with\n\n") +
                           std::string("  amtsbote receipts fsck --vkey VKEY --against MAIL DIR\n\n") + *note;
  store::Change change;
  change.marks.emplace_back(k_checkpoint_mark, *day);
  const std::string subject = (german ? "Prüfpunkt des Belegprotokolls " : "Checkpoint of the receipt log ") + snapshot->options->site.hostname + ", " + *day;
  return commit(*context.store, *snapshot, reports.auditors, subject, text, now, std::move(change));
}

}  // namespace

std::string compose_digest(const DigestFacts& facts, bool german) {
  std::string out;
  if (facts.is_quiet()) out += german ? "Es gibt nichts zu tun.\n" : "There is nothing to do.\n";
  if (facts.held > 0) {
    out += std::to_string(facts.held) + (german ? " Empfänger sind angehalten und warten auf eine Entscheidung (amtsbote queue list --held):\n"
                                                : " recipients are held and wait for a decision (amtsbote queue list --held):\n");
    std::size_t listed = 0;
    for (const store::MessageRow& row : facts.held_rows)
      for (const store::RecipientRow& r : row.recipients) {
        out += "  " + row.mid.text() + "/r" + std::to_string(r.rx) + (german ? "  seit " : "  since ") + base::format_local(row.received) + "  " + reason_text(r.reason) + "\n";
        ++listed;
      }
    if (listed < facts.held) out += german ? "  und weitere\n" : "  and more\n";
    out += "\n";
  }
  if (facts.unopened > 0)
    out += std::to_string(facts.unopened) + (german ? " verschlüsselte Nachrichten seit dem letzten Bericht ließen sich nicht öffnen.\n\n"
                                                    : " encrypted messages since the last digest could not be opened.\n\n");
  if (facts.oldest)
    out += (german ? "Die älteste Nachricht, die nicht angehalten ist, wartet seit " : "The oldest message that is not held has waited since ") + base::format_local(*facts.oldest) + ".\n\n";
  for (const EndingLine& e : facts.endings)
    out += e.what + (e.not_after <= facts.now ? (german ? ": abgelaufen am " : ": ended on ") : (german ? ": endet am " : ": ends on ")) + base::format_local(e.not_after) + "\n";
  return out;
}

std::optional<std::string> find_due_day(base::Timestamp now, int minute, const std::string& last) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  std::tm local{};
  ::localtime_r(&seconds, &local);
  if (local.tm_hour * 60 + local.tm_min < minute) return std::nullopt;
  char day[16];
  std::strftime(day, sizeof day, "%Y-%m-%d", &local);
  // a day that is over does not come back, whatever the clock does
  return last < day ? std::optional<std::string>(day) : std::nullopt;
}

base::Result<std::size_t> send_daily(Context& context, const std::function<std::vector<EndingLine>()>& endings) {
  const auto digest = send_digest(context, endings);
  const auto checkpoint = send_checkpoint(context);
  if (!digest) return digest.error();
  if (!checkpoint) return checkpoint.error();
  return *digest + *checkpoint;
}

}  // namespace pipeline
