// Promise: as much of a POP3 server as a program needs that fetches mail: without I/O. Messages that only a login at the level
// high may read are not there for others; what is marked goes at QUIT and not before.
// Standard: RFC 1939; RFC 2449 (CAPA), RFC 5034 (AUTH).
#pragma once

#include <set>
#include <vector>

#include "simulator/doors/mail_session.hpp"

namespace simulator {

class Pop3 : public MailEngine {
 public:
  Pop3(World& world, Side side, const Account* shown) : m_world(world), m_side(side), m_shown(shown) {}
  std::string greeting() override;
  std::string feed(std::string_view bytes) override;
  bool is_over() const override { return m_over; }

 private:
  std::string act(std::string_view line);
  std::string before_login(const std::string& verb, std::string_view argument);
  std::string transaction(const std::string& verb, std::string_view argument);
  std::string logged_in(std::optional<MailboxLogin> login);
  std::string list(const std::string& verb, std::string_view argument);
  std::string retrieve(std::string_view argument, bool top);
  std::string mark(std::string_view argument);
  std::string quit();
  Stored* find(std::string_view number);  // null: no such message, or marked
  Mailbox& box() { return m_world.mailbox(*m_login->account); }

  World& m_world;
  Side m_side;
  const Account* m_shown;
  std::optional<MailboxLogin> m_login;
  std::string m_in, m_user;
  bool m_sasl = false, m_over = false;
  std::vector<std::uint32_t> m_view;  // UIDs by number
  std::set<std::uint32_t> m_marked;
};

}  // namespace simulator
