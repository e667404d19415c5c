#include "gateway/app/control_local.hpp"

#include <algorithm>

#include "gateway/app/start.hpp"

namespace app {

pipeline::SnapshotPtr make_local_snapshot(config::OptionsPtr options, std::shared_ptr<Keys> keys) {
  auto out = std::make_shared<pipeline::Snapshot>();
  const auto hash = base::parse_hex(options->hash);
  if (hash && hash->size() == out->cfg.size()) std::copy(hash->begin(), hash->end(), out->cfg.begin());
  out->keys = keys->ring(options);
  out->keys_owner = std::move(keys);
  out->options = std::move(options);
  return out;
}

base::Result<std::unique_ptr<LocalStore>> LocalStore::open(config::OptionsPtr options) {
  std::unique_ptr<LocalStore> out(new LocalStore(options->site.state_directory));
  if (auto done = out->take(std::move(options)); !done) return done.error();
  return out;
}

base::Result<void> LocalStore::take(config::OptionsPtr options) {
  auto store = open_store(*options);
  if (!store) return std::move(store).error();
  m_store = *std::move(store);
  auto root = load_root_key(*options);
  if (!root) return std::move(root).error();
  auto keys = Keys::open(*options, *std::move(root));
  if (!keys) return std::move(keys).error();
  m_context.store = m_store.get();
  m_context.current.set(make_local_snapshot(options, *keys));
  // keys are read anew by whoever starts next; here the snapshot of the key store is enough
  m_live = std::make_unique<Live>(m_context, *keys, Live::Hooks{});
  return base::Done{};
}

}  // namespace app
