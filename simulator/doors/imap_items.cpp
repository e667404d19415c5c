#include "simulator/doors/imap_items.hpp"

#include <algorithm>
#include <charconv>

#include "base/core/bytes.hpp"
#include "mail/message/header.hpp"
#include "simulator/doors/imap.hpp"

namespace simulator {
namespace {

constexpr std::size_t k_max_ranges = 1000;

template <class T>
std::optional<T> number(std::string_view text) {
  T out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

// From `at`, one word: quoted, literal, list, or an atom whose brackets may hold blanks. nullopt: not well formed.
std::optional<std::string> take_word(std::string_view line, std::size_t& at) {
  std::string out;
  if (line[at] == '"') {
    for (++at; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && at + 1 < line.size()) ++at;
      out += line[at];
    }
    if (at == line.size()) return std::nullopt;
    ++at;
    return out;
  }
  if (line[at] == '{') {
    const auto close = line.find("}\r\n", at);
    std::string_view digits = line.substr(at + 1, close == std::string_view::npos ? 0 : close - at - 1);
    if (digits.ends_with('+')) digits.remove_suffix(1);
    const auto size = number<std::size_t>(digits);
    if (!size || line.size() - close - 3 < *size) return std::nullopt;
    out = line.substr(close + 3, *size);
    at = close + 3 + *size;
    return out;
  }
  int depth = 0;
  for (; at < line.size() && (depth > 0 || line[at] != ' '); ++at) {
    if (line[at] == '(' || line[at] == '[') ++depth;
    if (line[at] == ')' || line[at] == ']') --depth;
    if (depth < 0) return std::nullopt;
    out += line[at];
  }
  if (depth != 0) return std::nullopt;
  return out;
}

std::optional<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    auto word = take_word(line, at);
    if (!word) return std::nullopt;
    out.push_back(*std::move(word));
  }
  return out;
}

}  // namespace

std::optional<ImapCommand> parse_imap(std::string_view line) {
  auto words = words_of(line);
  if (!words || words->size() < 2) return std::nullopt;
  ImapCommand out;
  out.tag = std::move(words->at(0));
  out.name = upper(words->at(1));
  std::size_t used = 2;
  if (out.name == "UID" && words->size() > 2) out.name += " " + upper(words->at(used++));
  for (; used < words->size(); ++used) out.arguments.push_back(std::move(words->at(used)));
  return out;
}

std::optional<std::vector<std::pair<std::uint32_t, std::uint32_t>>> parse_set(std::string_view text, std::uint32_t most) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  const auto one = [&](std::string_view word) { return word == "*" ? std::optional(most) : number<std::uint32_t>(word); };
  while (true) {
    const auto range = text.substr(0, text.find(','));
    const auto colon = range.find(':');
    const auto from = one(range.substr(0, colon));
    const auto to = colon == std::string_view::npos ? from : one(range.substr(colon + 1));
    if (!from || !to || out.size() >= k_max_ranges) return std::nullopt;
    out.emplace_back(std::min(*from, *to), std::max(*from, *to));
    if (range.size() == text.size()) return out;
    text.remove_prefix(range.size() + 1);
  }
}

std::vector<std::string> split_items(std::string_view list) {
  if (list.starts_with('(') && list.ends_with(')')) list = list.substr(1, list.size() - 2);
  std::vector<std::string> out;
  for (std::string& word : words_of(list).value_or(std::vector<std::string>{})) {
    if (base::equal_ignoring_case(word, "FAST"))
      out.insert(out.end(), {"FLAGS", "INTERNALDATE", "RFC822.SIZE"});
    else
      out.push_back(std::move(word));
  }
  return out;
}

std::optional<Section> parse_section(std::string_view item) {
  Section out;
  const std::string word = upper(item);
  if (word == "RFC822" || word == "RFC822.HEADER" || word == "RFC822.TEXT") {
    out.label = word;
    out.peek = word == "RFC822.HEADER";
    out.part = word == "RFC822" ? Section::Part::all : word == "RFC822.TEXT" ? Section::Part::text : Section::Part::header;
    return out;
  }
  const auto open = word.find('['), close = word.rfind(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  const std::string head = word.substr(0, open), inner = word.substr(open + 1, close - open - 1), tail = word.substr(close + 1);
  if (head != "BODY" && head != "BODY.PEEK") return std::nullopt;
  out.peek = head == "BODY.PEEK";
  out.label = "BODY[" + inner + "]";
  if (!tail.empty()) {
    const auto dot = tail.find('.');
    const auto offset = number<std::size_t>(tail.substr(1, dot == std::string::npos ? 0 : dot - 1));
    const auto size = dot == std::string::npos ? std::nullopt : number<std::size_t>(tail.substr(dot + 1, tail.size() - dot - 2));
    if (tail.front() != '<' || tail.back() != '>' || !offset || !size) return std::nullopt;
    out.partial = {*offset, *size};
    out.label += "<" + std::to_string(*offset) + ">";
  }
  if (inner.empty()) return out;
  if (inner == "HEADER")
    out.part = Section::Part::header;
  else if (inner == "TEXT")
    out.part = Section::Part::text;
  else if (inner.starts_with("HEADER.FIELDS (")) {
    out.part = Section::Part::fields;
    out.fields = split_items(inner.substr(14));
  } else
    return std::nullopt;
  return out;
}

std::string Section::of(std::string_view message) const {
  const auto end = message.find("\r\n\r\n");
  const auto header = message.substr(0, end == std::string_view::npos ? message.size() : end + 4);
  std::string out;
  if (part == Part::all) out = message;
  if (part == Part::header) out = header;
  if (part == Part::text) out = message.substr(header.size());
  if (part == Part::fields) {
    bool clean = true;
    const mail::Header parsed = mail::Header::parse_leniently(std::string(header), clean);
    for (const mail::HeaderField& field : parsed.fields())
      if (std::any_of(fields.begin(), fields.end(), [&](const std::string& name) { return field.is(name); })) out += field.raw;
    out += "\r\n";
  }
  if (partial) out = partial->first < out.size() ? out.substr(partial->first, partial->second) : std::string();
  return out;
}

std::string imap_date(base::Timestamp t) {
  const std::string mail = base::format_rfc5322(t);  // "Sun, 01 Mar 2026 08:15:30 +0000"
  return mail.substr(5, 2) + "-" + mail.substr(8, 3) + "-" + mail.substr(12);
}

std::string canonical_flag(std::string_view flag) {
  for (const char* known : {"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"})
    if (base::equal_ignoring_case(flag, known)) return known;
  return std::string(flag);
}

}  // namespace simulator
