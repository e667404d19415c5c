#include "gateway/pipeline/partial.hpp"

#include <algorithm>

#include "gateway/pipeline/events.hpp"

namespace pipeline {

using policies::Outcome;

std::vector<RecipientRecord> set_refused_apart(config::Partial partial, const mail::ReversePath& reverse_path, base::Timestamp hold_until,
                                               std::vector<RecipientRecord>& recipients) {
  std::vector<RecipientRecord> out;
  const auto count = [&](Outcome outcome) {
    return std::count_if(recipients.begin(), recipients.end(), [&](const auto& r) { return r.decision.outcome == outcome; });
  };
  const auto refused = count(Outcome::refuse);
  if (partial == config::Partial::refuse || refused == 0 || refused == std::ssize(recipients) || count(Outcome::later) > 0) return out;
  if (partial == config::Partial::hold) {
    for (RecipientRecord& r : recipients) {
      if (r.decision.outcome != Outcome::refuse) continue;
      r.decision.outcome = Outcome::hold;
      r.expires = hold_until;
      r.hold_told = true;
    }
    return out;
  }
  // whoever asked for no reports, or can get none, must hear it now
  const auto is_deaf = [&](const RecipientRecord& r) { return r.decision.outcome == Outcome::refuse && r.notify.contains(smtp::Notify::never); };
  if (!reverse_path || std::any_of(recipients.begin(), recipients.end(), is_deaf)) return out;
  const auto first = std::stable_partition(recipients.begin(), recipients.end(), [](const auto& r) { return r.decision.outcome != Outcome::refuse; });
  out.assign(std::make_move_iterator(first), std::make_move_iterator(recipients.end()));
  recipients.erase(first, recipients.end());
  return out;
}

void add_refused(store::Store& store, const Snapshot& snapshot, const MessageRecord& record, const base::MessageId& mid, base::Timestamp now,
                 const std::vector<RecipientRecord>& refused, const std::string& peer, store::Change& change) {
  if (refused.empty()) return;
  NoticeInput notice{snapshot, record, mid, now, now, mail::ReportKind::failed, {}, "", ""};
  const EventTime at{now, snapshot.cfg};
  for (const RecipientRecord& r : refused) {
    const ReplyRow& row = row_of(refusal_of(r.decision.reason));
    const smtp::Reply reply{row.code, row.enhanced, decision_lines(r.decision, r.address.text(), record.language)};
    smtp::client::Outcome outcome;
    outcome.reply.enhanced = row.enhanced;
    auto told = report_recipient(r, outcome, "", "");
    for (const std::string& line : reply.lines) told.how += (told.how.empty() ? "" : " / ") + line;
    notice.recipients.push_back(std::move(told));
    change.events.push_back(reject_event(at, record.origin, record.reverse_path, {r.address.text()}, reply, row.word, peer));
  }
  notice.reason_de = "Sie wurde für die hier genannten Empfänger abgelehnt; die übrigen erhalten sie.";
  notice.reason_en = "It was refused for the recipients named here; the others get it.";
  add_notice(store, notice, change);
}

}  // namespace pipeline
