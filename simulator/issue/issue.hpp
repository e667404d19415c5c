// Promise: confirmations and notifications as whole De-Mails: multipart/mixed with the XML (signed by XML-DSig) and a PDF of
// equal content (signed by CMS), the header sealed with the provider's signature; and forged ones that are forged in exactly
// one way. Standard: BSI TR 01201 part 3.4 v1.8, sections 3.4.1 and 3.5.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "simulator/issue/document.hpp"
#include "simulator/model/misbehaviour.hpp"
#include "simulator/sign/pki.hpp"

namespace simulator {

struct IssueSettings {
  Hash hash = Hash::sha256;
  Scheme scheme = Scheme::rsassa_pss;  // of signatures; never none
  const Pki* pki = nullptr;
};

// A message of a provider, as it goes.
struct Issued {
  Side side = Side::a;
  demail::MessageType type = demail::MessageType::dispatch;
  std::string id, private_id, header, body;
  std::string private_id_field;   // raw
  mail::Address from;             // its system address
  std::vector<mail::Address> to;  // who gets it: the sender of the original first
  bool is_personal = false;
};

struct ConfirmationOrder {
  demail::MessageType type = demail::MessageType::dispatch;
  Side issuer = Side::a;
  const Letter* letter = nullptr;
  std::string received_header;            // the letter's, with Envelope-to where it has been received
  std::vector<mail::Address> recipients;  // whom it is about
  base::Timestamp now{};
  std::optional<base::Timestamp> delivered;  // of a confirmation of retrieve
  Fate fate = Fate::good;                    // how it is to be made; late, lost and doubled are made well
};
base::Result<Issued> issue_confirmation(const IssueSettings& settings, const ConfirmationOrder& order);

struct NotificationOrder {
  demail::MessageType type = demail::MessageType::notification;  // or malware_notification
  demail::NotificationType why = demail::NotificationType::other;
  Side issuer = Side::a;
  std::string private_id, private_id_field, subject;  // of the message that it is about
  std::string text;
  std::vector<mail::Address> to;
  base::Timestamp now{};
};
base::Result<Issued> issue_notification(const IssueSettings& settings, const NotificationOrder& order);

}  // namespace simulator
