// Promise: the two providers as one value without I/O but its journal: drafts come in at submit(), everything that the standard
// makes of them lies in mailboxes, in queues that wait to be pushed, or waits for its time. One thread.
// Standard: BSI TR 01201 part 3.1 v1.8, steps 12 to 83; part 3.4.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "simulator/issue/issue.hpp"
#include "simulator/provider/journal.hpp"
#include "simulator/provider/mailbox.hpp"

namespace simulator {

struct WorldSettings {
  IssueSettings issue;
  bool sign_all = false;           // ordinary messages too; authoritative ones always
  bool refuse_by_message = false;  // drafts are taken with a 250, and a notification says that they were refused
  std::size_t messages_a_day = 100, recipients_a_day = 300;  // of an account at the level normal (part 3.1 section 4)
  Misbehaviour misbehaviour;
  SmtpFaults faults;
};

// A message on its way to an account's own server.
struct Push {
  std::uint64_t number = 0;
  std::string account, id, bytes;
  mail::Address from, to;
  unsigned attempts = 0;
  base::Timestamp not_before{};
};

class World {
 public:
  World(WorldSettings settings, Directory directory, Journal& journal, const base::Clock& clock);

  WorldSettings settings;
  Directory directory;
  std::function<void()> on_change;  // something waits that did not before

  // The refusal that the client hears; nullopt: taken. `answer`: for the journal, what the client will hear of that.
  std::optional<Refusal> submit(const Login& login, const Envelope& envelope, std::string_view message, const char* answer);
  // A refusal in the dialogue, before there was a draft: for the journal alone.
  void write_refused(const Login& login, const std::vector<mail::Address>& recipients, const Refusal& refusal);
  // Every confirmation of retrieve that waits for it; at the level high only. How many.
  std::size_t log_in(const Account& account, demail::AuthLevel level);
  Mailbox& mailbox(const Account& account) { return m_mailboxes[account.name]; }

  // Sends what is due; when it wants to be called again.
  std::optional<base::Timestamp> run();
  // What was held back goes now, shuffled, whether late or not. How many.
  std::size_t flush();

  // Where pushed accounts' messages go: taken from there by next_push() and answered by one of the two below it. Without a
  // target they lie in the mailbox.
  bool has_push_target = false;
  std::optional<Push> next_push();
  void push_done(const Push& push, const std::string& reply);
  void push_refused(const Push& push, const std::string& reply);  // for good: it lies in the mailbox
  void push_failed(Push push, const std::string& why, std::chrono::milliseconds again);

  std::size_t waiting() const { return m_waiting.size() + m_held.size(); }
  std::size_t unpushed() const { return m_pushes.size() + m_under_way; }
  Journal& journal() { return m_journal; }
  base::Timestamp now() const { return m_clock.now(); }

 private:
  struct Arrival {
    std::shared_ptr<const Letter> letter;
    mail::Address recipient;
    std::string received_header;
    base::Timestamp at{};
  };
  struct Waiting {
    Issued issued;
    base::Timestamp due{};
  };
  struct Quota {
    std::chrono::sys_days day{};
    std::size_t messages = 0, recipients = 0;
  };

  std::optional<Refusal> take_quota(const Login& login, const Envelope& envelope);
  void refuse(const Login& login, const Envelope& envelope, const Refusal& refusal, std::string_view message);
  void dispatch(std::shared_ptr<const Letter> letter);
  void deliver(const std::shared_ptr<const Letter>& letter, const mail::Address& recipient);
  void report_malware(const Letter& letter, const mail::Address& recipient, Side issuer);
  void notify(demail::NotificationType why, Side issuer, const Letter& letter, std::string text);
  void confirm(ConfirmationOrder order);
  void send_by_fate(Fate fate, std::vector<Issued> issued);
  void hold(Issued issued);
  void send(const Issued& issued);
  void store(const Account& account, Stored stored, const mail::Address& from, const mail::Address& to);
  void write_issued(const Issued& issued, std::string_view about, Fate fate, const std::vector<mail::Address>& recipients);

  Journal& m_journal;
  const base::Clock& m_clock;
  std::map<std::string, Mailbox> m_mailboxes;
  std::map<std::string, std::vector<Arrival>> m_arrivals;  // by account: what waits for a login
  std::map<std::string, Quota> m_quotas;
  std::deque<Waiting> m_waiting;  // late
  std::vector<Issued> m_held;     // to be shuffled
  std::deque<Push> m_pushes;
  std::size_t m_under_way = 0;
  std::uint64_t m_next_push = 1, m_next_fate = 0, m_next_malware = 0, m_next_letter = 0, m_next_shuffle = 0;
};

}  // namespace simulator
