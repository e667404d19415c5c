// Promise: what a policy is meant to do, written beside it and tried without network, keys or daemon: each case goes
// through the same ask() and decide() as a message does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "policies/lang/load.hpp"

namespace policies {

// Values of a case's expectation, as written; empty: not compared. Outcome is always compared.
struct Expectation {
  std::string outcome = "deliver", reason, rule, encrypt, sign, route, transport, mark;
  std::string carrier, demail, demail_account;  // demail: "dispatch, receipt"
  std::optional<bool> clear;
};

// A question with what it points to.
struct Case {
  std::string name, file;
  Position at;
  std::shared_ptr<const mail::MessageFacts> message;
  std::shared_ptr<const OpenedFacts> opened;
  Question question;  // its pointers lead to the two above
  Expectation expect;
};

struct CaseOptions {
  // What the config knows about addresses; empty: every sender is ours, in no department.
  std::function<std::string(const mail::Address&)> department_of;
  std::function<bool(const std::string& domain)> is_own_domain;
  // What a sender may do by De-Mail at this moment; empty: no address is one of De-Mail, and nobody has an account.
  std::function<DeMailFacts(const mail::Address& sender, const mail::Address& recipient, base::Timestamp now)> demail_of;
};

struct LoadedCases {
  std::vector<Case> cases;  // without those that have faults
  std::vector<Fault> faults;
};
LoadedCases load_cases(std::vector<PolicyText> files, const CaseOptions& options);

struct CaseResult {
  std::string name, file;
  Position at;
  bool passed = false;
  std::string difference;  // `encrypt: expected smime, got none`, one a line
  PolicyDecision decision;
};
std::vector<CaseResult> run_cases(const RuleSet& rules, const std::vector<Case>& cases);

// For people: each failed case with expected, got and the rule; a last line with the count.
std::string format_report(const std::vector<CaseResult>& results);

}  // namespace policies
