// Promise: steps 3 to 5 of the message path for one message: ask, gather, decide, for each recipient; then one answer for
// all. Pure but for the key ring, which is a snapshot in memory.
#pragma once

#include "gateway/pipeline/access.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/record.hpp"
#include "smtp/server/sink.hpp"

namespace pipeline {

struct Case {
  policies::Origin origin;
  mail::ReversePath reverse_path;
  const mail::MessageFacts* message = nullptr;   // null at RCPT
  const policies::OpenedFacts* opened = nullptr; // null before opening
  base::Timestamp now{};
  bool released = false;                         // by a person: quarantines are over
};

// Gathers what ask() wants for this recipient and decides.
policies::PolicyDecision decide_one(const Snapshot& snapshot, const Case& c, const mail::Address& recipient, policies::Direction direction);

// The reply for the whole message: any refuse refuses all, else any later postpones all, else it is taken (nullopt).
std::optional<smtp::Reply> combine(const std::vector<RecipientRecord>& recipients, bool own_sender, const std::string& language, const char*& word);

}  // namespace pipeline
