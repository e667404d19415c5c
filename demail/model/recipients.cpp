// x-de-mail-chosen-recipient and x-de-mail-actual-recipient (sections 3.1.8 and 3.1.15).
#include "base/core/bytes.hpp"
#include "demail/model/fields.hpp"
#include "mail/address/errors.hpp"

namespace demail {
namespace {

constexpr std::size_t k_width = 76;  // columns, as the house folds other fields

base::Error malformed(const char* what) { return base::fail(mail::k_malformed_address, what); }

// Up to the next ";" that stands outside of quotes, comments and angle brackets, which display names and quoted local parts may
// contain; takes it with the rest. What is left open ends with the text: the parser of addresses refuses it.
std::string_view take_segment(std::string_view& rest) {
  bool quoted = false;
  int comments = 0, angles = 0;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == '\\' && (quoted || comments > 0)) {
      ++i;
    } else if (c == '"' && comments == 0) {
      quoted = !quoted;
    } else if (!quoted && c == '(') {
      ++comments;
    } else if (!quoted && c == ')' && comments > 0) {
      --comments;
    } else if (!quoted && comments == 0) {
      if (c == ';' && angles == 0) break;
      angles += c == '<' ? 1 : c == '>' && angles > 0 ? -1 : 0;
    }
  }
  const std::string_view segment = rest.substr(0, i);
  rest.remove_prefix(i < rest.size() ? i + 1 : rest.size());
  return segment;
}

constexpr std::string_view k_elements[] = {"to", "cc", "bcc"};

// [FWS] keyword [FWS] "=": which of the elements begins here, with the text behind it in `segment`. Literals of ABNF are
// compared without case (RFC 2234 section 2.3).
std::optional<std::size_t> take_element(std::string_view& segment) {
  const std::string_view text = base::trim(segment);
  for (std::size_t i = 0; i < std::size(k_elements); ++i) {
    if (!base::starts_with_ignoring_case(text, k_elements[i])) continue;
    const std::string_view behind = base::trim(text.substr(k_elements[i].size()));
    if (!behind.starts_with('=')) continue;
    segment = behind.substr(1);
    return i;
  }
  return std::nullopt;
}

std::size_t size_of(const Recipients& r) { return r.to.size() + r.cc.size() + r.bcc.size(); }

// Each address with what stands before it: ",", or the element's name with the ";" that parts it from the one before.
void append_element(std::string_view name, const std::vector<mail::Mailbox>& list, std::vector<std::string>& out) {
  for (std::size_t i = 0; i < list.size(); ++i)
    out.push_back((i > 0 ? "," : (out.empty() ? "" : ";") + std::string(name) + "=") + list[i].address.text());
}

std::vector<std::string> pieces_of(const Recipients& recipients) {
  std::vector<std::string> out;
  append_element("to", recipients.to, out);
  append_element("cc", recipients.cc, out);
  append_element("bcc", recipients.bcc, out);
  return out;
}

}  // namespace

base::Result<Recipients> parse_recipients(std::string_view value) {
  Recipients out;
  std::vector<mail::Mailbox>* const lists[] = {&out.to, &out.cc, &out.bcc};
  std::vector<mail::Mailbox>* list = nullptr;
  if (base::trim(value).ends_with(';')) return malformed("nothing behind the last \";\"");
  while (!value.empty()) {
    std::string_view segment = take_segment(value);
    if (const auto element = take_element(segment)) {
      list = lists[*element];
      if (!list->empty()) return malformed("an element stands twice");
    }
    if (list == nullptr) return malformed("neither to=, cc= nor bcc= at the start");
    auto mailboxes = mail::parse_mailbox_list(segment, k_max_recipients - size_of(out));
    if (!mailboxes) return std::move(mailboxes).error();
    if (mailboxes->empty()) return malformed("an element without address");
    list->insert(list->end(), mailboxes->begin(), mailboxes->end());
  }
  if (list == nullptr) return malformed("no recipient");
  return out;
}

std::string format_recipients(const Recipients& recipients) {
  std::string out;
  for (const std::string& piece : pieces_of(recipients)) out += piece;
  return out;
}

base::Result<std::string> format_recipients_field(std::string_view name, const Recipients& recipients) {
  const std::vector<std::string> pieces = pieces_of(recipients);
  if (pieces.empty()) return base::fail(mail::k_malformed_header, "no recipient");
  std::string out = std::string(name) + ":";
  std::size_t column = out.size();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view rest = pieces[i];
    if (!base::is_ascii(rest)) return base::fail(mail::k_malformed_header, "a recipient beyond ASCII");
    if (i > 0) {  // the separator ends its line: a fold may follow it
      out += rest.front();
      ++column;
      rest.remove_prefix(1);
    }
    const bool fold = i > 0 && column + rest.size() + 1 > k_width;
    if (fold) out += "\r\n";
    if (fold || i == 0) out += ' ';
    column = (fold ? 0 : column) + (fold || i == 0 ? 1 : 0) + rest.size();
    out += rest;
  }
  return out + "\r\n";
}

}  // namespace demail
