// The store, opened by a command because no daemon runs. Holds the store's lock while it lives.
#pragma once

#include <memory>

#include "gateway/app/live.hpp"
#include "gateway/app/owner.hpp"

namespace app {

class LocalStore {
 public:
  // What open_store() and Keys::open() say; store::k_locked if another command is at work.
  static base::Result<std::unique_ptr<LocalStore>> open(config::OptionsPtr options);
  Live& live() { return *m_live; }

 private:
  explicit LocalStore(const base::fs::path& state_directory) : m_as_owner(state_directory) {}
  base::Result<void> take(config::OptionsPtr options);

  AsOwner m_as_owner;  // first in, last out
  std::unique_ptr<store::Store> m_store;
  pipeline::Context m_context;
  std::unique_ptr<Live> m_live;
};

// Options and keys without what only a daemon needs (TLS, passwords of routes).
pipeline::SnapshotPtr make_local_snapshot(config::OptionsPtr options, std::shared_ptr<Keys> keys);

}  // namespace app
