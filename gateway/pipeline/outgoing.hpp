// Promise: what may leave, as types. An external route takes an ExternalMail and nothing else, and each of its five cases is
// made in one place that holds its proof: encrypted by us, encrypted by the sender, a notice of our own without foreign
// content, cleared for plaintext by a named rule, or a De-Mail for its carrier. Mail to our own mailboxes is another type with another door.
#pragma once

#include <variant>

#include "crypto/protect/protect.hpp"
#include "gateway/pipeline/errors.hpp"
#include "gateway/pipeline/record.hpp"

namespace pipeline {

// Encrypted by us; a Protected that is only signed is none.
class EncryptedByUs {
 public:
  static base::Result<EncryptedByUs> of(const crypto::Protected& made) {
    if (!made.report().encrypted) return base::fail(k_not_allowed, "signed only, not encrypted");
    return EncryptedByUs(made.content());
  }
  const base::ContentPtr& content() const { return m_content; }

 private:
  explicit EncryptedByUs(base::ContentPtr content) : m_content(std::move(content)) {}
  base::ContentPtr m_content;
};

// Holds nothing of anybody else's content.
class OwnNotice {
 public:
  static base::Result<OwnNotice> of(const MessageRecord& record, base::ContentPtr content) {
    if (!record.own_notice) return base::fail(k_not_allowed, "not a notice of ours");
    return OwnNotice(std::move(content));
  }
  const base::ContentPtr& content() const { return m_content; }

 private:
  explicit OwnNotice(base::ContentPtr content) : m_content(std::move(content)) {}
  base::ContentPtr m_content;
};

// In clear (perhaps signed), because a rule said so.
class ClearedForPlaintext {
 public:
  ClearedForPlaintext(const policies::PlaintextPermit& permit, base::ContentPtr content) : m_rule(permit.rule()), m_content(std::move(content)) {}
  const std::string& rule() const { return m_rule; }
  const base::ContentPtr& content() const { return m_content; }

 private:
  std::string m_rule;
  base::ContentPtr m_content;
};

// A De-Mail: its carrier protects it, and no other way does. Only a route of that kind takes one, and it takes nothing else.
class ProtectedByCarrier {
 public:
  ProtectedByCarrier(const policies::DeMailChoice& choice, base::ContentPtr content) : m_account(choice.account), m_content(std::move(content)) {}
  const std::string& account() const { return m_account; }
  const base::ContentPtr& content() const { return m_content; }

 private:
  std::string m_account;
  base::ContentPtr m_content;
};

using ExternalMail = std::variant<EncryptedByUs, crypto::ProtectedBySender, OwnNotice, ClearedForPlaintext, ProtectedByCarrier>;

// For our own mailboxes: the original, or what was opened and marked.
struct MailboxMail {
  base::ContentPtr content;
};

using Outgoing = std::variant<ExternalMail, MailboxMail>;

}  // namespace pipeline
