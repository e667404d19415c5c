#include "simulator/model/misbehaviour.hpp"

#include <array>
#include <charconv>

#include "base/core/digest.hpp"
#include "base/core/errors.hpp"

namespace simulator {
namespace {

constexpr std::array k_fates{std::pair{Fate::good, "good"},
                             std::pair{Fate::late, "late"},
                             std::pair{Fate::lost, "lost"},
                             std::pair{Fate::doubled, "doubled"},
                             std::pair{Fate::wrong_hash, "wrong-hash"},
                             std::pair{Fate::wrong_signer, "wrong-signer"},
                             std::pair{Fate::altered_xml, "altered-xml"},
                             std::pair{Fate::altered_mail, "altered-mail"},
                             std::pair{Fate::unsigned_xml, "unsigned"},
                             std::pair{Fate::wrapped, "wrapped"},
                             std::pair{Fate::wrong_private_id, "wrong-private-id"},
                             std::pair{Fate::other_recipient, "other-recipient"},
                             std::pair{Fate::expired, "expired"},
                             std::pair{Fate::unknown_version, "unknown-version"},
                             std::pair{Fate::spoofed, "spoofed"}};

constexpr std::array k_steps{std::pair{Step::connect, "connect"}, std::pair{Step::mail, "mail"}, std::pair{Step::rcpt, "rcpt"},
                             std::pair{Step::data, "data"}, std::pair{Step::dot, "dot"}};

constexpr unsigned k_max_delay = 24 * 3600 * 1000;  // milliseconds
constexpr unsigned k_max_shuffle = 10'000;

base::Result<unsigned> number(std::string_view text, unsigned most) {
  unsigned out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out > most)
    return base::fail(base::k_malformed, "a number up to " + std::to_string(most) + ", not \"" + std::string(text) + "\"");
  return out;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (!word.empty()) out.push_back(word);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return out;
}

void spread(Misbehaviour& out, unsigned percent) {
  std::vector<Fate> forged;
  for (const Fate fate : all_fates())
    if (is_forged(fate)) forged.push_back(fate);
  const auto each = percent / static_cast<unsigned>(forged.size());
  for (const Fate fate : forged) out.percent[fate] = each;
  out.percent[forged.front()] += percent - each * static_cast<unsigned>(forged.size());
}

base::Result<void> set(Misbehaviour& out, std::string_view key, std::string_view value) {
  if (key == "seed") {
    const auto seed = number(value, UINT32_MAX);
    if (!seed) return seed.error();
    out.seed = *seed;
    return base::Done{};
  }
  const auto parsed = number(value, key == "delay" ? k_max_delay : key == "shuffle" ? k_max_shuffle : 100);
  if (!parsed) return parsed.error();
  if (key == "delay")
    out.delay = std::chrono::milliseconds(*parsed);
  else if (key == "shuffle")
    out.shuffle = *parsed;
  else if (key == "malware")
    out.malware = *parsed;
  else if (key == "drop-private-id")
    out.drop_private_id = *parsed;
  else if (key == "forged")
    spread(out, *parsed);
  else {
    for (const auto& [fate, name] : k_fates) {
      if (name != key || fate == Fate::good) continue;
      out.percent[fate] = *parsed;
      return base::Done{};
    }
    return base::fail(base::k_malformed, "no such misbehaviour: " + std::string(key));
  }
  return base::Done{};
}

base::Result<Fault> parse_fault(Step step, std::string_view value) {
  Fault out;
  const auto colon = value.find(':');
  const std::string_view how = value.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto times = number(value.substr(colon + 1), 1'000'000);
    if (!times) return times.error();
    out.times = *times;
  }
  const bool at_dot = step == Step::dot;
  if (how == "close")
    out.failing = Failing::close;
  else if (how == "hang" && step != Step::data)
    out.failing = Failing::hang;
  else if (how == "close-taken" && at_dot)
    out.failing = Failing::close_taken;
  else if (how == "hang-taken" && at_dot)
    out.failing = Failing::hang_taken;
  else {
    const auto code = number(how, 599);
    if (!code || *code < 400)
      return base::fail(base::k_malformed, std::string(name_of(step)) + " cannot fail by \"" + std::string(how) + "\"");
    out.code = static_cast<int>(*code);
  }
  return out;
}

}  // namespace

const char* name_of(Fate fate) {
  for (const auto& [known, name] : k_fates)
    if (known == fate) return name;
  return "";
}

const char* name_of(Step step) {
  for (const auto& [known, name] : k_steps)
    if (known == step) return name;
  return "";
}

const std::vector<Fate>& all_fates() {
  static const std::vector<Fate> fates = [] {
    std::vector<Fate> out;
    for (const auto& [fate, name] : k_fates) out.push_back(fate);
    return out;
  }();
  return fates;
}

bool is_forged(Fate fate) { return fate >= Fate::wrong_hash && fate <= Fate::unknown_version; }

base::Result<Misbehaviour> parse_misbehaviour(Misbehaviour from, std::string_view words) {
  for (const std::string_view word : words_of(words)) {
    if (word == "none") {
      const auto seed = from.seed;
      from = {};
      from.seed = seed;
      continue;
    }
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return base::fail(base::k_malformed, "key=number, not " + std::string(word));
    const auto done = set(from, word.substr(0, equals), word.substr(equals + 1));
    if (!done) return done.error();
  }
  unsigned sum = 0;
  for (const auto& [fate, percent] : from.percent) sum += percent;
  if (sum > 100) return base::fail(base::k_malformed, "more than 100 percent");
  return from;
}

std::uint64_t draw(std::uint64_t seed, std::string_view purpose, std::uint64_t nth) {
  const auto digest = base::sha256(std::to_string(seed) + "/" + std::string(purpose) + "/" + std::to_string(nth));
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | digest.at(i);
  return out;
}

Fate draw_fate(const Misbehaviour& misbehaviour, std::uint64_t nth) {
  auto at = draw(misbehaviour.seed, "fate", nth) % 100;
  for (const auto& [fate, percent] : misbehaviour.percent) {
    if (at < percent) return fate;
    at -= percent;
  }
  return Fate::good;
}

base::Result<SmtpFaults> parse_faults(SmtpFaults from, std::string_view words) {
  for (const std::string_view word : words_of(words)) {
    if (word == "none") {
      from.clear();
      continue;
    }
    const auto equals = word.find('=');
    bool known = false;
    for (const auto& [step, name] : k_steps) {
      if (equals == std::string_view::npos || word.substr(0, equals) != name) continue;
      const auto fault = parse_fault(step, word.substr(equals + 1));
      if (!fault) return fault.error();
      from[step] = *fault;
      known = true;
    }
    if (!known) return base::fail(base::k_malformed, "no step of SMTP: " + std::string(word));
  }
  return from;
}

std::optional<Fault> take_fault(SmtpFaults& faults, Step step) {
  const auto it = faults.find(step);
  if (it == faults.end()) return std::nullopt;
  if (it->second.times) {
    if (*it->second.times == 0) return std::nullopt;
    --*it->second.times;
  }
  return it->second;
}

}  // namespace simulator
