#include "demail/model/options.hpp"

#include <array>

namespace demail {
namespace {

struct Keyword {
  const char* word;
  Options options;
};

constexpr Options k_dispatch{.dispatch = true}, k_receipt{.receipt = true}, k_retrieve{.retrieve = true},
    k_authoritative{.authoritative = true}, k_personal{.personal = true};

constexpr std::array k_keywords = {
    Keyword{"de-mail", {}},
    Keyword{"versandbestätigung", k_dispatch},
    Keyword{"versandbestaetigung", k_dispatch},
    Keyword{"dispatch confirmation", k_dispatch},
    Keyword{"eingangsbestätigung", k_receipt},
    Keyword{"eingangsbestaetigung", k_receipt},
    Keyword{"receipt confirmation", k_receipt},
    Keyword{"abholbestätigung", k_retrieve},
    Keyword{"abholbestaetigung", k_retrieve},
    Keyword{"collection confirmation", k_retrieve},
    Keyword{"absenderbestätigt", k_authoritative},
    Keyword{"absenderbestaetigt", k_authoritative},
    Keyword{"confirmed by sender", k_authoritative},
    Keyword{"persönlich", k_personal},
    Keyword{"persoenlich", k_personal},
    Keyword{"personal", k_personal},
};

}  // namespace

Options both(const Options& a, const Options& b) {
  return {.dispatch = a.dispatch || b.dispatch,
          .receipt = a.receipt || b.receipt,
          .retrieve = a.retrieve || b.retrieve,
          .authoritative = a.authoritative || b.authoritative,
          .personal = a.personal || b.personal};
}

Options complete(Options options) {
  options.personal = options.personal || options.retrieve;
  return options;
}

bool needs_high(const Options& options) { return options.retrieve || options.authoritative || options.personal; }

std::string describe(const Options& options) {
  std::string out;
  const auto add = [&](bool chosen, const char* name) {
    if (chosen) out += (out.empty() ? "" : ", ") + std::string(name);
  };
  add(options.dispatch, "dispatch");
  add(options.receipt, "receipt");
  add(options.retrieve, "retrieve");
  add(options.authoritative, "authoritative");
  add(options.personal, "personal");
  return out.empty() ? "none" : out;
}

std::optional<Options> options_of_keyword(std::string_view keyword) {
  for (const Keyword& known : k_keywords)
    if (keyword == known.word) return known.options;
  return std::nullopt;
}

const std::vector<std::string>& keywords() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> out;
    for (const Keyword& known : k_keywords) out.emplace_back(known.word);
    return out;
  }();
  return words;
}

}  // namespace demail
