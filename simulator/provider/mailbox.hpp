// Promise: what lies in an account's mailbox, by UIDs that are never used again (RFC 3501 section 2.3.1.1).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "demail/model/fields.hpp"

namespace simulator {

struct Stored {
  std::uint32_t uid = 0;
  std::string id, bytes;  // whole, with Envelope-to
  base::Timestamp arrived{};
  std::set<std::string> flags;  // "\\Seen", "\\Deleted", keywords
  bool is_personal = false;     // shown after a login at the level high only
  bool is_kept = false;         // asked for a confirmation of receipt or retrieve: not deleted at the level normal for 90 days
};

class Mailbox {
 public:
  std::uint32_t uid_validity = 1;

  std::uint32_t add(Stored message) {
    message.uid = m_next++;
    m_messages.push_back(std::move(message));
    return m_messages.back().uid;
  }
  std::uint32_t next_uid() const { return m_next; }
  const std::vector<Stored>& messages() const { return m_messages; }
  // Null once it is gone.
  Stored* find(std::uint32_t uid) {
    for (Stored& m : m_messages)
      if (m.uid == uid) return &m;
    return nullptr;
  }
  void remove(std::uint32_t uid) {
    std::erase_if(m_messages, [&](const Stored& m) { return m.uid == uid; });
  }
  bool may_delete(const Stored& message, demail::AuthLevel level, base::Timestamp now) const {
    return !message.is_kept || level == demail::AuthLevel::high || now >= message.arrived + std::chrono::days(90);
  }
  // What that login may see.
  static bool is_visible(const Stored& message, demail::AuthLevel level) {
    return !message.is_personal || level == demail::AuthLevel::high;
  }

 private:
  std::uint32_t m_next = 1;
  std::vector<Stored> m_messages;
};

}  // namespace simulator
