// Promise: what a verification found, check by check; never one lump sum. The worst verdict is the report's.
#pragma once

#include <string>
#include <vector>

namespace receipts {

// indeterminate: what was given does not suffice to tell; neither good nor bad.
enum class Verdict { passed, indeterminate, failed };
const char* name_of(Verdict verdict);

struct Finding {
  std::string check;    // a word: "hash", "inclusion", "log_signature", "chain", "disclosures", "tiles", …
  Verdict verdict = Verdict::passed;
  std::string subject;  // "leaf 17", a file, "" for the whole
  std::string detail;   // English, printable ASCII
};

struct Report {
  std::vector<Finding> findings;
  std::size_t faults_not_listed = 0;  // a broken log can have a million; the list is cut

  void add(std::string check, Verdict verdict, std::string subject, std::string detail);
  Verdict verdict() const;
};

inline constexpr std::size_t k_max_findings = 1000;

std::string format_text(const Report& report);  // one finding a line, then the verdict
std::string format_json(const Report& report);  // {"verdict":…,"findings":[{"check":…,"verdict":…,"subject":…,"detail":…}],"not_listed":n}

}  // namespace receipts
