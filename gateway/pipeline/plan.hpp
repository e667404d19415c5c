// Promise: step 7, pure: which recipients share one protected form and one transaction. Different methods, keys, routes,
// directions or edits never share; a blind recipient of encrypted mail is a group of his own.
#pragma once

#include <vector>

#include "gateway/options/options.hpp"
#include "gateway/pipeline/record.hpp"
#include "gateway/store/types.hpp"

namespace pipeline {

struct Addressee {
  store::RecipientRow row;
  RecipientRecord record;
};

struct Group {
  std::uint32_t number = 0;                 // "mid.g" of receipts
  std::vector<Addressee> members;           // never empty
  const config::RouteOptions* route = nullptr;  // null: it is not configured any more
  std::string lane_domain;                  // recipient domain where the route looks up MX, else ""
  policies::Transport floor = policies::Transport::any;
  const RecipientRecord& first() const { return members.front().record; }
};

std::vector<Group> plan(const config::Options& options, std::vector<Addressee> due);

}  // namespace pipeline
