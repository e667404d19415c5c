// Promise: what becomes of a message of ours that some of its recipients may get and others may not. A refusal always reaches
// the sender: as the reply, as a report, or as the notice of a hold; where no report can, the whole message is refused. Pure.
#pragma once

#include "gateway/pipeline/notice.hpp"

namespace pipeline {

// Changes nothing where all are refused or none is, or where one must wait (then all do). hold: the refused ones are held.
// split: they are taken out of `recipients` and given back, to be reported as failed.
std::vector<RecipientRecord> set_refused_apart(config::Partial partial, const mail::ReversePath& reverse_path, base::Timestamp hold_until,
                                               std::vector<RecipientRecord>& recipients);

// The report about them and their receipts, for the same transaction as the acceptance of the others.
void add_refused(store::Store& store, const Snapshot& snapshot, const MessageRecord& record, const base::MessageId& mid, base::Timestamp now,
                 const std::vector<RecipientRecord>& refused, const std::string& peer, store::Change& change);

}  // namespace pipeline
