// At rest: sealing a body, and the durable commit of an accepted message with its leaf, alone and from many threads at once (then
// commits share one sync). The directory lies below TMPDIR: on a tmpfs the sync costs nothing, so say where it was.
#include <benchmark/benchmark.h>

#include <atomic>
#include <filesystem>

#include "gateway/store/store.hpp"

namespace {

void seal_body(benchmark::State& state) {
  const base::SecretBytes key = crypto::seal::make_message_key();
  const std::string body(static_cast<std::size_t>(state.range(0)) * 1024, 'b');
  for (auto _ : state) benchmark::DoNotOptimize(crypto::seal::seal(key, body, "place"));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(seal_body)->ArgName("KiB")->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);

void wrap_key(benchmark::State& state) {
  const auto root = crypto::seal::RootKey::of(base::SecretBytes::copy_of(std::string(32, 'r')));
  for (auto _ : state) benchmark::DoNotOptimize(root->wrap(crypto::seal::make_message_key(), "place"));
}
BENCHMARK(wrap_key)->Unit(benchmark::kMicrosecond);

class World {
 public:
  World() : m_directory(std::filesystem::temp_directory_path() / ("amtsbote-bench-" + base::MessageId::make(base::system_clock().now()).text())) {
    std::filesystem::create_directories(m_directory);
    store::Options options;
    options.directory = m_directory;
    options.root = std::make_shared<const crypto::seal::RootKey>(*crypto::seal::RootKey::of(base::SecretBytes::copy_of(std::string(32, 'r'))));
    options.log_key = std::make_shared<const base::Ed25519Key>(base::Ed25519Key::from_seed(std::string(32, 'l')));
    options.origin = "bench.example/receipts/a/2026";
    options.node = "a";
    auto opened = store::Store::open(std::move(options));
    if (opened) m_store = *std::move(opened);
  }
  ~World() {
    m_store.reset();
    std::filesystem::remove_all(m_directory);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  store::Store* store() { return m_store.get(); }

 private:
  std::filesystem::path m_directory;
  std::unique_ptr<store::Store> m_store;
};

store::Change accept(store::Store& store, const std::string& body) {
  store::NewMessage message;
  const base::Timestamp now = base::system_clock().now();
  message.id = store.reserve_id();
  message.mid = base::MessageId::make(now);
  message.key = crypto::seal::make_message_key();
  message.received = now;
  message.body = {store::Store::seal_body(message.mid, message.key, body), {}, body.size()};
  message.record = "envelope of amt@stadt.example";
  message.recipients.push_back({store::State::due, now, "internet", 0, "to buerger@web.example"});
  message.tags = {"amt@stadt.example", "buerger@web.example"};
  store::LogEntry entry{base::EventId::make(now), {}};
  entry.event.type = receipts::EventType::msg_accept;
  entry.event.mid = message.mid;
  entry.event.time = now;
  entry.event.out = "ok";
  entry.event.disclosures.push_back({receipts::DisclosureClass::env, "from", "amt@stadt.example"});
  store::Change change;
  change.events.push_back(std::move(entry));
  change.inserts.push_back(std::move(message));
  return change;
}

void commit(benchmark::State& state) {
  static std::unique_ptr<World> world;
  if (state.thread_index() == 0) world = std::make_unique<World>();
  const std::string body(static_cast<std::size_t>(state.range(0)) * 1024, 'b');
  for (auto _ : state) {
    // the loop begins for all threads only after each has come here: the world stands
    if (world->store() == nullptr || !world->store()->commit_and_wait(accept(*world->store(), body))) state.SkipWithError("no commit");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) world.reset();
}
BENCHMARK(commit)->ArgName("KiB")->Arg(4)->Arg(10)->Threads(1)->Threads(10)->Threads(50)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
