// What the commands that change or read live state may use: the daemon's own parts, or those that the command line opened
// because no daemon runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/app/keys.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/demail_poll.hpp"

namespace app {

class Live {
 public:
  struct Hooks {
    std::function<std::vector<std::string>()> reload;        // config, policies and keys anew; the faults, empty if it holds now
    std::function<void()> wake;                              // something in the queue may be due
    std::function<void()> forget_logins;                     // an account changed
    std::function<std::vector<pipeline::PollLine>()> polls;  // of mailboxes at De-Mail providers
  };

  // The context must have a snapshot and a store, and outlive this. Hooks are called on threads of the blocking pool.
  Live(pipeline::Context& context, std::shared_ptr<Keys> keys, Hooks hooks)
      : m_context(context), m_keys(std::move(keys)), m_hooks(std::move(hooks)) {}

  pipeline::Context& context() { return m_context; }
  store::Store& store() { return *m_context.store; }
  Keys& keys() { return *m_keys; }
  pipeline::SnapshotPtr snapshot() const { return m_context.current.get(); }
  base::Timestamp now() const { return m_context.clock->now(); }

  // False where the command line opened the store itself.
  bool is_daemon() const { return m_hooks.reload != nullptr; }
  std::vector<std::string> reload() { return m_hooks.reload ? m_hooks.reload() : std::vector<std::string>{}; }
  void wake() {
    if (m_hooks.wake) m_hooks.wake();
  }
  std::vector<pipeline::PollLine> polls() const { return m_hooks.polls ? m_hooks.polls() : std::vector<pipeline::PollLine>{}; }
  void forget_logins() {
    if (m_hooks.forget_logins) m_hooks.forget_logins();
  }

 private:
  pipeline::Context& m_context;
  std::shared_ptr<Keys> m_keys;
  Hooks m_hooks;
};

}  // namespace app
