// What news that counts makes of the message that it is about, as one change; inside the pipeline (demail_in).
#pragma once

#include "gateway/pipeline/demail_in.hpp"

namespace pipeline {

// By which the same evidence is known again.
std::string own_id_of(const demail::Evidence& evidence, base::ByteView raw);
CarrierWord word_of(demail::MessageType type);

struct NewsThatCounts {
  const NewsInput& in;
  const demail::Evidence& evidence;
  base::ByteView raw;
  const store::MessageRow& row;  // of the message that it is about
  const MessageRecord& record;
  std::vector<Addressee> concerned;   // never empty
  std::vector<std::string> findings;  // that forbid nothing
};
Settled make_settled(const NewsThatCounts& news);
// Whether its sender has a mailbox of ours and wants to hear of it.
bool is_mail_due(const NewsThatCounts& news);
// It came before: it ends, and nothing else changes.
Settled make_repeated(const NewsInput& in, const demail::Evidence& evidence, const base::MessageId& about);

}  // namespace pipeline
