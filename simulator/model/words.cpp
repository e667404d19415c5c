#include "simulator/model/words.hpp"

#include <set>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"

namespace simulator {
namespace {

constexpr std::string_view k_keywords[] = {"to", "cc", "bcc"};

// The keyword with which an element begins; "" if there is none.
std::string_view keyword_of(std::string_view element) {
  const auto equals = element.find('=');
  if (equals == std::string_view::npos) return {};
  const std::string_view word = base::trim(element.substr(0, equals));
  for (const std::string_view known : k_keywords)
    if (base::equal_ignoring_case(word, known)) return known;
  return {};
}

// At each ";" outside quotes.
std::vector<std::string> split(std::string_view value) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : value) {
    if (c == '"') quoted = !quoted;
    if (c == ';' && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

void append(std::string& out, std::string_view keyword, const std::vector<mail::Mailbox>& list) {
  if (list.empty()) return;
  if (!out.empty()) out += ';';
  out += keyword;
  for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "=" : ",") + list[i].address.text();
}

}  // namespace

const char* word_of(demail::MessageType type) {
  using enum demail::MessageType;
  switch (type) {
    case normal: return "normal";
    case dispatch: return "confirmation of dispatch";
    case receipt: return "confirmation of receipt";
    case retrieve: return "confirmation of retrieve";
    case malware_acknowledge: return "malware-acknowledge";
    case malware_notification: return "malware-notification";
    case notification: return "notification";
    case identification: return "identification";
  }
  return "";
}

const char* word_of(demail::NotificationType type) {
  using enum demail::NotificationType;
  switch (type) {
    case unknown_recipient: return "unknown-recipient";
    case closed_account: return "closed-account";
    case invalid_format: return "invalid-format";
    case other: return "other";
  }
  return "";
}

const char* word_of(demail::AuthLevel level) { return level == demail::AuthLevel::high ? "high" : "normal"; }

base::Result<demail::Recipients> parse_chosen(std::string_view value) {
  // footnote 5: a list may be separated by ";" as well, so an element without a keyword goes on with the one before
  std::string lists[3];
  std::set<std::string_view> seen;
  std::string* current = nullptr;
  for (const std::string& element : split(value)) {
    const std::string_view keyword = keyword_of(element);
    if (keyword.empty()) {
      if (current == nullptr) return base::fail(base::k_malformed, "recipients without a keyword");
      *current += "," + element;
      continue;
    }
    if (!seen.insert(keyword).second) return base::fail(base::k_malformed, "a keyword twice");
    current = &lists[keyword == "to" ? 0 : keyword == "cc" ? 1 : 2];
    *current = element.substr(element.find('=') + 1);
  }
  demail::Recipients out;
  std::vector<mail::Mailbox>* into[] = {&out.to, &out.cc, &out.bcc};
  for (std::size_t i = 0; i < 3; ++i) {
    if (lists[i].empty()) continue;
    auto parsed = mail::parse_mailbox_list(lists[i]);
    if (!parsed) return parsed.error();
    *into[i] = *std::move(parsed);
  }
  return out;
}

std::string format_chosen(const demail::Recipients& recipients) {
  std::string out;
  append(out, "to", recipients.to);
  append(out, "cc", recipients.cc);
  append(out, "bcc", recipients.bcc);
  return out;
}

}  // namespace simulator
