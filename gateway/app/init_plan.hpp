// Promise: what `amtsbote init` writes, as texts, from answers that are checked first. Pure: no files, no keys. The config says
// in comments what an administrator would change first; the policy lets nothing leave in clear.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/core/result.hpp"

namespace app {

inline constexpr const char* k_system_directory = "/etc/amtsbote";
inline constexpr const char* k_system_state = "/var/lib/amtsbote";

struct InitAnswers {
  std::string domain;                // of ours
  std::string next_hop;              // host:port of the server that carries mail to the Internet
  std::string mailserver;            // "host:port" (SMTP), "lmtp:host:port", "lmtp:unix:/path"; "": mail for ours goes to the next hop
  std::string hostname, department, address, account;
  std::vector<std::string> listen;   // "submission=[::]:587"; roles submission, mx, https, relay
  std::filesystem::path directory;   // absolute
  bool has_identity = true;

  // The package's place, under systemd; any other directory holds all of it, for trials.
  bool is_system() const { return directory == k_system_directory; }
  std::filesystem::path state_directory() const { return is_system() ? std::filesystem::path(k_system_state) : directory / "state"; }
};

struct InitFile {
  std::filesystem::path name;  // relative to the directory
  std::string text;
  unsigned mode = 0640;
};

// Fills what may be left out, brings names to the form that is written, and checks them. k_malformed with a sentence.
base::Result<InitAnswers> complete_answers(InitAnswers answers);
// Config, policy and cases; secrets and certificates are made where they are written. Takes completed answers.
std::vector<InitFile> plan_files(const InitAnswers& answers);

}  // namespace app
