// One decision for one recipient at 200 rules of which none but the last matches: the dearest case. Goal: below 20 us.
#include <benchmark/benchmark.h>

#include "policies/lang/load.hpp"

namespace {

constexpr int k_rules = 200;

policies::RuleSetPtr make_rules() {
  std::string text;
  for (int i = 0; i < k_rules; ++i) {
    const std::string n = std::to_string(i);
    text += "[[rule]]\nname = \"rule " + n + "\"\nwhen = { direction = \"outbound\", recipient_domain = [\"*.partner" + n + ".example\", \"amt" + n +
            ".example\"], not = { keyword = \"kopie" + n + "\" } }\nthen = { encrypt = [\"smime\"], otherwise = \"refuse\" }\n";
  }
  text += "[[rule]]\nname = \"last\"\nwhen = { direction = \"outbound\" }\nthen = { otherwise = \"clear\", transport = \"tls\" }\n";
  return policies::load({{"bench.toml", text}}, {}).rules;
}

struct Asked {
  mail::MessageFacts message;
  policies::Question question;
  Asked() {
    message.header = *mail::Header::parse("From: amt@stadt.example\r\nSubject: Bescheid\r\n");
    message.from = mail::Mailbox{"", *mail::Address::parse("amt@stadt.example")};
    message.size = base::kib(10);
    message.parts.emplace_back();
    message.parts[0].type = "text/plain";
    question.message = &message;
    question.origin = {policies::ListenerRole::relay, "127.0.0.1:25", policies::Proof::network, "127.0.0.0/8", "amt"};
    question.reverse_path = *mail::Address::parse("amt@stadt.example");
    question.recipient.address = *mail::Address::parse("buerger@web.example");
    question.now = *base::parse_utc("2026-03-02T09:00:00.000Z");
  }
};

void decide_at_200_rules(benchmark::State& state) {
  const policies::RuleSetPtr rules = make_rules();
  const Asked asked;
  if (!rules) return state.SkipWithError("the rules do not load");
  for (auto _ : state) benchmark::DoNotOptimize(policies::decide(*rules, asked.question));
}
BENCHMARK(decide_at_200_rules)->Unit(benchmark::kMicrosecond);

void ask_at_200_rules(benchmark::State& state) {
  const policies::RuleSetPtr rules = make_rules();
  const Asked asked;
  if (!rules) return state.SkipWithError("the rules do not load");
  for (auto _ : state) benchmark::DoNotOptimize(policies::ask(*rules, asked.question));
}
BENCHMARK(ask_at_200_rules)->Unit(benchmark::kMicrosecond);

}  // namespace
