// Promise: what lies in one mailbox at a server: listed, fetched one by one, never removed. IMAP4rev1 and POP3 over TLS from the
// first byte, the server's certificate verified for its host. Every wait has a deadline, every size a limit; what a server says
// is hostile: numbers in any order, twice, without end. Blocks: for a thread of a pool, one call at a time. libcurl does the
// protocols. Must be given: a process that ignores SIGPIPE. Standards: RFC 3501; RFC 1939 with UIDL; RFC 8314 section 3 (TLS from
// the first byte).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/secret.hpp"

namespace base::net {

enum class MailboxKind { imap, pop3 };

struct MailboxOptions {
  MailboxKind kind = MailboxKind::imap;
  std::string host;                    // what the certificate must name
  std::vector<std::string> addresses;  // of the host, in the order to try; the resolver's work, none is done here
  std::uint16_t port = 0;
  std::string mailbox = "INBOX";  // IMAP
  std::string user;
  std::shared_ptr<const SecretBytes> password;
  std::shared_ptr<const std::string> anchors;      // PEM; null: the system's
  std::shared_ptr<const std::string> certificate;  // PEM with its chain, shown to the server; null: none
  std::shared_ptr<const SecretBytes> key;          // PEM, of the certificate
  std::chrono::seconds connect_time{20};           // TCP, TLS, greeting and login
  std::chrono::seconds reply_time{30};             // each answer
  std::chrono::seconds list_time{120};             // a whole listing
  std::chrono::seconds fetch_time{600};            // a whole message
  std::chrono::seconds stall_time{30};             // without a byte
  std::shared_ptr<const std::atomic<bool>> stop;   // true: what is under way ends within a second, k_cancelled; null: never
};

// One message, as the server names it.
struct MailboxEntry {
  std::uint32_t number = 0;           // IMAP: the UID. POP3: its place, for this session
  std::string uidl;                   // POP3: its name for ever (RFC 1939 section 7: 1 to 70 characters from 0x21 to 0x7E)
  std::optional<std::uint64_t> size;  // where the server tells it
};

struct MailboxListing {
  std::uint32_t validity = 0;         // IMAP: UIDVALIDITY
  std::vector<MailboxEntry> entries;  // by number, none twice
  bool is_whole = true;               // IMAP: there are more, with higher UIDs
};

class Mailbox {
 public:
  static constexpr std::size_t k_most_listed = 1000;        // IMAP: of one listing; the lowest UIDs
  static constexpr std::size_t k_most_in_pop3 = 50'000;     // POP3 lists all or nothing: a mailbox with more is refused
  static constexpr ByteCount k_most_list_bytes{16u << 20};  // of one answer

  // No I/O yet. k_malformed: a user, password or mailbox that no command can hold.
  static Result<std::unique_ptr<Mailbox>> make(MailboxOptions options);
  virtual ~Mailbox() = default;  // says goodbye; may block for some seconds

  // Connects where there is no connection. IMAP: the messages with UIDs above `after`, without setting a flag; POP3: all, each
  // with its UIDL. k_connection, k_timeout, k_tls, k_tls_untrusted, k_denied (the login), k_too_large, k_malformed (no such
  // server, or one that does not keep to its protocol), k_cancelled. Afterwards the session is over; the next listing begins
  // another.
  virtual Result<MailboxListing> list(std::uint32_t after) = 0;

  // The message's bytes in pieces, with the line ends and dots of the message itself. Of the entries of the last listing only,
  // and within its session. k_too_large: more than `limit`, or `sink` returned false; k_not_found: the server gives no such
  // message; else as above. After any error the session is over.
  using Sink = std::function<bool(ByteView)>;
  virtual Result<void> fetch(const MailboxEntry& entry, ByteCount limit, const Sink& sink) = 0;

  // IMAP: sets \Seen, for people who look into the mailbox as well. Nothing depends on it. POP3 has no flags.
  virtual Result<void> mark_seen(const std::vector<std::uint32_t>& uids) = 0;

  virtual bool is_open() const = 0;              // the session of the last listing goes on
  virtual std::string peer_address() const = 0;  // of the last connection; "" before the first
};

// "* 4 FETCH (UID 17 RFC822.SIZE 2048)": one line of an answer to UID FETCH. Nullopt: it is about something else.
std::optional<MailboxEntry> parse_fetch_line(std::string_view line);
// "* OK [UIDVALIDITY 77] …"
std::optional<std::uint32_t> parse_uidvalidity_line(std::string_view line);
// "4 2048" of LIST, "4 QhdPYR:00WBw1Ph7x7" of UIDL: the number and the word.
std::optional<std::pair<std::uint32_t, std::string>> parse_pop3_line(std::string_view line);

}  // namespace base::net
