#include "receipts/log/epoch.hpp"

#include <algorithm>
#include <charconv>

#include "receipts/log/balance.hpp"

namespace receipts {
namespace {

constexpr int k_max_number = 9999;

// Decimal as we would print it.
bool parse_number(std::string_view text, int& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size() && out >= 1 && out <= k_max_number && text.front() != '0';
}

std::string word_of(const std::vector<Fact>& facts, std::string_view name) {
  for (const Fact& fact : facts)
    if (fact.name == name)
      if (const auto* word = std::get_if<std::string>(&fact.value)) return *word;
  return {};
}

}  // namespace

std::optional<EpochName> parse_epoch(std::string_view text) {
  EpochName out;
  const auto dot = text.find('.');
  if (text.empty() || !parse_number(text.substr(0, dot), out.year)) return std::nullopt;
  if (dot == std::string_view::npos) return out;
  if (dot + 1 == text.size() || !parse_number(text.substr(dot + 1), out.number) || out.number < 2) return std::nullopt;
  return out;
}

std::string format_epoch(const EpochName& name) {
  return std::to_string(name.year) + (name.number == 1 ? "" : "." + std::to_string(name.number));
}

int year_of(base::Timestamp t) {
  return static_cast<int>(std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(t)}.year());
}

std::string_view epoch_of(std::string_view origin) {
  const auto slash = origin.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : origin.substr(slash + 1);
}

std::optional<VerifierKey> key_for(const VerifierKey& key, std::string_view origin) {
  if (origin == key.name) return key;
  const std::string_view epoch = epoch_of(origin), own = epoch_of(key.name);
  if (!parse_epoch(epoch) || !parse_epoch(own)) return std::nullopt;
  const std::string_view log = std::string_view(key.name).substr(0, key.name.size() - own.size());
  if (origin.substr(0, origin.size() - epoch.size()) != log) return std::nullopt;
  return VerifierKey{std::string(origin), key.key};
}

base::Result<EpochLink> make_link(std::string_view note) {
  const auto parsed = parse_signed_checkpoint(note);
  if (!parsed) return parsed.error();
  const Checkpoint& head = parsed->checkpoint;
  for (const NoteSignature& line : parsed->signatures)
    if (line.name == head.origin) {
      const base::Bytes id(reinterpret_cast<const char*>(line.key_id.data()), line.key_id.size());
      return EpochLink{std::string(epoch_of(head.origin)), head.size, head.root, base::to_base64(id + line.signature), {}};
    }
  return fail(k_checkpoint_invalid, "no signature of " + head.origin);
}

std::vector<Fact> format_link(const EpochLink& link) {
  std::vector<Fact> out{{"prev_epoch", link.epoch},
                        {"prev_root", base::to_base64(base::view(link.root))},
                        {"prev_signature", link.signature},
                        {"prev_size", static_cast<std::int64_t>(link.size)}};
  if (link.kept) {
    out.push_back({"kept", static_cast<std::int64_t>(link.kept->second)});
    out.push_back({"kept_epoch", link.kept->first});
  }
  return out;
}

std::optional<EpochLink> parse_link(const std::vector<Fact>& facts) {
  EpochLink out;
  out.epoch = word_of(facts, "prev_epoch");
  out.signature = word_of(facts, "prev_signature");
  const std::int64_t size = number_of(facts, "prev_size"), kept = number_of(facts, "kept");
  const auto root = base::parse_base64(word_of(facts, "prev_root"));
  if (!parse_epoch(out.epoch) || size < 0 || kept < 0 || !root || root->size() != out.root.size()) return std::nullopt;
  out.size = static_cast<std::uint64_t>(size);
  std::copy(root->begin(), root->end(), out.root.begin());
  const std::string kept_epoch = word_of(facts, "kept_epoch");
  if (kept_epoch.empty()) return out;
  if (!parse_epoch(kept_epoch)) return std::nullopt;
  out.kept = {kept_epoch, static_cast<std::uint64_t>(kept)};
  return out;
}

bool verify_link(const EpochLink& link, const VerifierKey& key) {
  const std::string_view own = epoch_of(key.name);
  const std::string origin = key.name.substr(0, key.name.size() - own.size()) + link.epoch;
  const auto signer = key_for(key, origin);
  if (!signer) return false;
  const auto note = parse_signed_checkpoint(format_checkpoint({origin, link.size, link.root}) + "\n\xE2\x80\x94 " + origin + " " + link.signature + "\n");
  return note && verify_checkpoint(*note, *signer);
}

}  // namespace receipts
