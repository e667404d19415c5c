// Promise: passwords are checked with the same work for known and unknown names, at most two at a time (19 MiB each), with a
// bounded queue behind them; a good one is remembered for ten minutes under a key of this process.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "gateway/pipeline/context.hpp"
#include "smtp/server/engine.hpp"

namespace pipeline {

class Login {
 public:
  static constexpr int k_at_once = 2;
  static constexpr int k_waiting = 64;
  static constexpr std::chrono::minutes k_remember{10};

  explicit Login(Context& context);

  struct Answer {
    smtp::server::PasswordResult result = smtp::server::PasswordResult::wrong;
    std::vector<std::string> addresses;    // of the account, if good
  };
  base::net::Awaitable<Answer> check(std::string name, base::SecretBytes password);
  // After a change of accounts.
  void forget();

 private:
  struct Remembered {
    base::Steady until;
    std::vector<std::string> addresses;
  };
  Answer work(const std::string& name, const base::SecretBytes& password);

  Context& m_context;
  base::net::Pool m_pool{k_at_once};
  base::SecretBytes m_process_key = base::SecretBytes::random(32);
  std::string m_nobody;                    // a hash that no password has
  std::atomic<int> m_under_way{0};
  std::mutex m_mutex;
  std::map<base::Bytes, Remembered> m_remembered;
};

}  // namespace pipeline
