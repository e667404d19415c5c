// Promise: notices of our own to the sender of a message: a new message in the same transaction as the change that it tells
// of. Never about a notice, never to a null reverse path, never with foreign content.
#pragma once

#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/plan.hpp"
#include "gateway/pipeline/settle.hpp"

namespace pipeline {

struct NoticeInput {
  const Snapshot& snapshot;
  const MessageRecord& record;       // of the message it is about
  base::MessageId about;
  base::Timestamp received{}, now{};
  mail::ReportKind kind = mail::ReportKind::failed;
  std::vector<mail::ReportRecipient> recipients;
  std::string reason_de, reason_en;
  std::string title_de{}, title_en{};  // of a confirmed one
  base::ByteView evidence{};           // goes along: then nothing is made for a sender outside of our domains
};

// Adds the notice and its events to `change`. Nothing where none is due (see above) or its text cannot be composed.
void add_notice(store::Store& store, const NoticeInput& input, store::Change& change);

// The sender's notice of what his message is held for from the start, for those recipients who want to hear of it.
void add_hold_notice(store::Store& store, const Snapshot& snapshot, const MessageRecord& record, const base::MessageId& mid, base::Timestamp now,
                     const std::vector<RecipientRecord>& recipients, store::Change& change);

mail::ReportRecipient report_recipient(const RecipientRecord& record, const smtp::client::Outcome& outcome, const std::string& host, const std::string& how);

}  // namespace pipeline
