// RFC 5322 section 3.4: address lists of header fields. Display names decide nothing, so a dot or raw UTF-8 in them is
// tolerated (everybody writes it); in addresses nothing is.
#include <optional>

#include "base/core/bytes.hpp"
#include "mail/address/address.hpp"
#include "mail/address/errors.hpp"
#include "mail/address/words.hpp"

namespace mail {
namespace {

base::Error malformed(const char* what) { return base::fail(k_malformed_address, what); }

constexpr int k_max_comment_depth = 20;

struct Scanner {
  std::string_view text;
  std::size_t at = 0;

  bool done() const { return at >= text.size(); }
  char peek() const { return done() ? '\0' : text[at]; }
  bool take(char c) {
    if (done() || text[at] != c) return false;
    ++at;
    return true;
  }

  // blanks, folds and comments; false on a comment without end or too deep
  bool skip_cfws() {
    int depth = 0;
    while (!done()) {
      const char c = text[at];
      if (c == '(') {
        if (++depth > k_max_comment_depth) return false;
      } else if (c == ')' && depth > 0) {
        --depth;
      } else if (c == '\\' && depth > 0) {
        ++at;
      } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
        return true;
      }
      ++at;
    }
    return depth == 0;
  }

  // the raw quoted string at the current place, quotes included
  std::optional<std::string_view> quoted() {
    const std::size_t from = at++;
    while (!done()) {
      const char c = text[at++];
      if (c == '"') return text.substr(from, at - from);
      if (c == '\\') ++at;
    }
    return std::nullopt;
  }
};

bool ends_word(char c) { return std::string_view(" \t\r\n()<>@,;:\\\"[]").find(c) != std::string_view::npos; }

std::string unquote(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && i + 2 < quoted.size()) ++i;
    out += quoted[i];
  }
  return out;
}

// One mailbox: phrase <addr> or addr. The words before an "@" or "<" are collected until it is clear which.
class MailboxParser {
 public:
  explicit MailboxParser(Scanner& s) : m_s(s) {}

  // nullopt: a group's display name was read, the scanner stands at its ':'
  base::Result<std::optional<Mailbox>> parse() {
    while (true) {
      if (!m_s.skip_cfws()) return malformed("comment");
      const char c = m_s.peek();
      if (c == '<') return angle();
      if (c == '@') return bare();
      if (c == ':' && !m_words.empty()) return std::optional<Mailbox>{};
      if (m_s.done() || (ends_word(c) && c != '"')) return malformed("mailbox");
      if (c == '"') {
        const auto quoted = m_s.quoted();
        if (!quoted) return malformed("quoted string without end");
        add(std::string(*quoted), unquote(*quoted));
      } else {
        const std::size_t from = m_s.at;
        while (!m_s.done() && !ends_word(m_s.peek())) ++m_s.at;
        const std::string word(m_s.text.substr(from, m_s.at - from));
        add(word, word);
      }
    }
  }

 private:
  void add(std::string raw, const std::string& shown) {
    if (!m_words.empty()) m_phrase += ' ';
    m_phrase += shown;
    m_words.push_back(std::move(raw));
  }

  base::Result<std::optional<Mailbox>> bare() {
    if (m_words.size() != 1) return malformed("words before an address without < >");
    auto address = rest_of_address(m_words[0]);
    if (!address) return std::move(address).error();
    return std::optional(Mailbox{"", *std::move(address)});
  }

  base::Result<std::optional<Mailbox>> angle() {
    ++m_s.at;
    if (!m_s.skip_cfws()) return malformed("comment");
    std::string local;
    if (m_s.peek() == '"') {
      const auto quoted = m_s.quoted();
      if (!quoted) return malformed("quoted string without end");
      local = *quoted;
    } else {
      while (!m_s.done() && !ends_word(m_s.peek())) local += m_s.text[m_s.at++];
    }
    if (!m_s.skip_cfws()) return malformed("comment");
    auto address = rest_of_address(local);
    if (!address) return std::move(address).error();
    if (!m_s.skip_cfws() || !m_s.take('>')) return malformed("no > after the address");
    return std::optional(Mailbox{decode_encoded_words(m_phrase), *std::move(address)});
  }

  // the scanner stands at '@'
  base::Result<Address> rest_of_address(const std::string& local) {
    if (!m_s.take('@') || !m_s.skip_cfws()) return malformed("no @");
    const std::size_t from = m_s.at;
    while (!m_s.done() && !ends_word(m_s.peek())) ++m_s.at;
    return Address::parse(local + "@" + std::string(m_s.text.substr(from, m_s.at - from)));
  }

  Scanner& m_s;
  std::vector<std::string> m_words;
  std::string m_phrase;
};

}  // namespace

base::Result<std::vector<Mailbox>> parse_mailbox_list(std::string_view value, std::size_t limit) {
  Scanner s{value};
  std::vector<Mailbox> out;
  bool in_group = false;
  while (true) {
    if (!s.skip_cfws()) return malformed("comment");
    if (in_group && s.take(';')) {
      in_group = false;
    } else if (s.take(',')) {
      continue;  // empty list elements (RFC 5322 section 4.4) do no harm
    } else if (s.done()) {
      break;
    } else {
      auto one = MailboxParser(s).parse();
      if (!one) return std::move(one).error();
      if (!*one) {
        if (in_group) return malformed("group in a group");
        in_group = true;
        ++s.at;
        continue;
      }
      if (out.size() == limit) return base::fail(k_too_many_addresses);
      out.push_back(**std::move(one));
    }
    if (!s.skip_cfws()) return malformed("comment");
    if (!s.done() && s.peek() != ',' && !(in_group && s.peek() == ';')) return malformed("text after a mailbox");
  }
  if (in_group) return malformed("group without end");
  return out;
}

}  // namespace mail
