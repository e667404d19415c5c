// Promise: as much of an IMAP server as a program needs that fetches mail from one folder, INBOX: without I/O. Messages that
// only a login at the level high may read are not there for others.
// Standard: RFC 3501; RFC 4315 (UID EXPUNGE), RFC 4959 (SASL-IR).
#pragma once

#include <vector>

#include "simulator/doors/mail_session.hpp"

namespace simulator {

// A command line, its literals in place: words, quoted strings and literals without their wrapping, lists with it.
struct ImapCommand {
  std::string tag, name;  // name in upper case, "UID " in front of such a command's
  std::vector<std::string> arguments;
};
std::optional<ImapCommand> parse_imap(std::string_view line);

class Imap : public MailEngine {
 public:
  Imap(World& world, Side side, const Account* shown) : m_world(world), m_side(side), m_shown(shown) {}
  std::string greeting() override;
  std::string feed(std::string_view bytes) override;
  bool is_over() const override { return m_over; }

 private:
  // What one name does with its arguments; its answer without the tag: "OK …".
  std::string act(const ImapCommand& command);
  std::string any_state(const ImapCommand& command);
  std::string authenticate(const ImapCommand& command);
  std::string logged_in(std::optional<MailboxLogin> login);
  std::string select(const ImapCommand& command);
  std::string status(const ImapCommand& command);
  std::string search(const ImapCommand& command, bool by_uid);
  std::string fetch(const ImapCommand& command, bool by_uid);
  std::string store(const ImapCommand& command, bool by_uid);
  std::string expunge(const std::optional<std::vector<std::size_t>>& only);
  std::string fetch_one(std::size_t at, std::string_view items, bool by_uid, bool& known);
  void refresh(bool with_removals);
  // Indices into m_view, in order. nullopt: no set.
  std::optional<std::vector<std::size_t>> find_set(std::string_view set, bool by_uid) const;
  Mailbox& box() { return m_world.mailbox(*m_login->account); }

  World& m_world;
  Side m_side;
  const Account* m_shown;
  std::optional<MailboxLogin> m_login;
  bool m_selected = false, m_read_only = false, m_over = false;
  std::vector<std::uint32_t> m_view;  // UIDs by sequence number
  std::string m_in, m_out;
  std::optional<std::string> m_sasl;  // the tag of an AUTHENTICATE that waits for its answer
  std::size_t m_literal = 0;          // bytes of m_in, from its start, that are a command up to and with its last literal
};

}  // namespace simulator
