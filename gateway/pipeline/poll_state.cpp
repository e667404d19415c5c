#include "gateway/pipeline/poll_state.hpp"

#include <algorithm>
#include <charconv>

#include "base/core/digest.hpp"

namespace pipeline {
namespace {

constexpr std::size_t k_digest_bytes = 8;  // of 50,000 names two are alike once in ten thousand million mailboxes
constexpr std::size_t k_digest_chars = 2 * k_digest_bytes;

std::string short_digest(base::ByteView bytes) {
  const auto digest = base::sha256(bytes);
  return base::to_hex({reinterpret_cast<const char*>(digest.data()), k_digest_bytes});
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at <= text.size()) {
    const auto blank = std::min(text.find(' ', at), text.size());
    out.push_back(text.substr(at, blank - at));
    at = blank + 1;
  }
  return out;
}

std::optional<std::uint32_t> number_of(const std::string& text) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string piece_name(const std::string& account, std::size_t piece) {
  return "poll:" + account + "/" + base::to_hex(std::string(1, static_cast<char>(piece)));
}

}  // namespace

std::vector<std::string> PollState::mark_names(const config::DeMailAccountOptions& account) {
  std::vector<std::string> out{"poll:" + account.name};
  if (account.poll.kind == config::PollKind::pop3s)
    for (std::size_t i = 0; i < k_pieces; ++i) out.push_back(piece_name(account.name, i));
  return out;
}

PollState::PollState(const config::DeMailAccountOptions& account, const std::map<std::string, std::string>& stored)
    : m_is_imap(account.poll.kind == config::PollKind::imaps),
      m_name(account.name),
      m_source(short_digest(account.poll.user + '\0' + account.poll.mailbox)) {
  const auto found = stored.find("poll:" + m_name);
  const auto words = found == stored.end() ? std::vector<std::string>{} : words_of(found->second);
  const std::size_t count = m_is_imap ? 4 : 2;
  if (words.size() == count && words[0] == (m_is_imap ? "imap" : "pop3") && words[1] == m_source) {
    const auto validity = m_is_imap ? number_of(words[2]) : std::optional<std::uint32_t>(0);
    const auto uid = m_is_imap ? number_of(words[3]) : std::optional<std::uint32_t>(0);
    if (validity && uid) {
      m_validity = *validity;
      m_uid = *uid;
      m_is_new = false;
    }
  }
  if (m_is_imap) return;
  if (m_is_new) {
    // pieces of another mailbox may lie there: all of them are written anew with the head
    for (std::size_t i = 0; i <= k_pieces; ++i) m_dirty.insert(i);
    return;
  }
  for (std::size_t i = 0; i < k_pieces; ++i) {
    const auto piece = stored.find(piece_name(m_name, i));
    if (piece == stored.end()) continue;
    for (std::size_t at = 0; at + k_digest_chars <= piece->second.size(); at += k_digest_chars)
      m_taken[i].insert(piece->second.substr(at, k_digest_chars));
  }
}

std::string PollState::digest_of(const std::string& uidl) { return short_digest(uidl); }

std::size_t PollState::piece_of(const std::string& digest) {
  std::size_t out = 0;
  std::from_chars(digest.data(), digest.data() + 2, out, 16);
  return out % k_pieces;
}

std::vector<base::net::MailboxEntry> PollState::choose_new(const base::net::MailboxListing& listing) {
  std::vector<base::net::MailboxEntry> out;
  if (m_is_imap) {
    m_validity_changed = m_validity != listing.validity && !m_is_new;
    if (m_validity != listing.validity) {
      m_validity = listing.validity;
      m_dirty.insert(k_pieces);
      // the listing began behind a position that means nothing any more: the next one shows all
      const bool was_asked_for_all = m_uid == 0;
      m_uid = 0;
      m_is_new = false;
      if (!was_asked_for_all) return out;
    }
    for (const auto& entry : listing.entries)
      if (entry.number > m_uid) out.push_back(entry);
    return out;
  }
  std::array<std::set<std::string>, k_pieces> present;
  for (const auto& entry : listing.entries) {
    const std::string digest = digest_of(entry.uidl);
    const std::size_t piece = piece_of(digest);
    const bool is_twice = !present[piece].insert(digest).second;
    if (!is_twice && !m_taken[piece].contains(digest)) out.push_back(entry);
  }
  for (std::size_t i = 0; i < k_pieces; ++i)
    if (std::erase_if(m_taken[i], [&](const std::string& digest) { return !present[i].contains(digest); }) > 0) m_dirty.insert(i);
  return out;
}

