// A leaf as it enters the log: composed, hashed, appended. Goal: 20,000 receipts a second with all that the store adds.
#include <benchmark/benchmark.h>

#include "receipts/log/leaf.hpp"
#include "receipts/log/tree.hpp"

namespace {

receipts::Event make_event() {
  receipts::Event event;
  event.type = receipts::EventType::msg_accept;
  event.mid = base::MessageId::make(base::system_clock().now());
  event.time = base::system_clock().now();
  event.out = "ok";
  event.ch = "smtp";
  event.cfg = base::sha256("config");
  event.facts = {{"size", std::int64_t{10240}}, {"recipients", std::int64_t{1}}};
  event.disclosures = {{receipts::DisclosureClass::env, "from", "amt@stadt.example"},
                       {receipts::DisclosureClass::env, "to", "buerger@web.example"},
                       {receipts::DisclosureClass::msg, "subject", "Bescheid vom 1. Januar"},
                       {receipts::DisclosureClass::peer, "address", "127.0.0.1"}};
  return event;
}

void compose_leaf(benchmark::State& state) {
  const receipts::Event event = make_event();
  const base::EventId eid = base::EventId::make(base::system_clock().now());
  const receipts::ChainLink link{2, base::sha256("before"), ""};
  for (auto _ : state) benchmark::DoNotOptimize(receipts::compose(event, link, "a", eid));
}
BENCHMARK(compose_leaf)->Unit(benchmark::kMicrosecond);

void hash_leaf(benchmark::State& state) {
  const std::string bytes(700, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(receipts::leaf_hash(bytes));
}
BENCHMARK(hash_leaf)->Unit(benchmark::kMicrosecond);

}  // namespace
