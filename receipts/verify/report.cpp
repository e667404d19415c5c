#include "receipts/verify/report.hpp"

#include <algorithm>

#include "base/core/remote_text.hpp"
#include "receipts/log/json.hpp"

namespace receipts {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed: return "passed";
    case Verdict::indeterminate: return "indeterminate";
    case Verdict::failed: break;
  }
  return "failed";
}

void Report::add(std::string check, Verdict verdict, std::string subject, std::string detail) {
  if (findings.size() >= k_max_findings && verdict == Verdict::failed) {
    ++faults_not_listed;
    return;
  }
  // subjects and details quote files that strangers wrote
  findings.push_back({std::move(check), verdict, base::escape_remote(subject, 200), base::escape_remote(detail, 400)});
}

Verdict Report::verdict() const {
  Verdict worst = faults_not_listed > 0 || findings.empty() ? Verdict::failed : Verdict::passed;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string format_text(const Report& report) {
  std::string out;
  for (const Finding& f : report.findings) {
    out += std::string(name_of(f.verdict)) + "  " + f.check;
    if (!f.subject.empty()) out += "  " + f.subject;
    if (!f.detail.empty()) out += ": " + f.detail;
    out += '\n';
  }
  if (report.faults_not_listed > 0) out += "and " + std::to_string(report.faults_not_listed) + " more faults\n";
  return out + "verdict: " + name_of(report.verdict()) + "\n";
}

std::string format_json(const Report& report) {
  std::string out = "{\"verdict\":\"" + std::string(name_of(report.verdict())) + "\",\"findings\":[";
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const Finding& f = report.findings[i];
    out += i == 0 ? "{\"check\":" : ",{\"check\":";
    append_json_string(out, f.check);
    out += ",\"verdict\":\"" + std::string(name_of(f.verdict)) + "\",\"subject\":";
    append_json_string(out, f.subject);
    out += ",\"detail\":";
    append_json_string(out, f.detail);
    out += '}';
  }
  return out + "],\"not_listed\":" + std::to_string(report.faults_not_listed) + "}\n";
}

}  // namespace receipts