void PollState::pass(const base::net::MailboxEntry& entry) {
  m_is_new = false;
  if (m_is_imap) {
    m_uid = std::max(m_uid, entry.number);
    m_dirty.insert(k_pieces);
    return;
  }
  const std::string digest = digest_of(entry.uidl);
  m_taken[piece_of(digest)].insert(digest);
  m_dirty.insert(piece_of(digest));
}

std::string PollState::head() const {
  if (!m_is_imap) return "pop3 " + m_source;
  return "imap " + m_source + " " + std::to_string(m_validity) + " " + std::to_string(m_uid);
}

Marks PollState::changed_marks() const {
  Marks out;
  for (const std::size_t piece : m_dirty) {
    std::string text;
    if (piece == k_pieces) {
      out.emplace_back("poll:" + m_name, head());
      continue;
    }
    for (const auto& digest : m_taken[piece]) text += digest;
    out.emplace_back(piece_name(m_name, piece), std::move(text));
  }
  return out;
}

std::vector<RecipientRecord> poll_recipients(const config::DeMailOptions& options, const config::DeMailAccountOptions& account,
                                             const mail::Header& header) {
  std::vector<RecipientRecord> out;
  std::set<std::string> mailboxes;
  const auto add = [&](const mail::Address& mailbox, const std::string& orcpt) {
    if (!mailboxes.insert(mailbox.folded()).second) return;
    RecipientRecord record;
    record.address = mailbox;
    record.direction = policies::Direction::inbound;
    record.orcpt = orcpt;
    out.push_back(std::move(record));
  };
  const auto add_ours = [&](const std::vector<mail::Mailbox>& list) {
    for (const mail::Mailbox& one : list) {
      const auto& domains = account.domains;
      if (std::find(domains.begin(), domains.end(), one.address.domain()) == domains.end()) continue;
      if (const auto mailbox = options.mailbox_of(one.address)) add(*mailbox, "rfc822;" + one.address.text());
    }
  };
  if (const auto* envelope = header.find("Envelope-to"))
    if (const auto list = mail::parse_mailbox_list(envelope->value())) add_ours(*list);
  const auto fields = demail::read_fields(header);
  for (const auto* recipients : {&fields.actual, &fields.chosen}) {
    if (!*recipients || !out.empty()) continue;
    for (const auto* list : {&(*recipients)->to, &(*recipients)->cc, &(*recipients)->bcc}) add_ours(*list);
  }
  if (out.empty())
    if (const auto mailbox = mail::Address::parse(account.default_mailbox)) add(*mailbox, "");
  return out;
}

ArrivingLines::Fault ArrivingLines::feed(base::ByteView bytes) {
  for (const char c : bytes) {
    if ((m_last == '\r') != (c == '\n')) m_fault = m_fault == Fault::none ? Fault::bare_newline : m_fault;
    if (m_in_header && m_header.size() < k_max_header) m_header += c;
    ++m_size;
    ++m_line;
    m_last = c;
    if (c == '\n') {
      if (m_line == 2) m_in_header = false;
      m_line = 0;
    } else if (m_line > k_max_line) {
      m_fault = m_fault == Fault::none ? Fault::line_too_long : m_fault;
    }
  }
  return m_fault;
}

const char* name_of(ArrivingLines::Fault fault) {
  switch (fault) {
    case ArrivingLines::Fault::bare_newline: return "bare_newline";
    case ArrivingLines::Fault::line_too_long: return "line_too_long";
    case ArrivingLines::Fault::none: break;
  }
  return "none";
}

}  // namespace pipeline
