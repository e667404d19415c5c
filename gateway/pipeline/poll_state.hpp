// Promise: what must be remembered of a mailbox that is polled, so that each message in it is taken once; and who a message found
// there is for. Values and pure functions. What is remembered is bounded: of IMAP one position, of POP3 a short digest of the
// UIDL of each message that still lies at the server, in pieces, so that taking one message rewrites a small part alone.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/net/mailbox.hpp"
#include "demail/model/fields.hpp"
#include "gateway/options/options.hpp"
#include "gateway/pipeline/record.hpp"

namespace pipeline {

using Marks = std::vector<std::pair<std::string, std::string>>;  // of store::Change

class PollState {
 public:
  static constexpr std::size_t k_pieces = 64;

  // Names of the marks of this account; the first is the head, the others are the pieces of POP3.
  static std::vector<std::string> mark_names(const config::DeMailAccountOptions& account);

  // `stored`: what the marks of these names hold; a name without a mark is not in it. What was remembered of another mailbox or
  // user, or of the other protocol, says nothing about this one.
  PollState(const config::DeMailAccountOptions& account, const std::map<std::string, std::string>& stored);

  // Which of the listing have not been taken, in their order; forgets what lies there no more. A UIDVALIDITY that changed makes
  // all of them new.
  std::vector<base::net::MailboxEntry> choose_new(const base::net::MailboxListing& listing);
  std::uint32_t after() const { return m_uid; }            // for Mailbox::list()
  bool has_changed() const { return m_validity_changed; }  // with the last listing: all comes anew
  bool is_new() const { return m_is_new; }                 // nothing of this mailbox was remembered

  // The entry was taken, or is passed over for good.
  void pass(const base::net::MailboxEntry& entry);
  // What differs from what is stored; the caller commits it, with the message where there is one, and says so.
  Marks changed_marks() const;
  void stored() { m_dirty.clear(); }

 private:
  std::string head() const;
  static std::string digest_of(const std::string& uidl);
  static std::size_t piece_of(const std::string& digest);

  bool m_is_imap = true, m_is_new = true, m_validity_changed = false;
  std::string m_name, m_source;
  std::uint32_t m_validity = 0, m_uid = 0;
  std::array<std::set<std::string>, k_pieces> m_taken;  // POP3
  std::set<std::size_t> m_dirty;                        // pieces; k_pieces is the head
};

// Who a message is for: the De-Mail addresses of this account in Envelope-to, which the receiving provider sets for each copy
// (section 3.1.22), else among the actual recipients, else the chosen ones; each as the mailbox that it stands for, one mailbox
// once. None: the account's default mailbox. Direction and ORCPT are set, the decision is not.
std::vector<RecipientRecord> poll_recipients(const config::DeMailOptions& options, const config::DeMailAccountOptions& account,
                                             const mail::Header& header);

// Bytes of a message as a server of mailboxes gives them, held to what SMTP demands: lines end with CRLF, none is endless. Keeps
// the header for whoever must read it.
class ArrivingLines {
 public:
  static constexpr std::size_t k_max_line = 64 * 1024;  // as at the SMTP door
  static constexpr std::size_t k_max_header = 256 * 1024;

  enum class Fault { none, bare_newline, line_too_long };
  Fault feed(base::ByteView bytes);  // the first fault stays
  // What the end lacks: a last line without its end gets one.
  std::string finish() const { return m_size > 0 && m_last != '\n' ? "\r\n" : ""; }
  Fault fault() const { return m_fault == Fault::none && m_last == '\r' ? Fault::bare_newline : m_fault; }
  std::uint64_t size() const { return m_size; }
  const std::string& header() const { return m_header; }  // up to its empty line, cut at k_max_header

 private:
  Fault m_fault = Fault::none;
  std::uint64_t m_size = 0;
  std::size_t m_line = 0;
  char m_last = '\n';
  bool m_in_header = true;
  std::string m_header;
};
const char* name_of(ArrivingLines::Fault fault);

}  // namespace pipeline
