// Promise: what a provider of De-Mail brings. A confirmation or notification is judged, matched with the message of ours that it
// names (by private-id, else by what the provider calls it), and becomes one change: that message's recipients, the event,
// the evidence as it came, the mail to its sender. What does not count moves nothing and is for a person; what is about somebody
// else's message is mail like any other. Of incoming De-Mails it says in a mark what is proven of them.
// Standard: BSI TR 01201 part 3.4 v1.8, sections 3.4.1 and 3.5.
#pragma once

#include <variant>

#include "demail/evidence/confirmation.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/plan.hpp"
#include "gateway/pipeline/settle.hpp"

namespace pipeline {

// Fields that only the gateway may set.
inline constexpr const char* k_demail_field = "Amtsbote-De-Mail";

// "mid.g" as we wrote it; nullopt if it is nothing of ours.
struct PrivateId {
  base::MessageId mid;
  std::uint32_t group = 0;
};
std::optional<PrivateId> parse_private_id(std::string_view text);

struct Ordinary {};  // deliver it to its mailbox
struct Later {
  std::string why;  // the message that it is about is being handed over at this moment
};
struct Doubtful {
  std::string why;                    // a word: "demail_unmatched", "demail_unproven", "demail_late", "demail_contradiction"
  std::vector<std::string> findings;  // words
};
struct Settled {
  store::Change change;
  base::MessageId about;
  std::string out;  // a word: "received", "repeated"
};
using ProviderNews = std::variant<Ordinary, Later, Doubtful, Settled>;

struct NewsInput {
  store::Store& store;
  const Snapshot& snapshot;
  const store::MessageRow& row;         // of what came, with its body
  const std::vector<Addressee>& due;    // its recipients, who end with it
  base::Timestamp now{};
};
// Blocks on the store and computes: for a pool. An error is temporary: what came stays as it is.
base::Result<ProviderNews> read_news(const NewsInput& input);

// Which of these recipients evidence of that type is about: all of a dispatch; of the others the one whom the signed metadata or
// the text names, or who is the only one. Empty where that cannot be told.
std::vector<std::size_t> whom_it_concerns(const demail::Evidence& evidence, const std::vector<mail::Address>& recipients);

// What is proven of an incoming De-Mail.
struct DeMailVerdict {
  demail::Fields fields;
  demail::IntegrityVerdict integrity;
};
base::Result<DeMailVerdict> judge_demail(const Snapshot& snapshot, const base::ContentPtr& message, const mail::MessageFacts& facts, base::Timestamp at);
// The value of the mark: words, separated by "; ".
std::string demail_mark(const DeMailVerdict& verdict, bool released, const base::MessageId& mid);

}  // namespace pipeline
