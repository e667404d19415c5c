#include "policies/lang/legal.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>

#include "policies/engine/rule_set.hpp"
#include "policies/lang/legal_text.hpp"
#include "policies/lang/schema.hpp"
#include "policies/lang/table_reader.hpp"

namespace policies {
namespace {

constexpr std::array<std::string_view, 4> k_channels{"demail", "smime", "openpgp", "tls"};
constexpr std::array<std::string_view, 3> k_sure{"confirmed", "likely", "open"};
constexpr std::array<std::string_view, k_demail_options> k_options{"dispatch", "receipt", "retrieve", "authoritative",
                                                                   "personal"};

int day_of(base::Timestamp at) { return static_cast<int>(std::chrono::floor<std::chrono::days>(at).time_since_epoch().count()); }

std::optional<int> read_day(TableReader& r, std::string_view key) {
  const auto text = r.string(key);
  if (!text) return std::nullopt;
  const auto at = base::parse_utc(*text + "T00:00:00.000Z");
  if (!at) r.error(key, "= \"" + *text + "\" must be a day: \"2026-12-31\"");
  if (!at) return std::nullopt;
  return day_of(*at);
}

void read_options(TableReader& r, demail::Options& into) {
  const std::array parts{&into.dispatch, &into.receipt, &into.retrieve, &into.authoritative, &into.personal};
  for (const Node* node : r.strings("options").value_or(std::vector<const Node*>{})) {
    const auto found = std::find(k_options.begin(), k_options.end(), node->text);
    if (found == k_options.end())
      r.error_at(node->at, "effect.options = " + unknown_word("value", node->text, k_options));
    else
      *parts.at(static_cast<std::size_t>(found - k_options.begin())) = true;
  }
}

LegalEffect read_effect(TableReader& r) {
  LegalEffect effect;
  for (const auto& [key, into] : {std::pair{"key", &effect.key},
                                  {"source", &effect.source},
                                  {"effect_de", &effect.effect_de},
                                  {"effect_en", &effect.effect_en}})
    if (r.required(key)) *into = r.string(key).value_or("");
  r.required("carrier");
  for (const Node* node : r.strings("carrier").value_or(std::vector<const Node*>{})) {
    const auto found = std::find(k_channels.begin(), k_channels.end(), node->text);
    if (found == k_channels.end())
      r.error_at(node->at, "effect.carrier = " + unknown_word("value", node->text, k_channels));
    else
      effect.channels.push_back(static_cast<Channel>(found - k_channels.begin()));
  }
  read_options(r, effect.options);
  effect.from = read_day(r, "from");
  effect.until = read_day(r, "until");
  if (effect.from && effect.until && *effect.from > *effect.until) r.error("until", "lies before from");
  if (r.required("sure"))
    if (const auto i = r.word("sure", k_sure)) effect.sure = k_sure.at(*i);
  return effect;
}

bool asks_for(const demail::Options& asked, const demail::Options& needed) { return demail::both(asked, needed) == asked; }

bool has(const std::vector<Channel>& list, Channel channel) { return std::find(list.begin(), list.end(), channel) != list.end(); }

}  // namespace

const char* name_of(Channel channel) {
  switch (channel) {
    case Channel::demail: return "demail";
    case Channel::smime: return "smime";
    case Channel::openpgp: return "openpgp";
    case Channel::tls: return "tls";
  }
  return "tls";
}

std::vector<LegalEffect> parse_legal_effects(std::string_view file, std::string_view text, Faults& faults) {
  std::vector<LegalEffect> out;
  const auto root = parse_document(file, text, faults);
  if (!root) return out;
  TableReader top(*root, file, "file", schema::legal_file(), faults);
  for (const Node* table : top.tables("effect")) {
    TableReader r(*table, file, "effect", schema::legal_effect(), faults);
    LegalEffect effect = read_effect(r);
    if (std::any_of(out.begin(), out.end(), [&](const LegalEffect& e) { return e.key == effect.key; }))
      r.error("key", "= \"" + effect.key + "\" stands twice");
    out.push_back(std::move(effect));
  }
  return out;
}

const std::vector<LegalEffect>& legal_effects() {
  static const std::vector<LegalEffect> k_effects = [] {
    Faults faults;
    auto out = parse_legal_effects("legal-effect.toml", k_legal_text, faults);
    assert(!faults.has_errors());
    return out;
  }();
  return k_effects;
}

std::vector<Channel> channels_of(const PolicyDecision& d) {
  std::vector<Channel> out;
  if (d.outcome != Outcome::deliver) return out;
  if (d.demail) return {Channel::demail};
  if (d.encrypt == certs::Method::smime || d.sign == SignMethod::smime) out.push_back(Channel::smime);
  if (d.encrypt == certs::Method::openpgp || d.sign == SignMethod::openpgp) out.push_back(Channel::openpgp);
  if (d.plaintext) out.push_back(Channel::tls);
  return out;
}

std::vector<const LegalEffect*> legal_effects_of(const PolicyDecision& decision, base::Timestamp now) {
  std::vector<const LegalEffect*> out;
  const auto channels = channels_of(decision);
  if (channels.empty()) return out;
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  using namespace std::chrono;
  const int day =
      static_cast<int>(sys_days{year{local.tm_year + 1900} / (local.tm_mon + 1) / local.tm_mday}.time_since_epoch().count());
  for (const LegalEffect& effect : legal_effects()) {
    const bool is_in_time = (!effect.from || day >= *effect.from) && (!effect.until || day <= *effect.until);
    const bool is_of_channel = std::any_of(channels.begin(), channels.end(), [&](Channel c) { return has(effect.channels, c); });
    const demail::Options asked = decision.demail ? decision.demail->options : demail::Options{};
    if (is_in_time && is_of_channel && asks_for(asked, effect.options)) out.push_back(&effect);
  }
  return out;
}

}  // namespace policies
