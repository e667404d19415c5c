#include "gateway/pipeline/reply_table.hpp"

#include <array>

namespace pipeline {
namespace {

constexpr std::array k_rows = {
    ReplyRow{Refusal::relay_denied, 550, "5.7.1", Kind::permanent, "relay_denied", "{who} liegt nicht in unserer Zuständigkeit; diese Mail wird nicht weitergeleitet.",
             "{who} is not ours and you may not relay."},
    ReplyRow{Refusal::own_domain_from_outside, 550, "5.7.1", Kind::permanent, "own_domain_from_outside",
             "{who} ist eine unserer Adressen; solche Mail nehmen wir von außen nicht an.", "{who} is an address of ours and does not send from outside."},
    ReplyRow{Refusal::sender_not_yours, 550, "5.7.1", Kind::permanent, "sender_not_yours", "Der Absender {who} gehört nicht zu diesem Konto oder dieser Dienststelle.",
             "The sender {who} does not belong to this account or department."},
    ReplyRow{Refusal::from_not_yours, 550, "5.7.1", Kind::permanent, "from_not_yours", "Die Adresse {who} im Feld From gehört nicht zu diesem Konto oder dieser Dienststelle.",
             "The address {who} in From does not belong to this account or department."},
    ReplyRow{Refusal::two_departments, 550, "5.7.1", Kind::permanent, "two_departments", "Absender und From gehören zu zwei verschiedenen Dienststellen ({who}).",
             "Reverse path and From belong to two departments ({who})."},
    ReplyRow{Refusal::client_not_allowed, 554, "5.7.1", Kind::permanent, "client_not_allowed", "{who} darf hier keine Mail einliefern.", "{who} may not send mail here."},
    ReplyRow{Refusal::unknown_recipient, 550, "5.1.1", Kind::permanent, "unknown_recipient", "{who} gibt es hier nicht.", "{who} does not exist here."},
    ReplyRow{Refusal::recipient_unchecked, 451, "4.4.1", Kind::temporary, "recipient_unchecked",
             "Ob es {who} gibt, konnte gerade nicht geprüft werden. Bitte später erneut senden.", "Whether {who} exists could not be checked right now. Please try again later."},
    ReplyRow{Refusal::no_route, 451, "4.3.5", Kind::internal, "no_route", "Für {who} ist kein Weg eingerichtet; bitte die Administration verständigen.",
             "No route is configured for {who}; please tell the administrators."},
    ReplyRow{Refusal::no_from, 550, "5.6.0", Kind::permanent, "no_from", "Die Nachricht hat keine Absenderangabe (From).", "The message has no From."},
    ReplyRow{Refusal::several_from, 550, "5.6.0", Kind::permanent, "several_from", "Die Nachricht nennt mehrere Absender (From); erlaubt ist genau einer.",
             "The message names several senders in From; exactly one is allowed."},
    ReplyRow{Refusal::malformed_from, 550, "5.6.0", Kind::permanent, "malformed_from", "Die Absenderangabe (From) ist nicht lesbar.", "The From field cannot be read."},
    ReplyRow{Refusal::malformed_header, 550, "5.6.0", Kind::permanent, "malformed_header", "Der Kopf der Nachricht enthält eine Zeile, die kein Feld ist.",
             "The header holds a line that is no field."},
    ReplyRow{Refusal::header_too_large, 552, "5.3.4", Kind::permanent, "header_too_large", "Der Kopf der Nachricht ist zu groß.", "The header of the message is too large."},
    ReplyRow{Refusal::too_many_keywords, 550, "5.6.0", Kind::permanent, "too_many_keywords",
             "Der Betreff enthält mehr als 64 Wörter in Klammern; was dahinter steht, würde nicht beachtet. Bitte den Betreff kürzen.",
             "The subject holds more than 64 words in brackets; what stands behind them would not be heeded. Please shorten it."},
    ReplyRow{Refusal::loop, 554, "5.4.6", Kind::permanent, "loop", "Die Nachricht läuft im Kreis.", "The message loops."},
    ReplyRow{Refusal::cannot_be_signed, 550, "5.6.3", Kind::permanent, "cannot_be_signed",
             "Die Nachricht enthält 8-Bit-Inhalt, der nicht umgewandelt werden darf; sie kann so nicht signiert werden. Bitte den Anhang anders senden.",
             "The message holds 8-bit content that must not be converted, so it cannot be signed. Please send the attachment differently."},
    ReplyRow{Refusal::no_rule, 550, "5.7.1", Kind::policy, "no_rule", "Für {who} erlaubt keine Regel den Versand. Bitte die Administration verständigen.",
             "No rule allows sending to {who}. Please tell the administrators."},
    ReplyRow{Refusal::no_key, 550, "5.7.1", Kind::policy, "no_key",
             "Für {who} ist kein brauchbarer Schlüssel bekannt; die Regel \"{rule}\" verlangt Verschlüsselung. Die Nachricht wurde nicht gesendet. Bitte um ein "
             "Zertifikat oder einen Schlüssel bitten oder einen anderen Weg wählen.",
             "No usable key is known for {who}; the rule \"{rule}\" demands encryption. Nothing was sent. Please ask for a certificate or key or choose another way."},
    ReplyRow{Refusal::by_rule, 550, "5.7.1", Kind::policy, "by_rule", "Die Regel \"{rule}\" verbietet den Versand an {who}.", "The rule \"{rule}\" forbids sending to {who}."},
    ReplyRow{Refusal::unknown_lookup, 451, "4.7.5", Kind::temporary, "unknown_lookup",
             "Für {who} konnte gerade nicht geprüft werden, ob ein Schlüssel vorliegt. Bitte später erneut senden.",
             "Whether a key exists for {who} could not be checked right now. Please try again later."},
    ReplyRow{Refusal::no_signing_identity, 550, "5.7.1", Kind::policy, "no_signing_identity", "Für den Absender gibt es kein Zertifikat, mit dem die Regel \"{rule}\" signieren könnte.",
             "There is no certificate for the sender that the rule \"{rule}\" could sign with."},
    ReplyRow{Refusal::demail_no_account, 550, "5.7.1", Kind::policy, "demail_no_account",
             "Für {who} ist De-Mail der Weg, und kein De-Mail-Konto sendet für diesen Absender. Als Internetmail geht eine De-Mail nie hinaus; es wurde nichts gesendet. Bitte die "
             "Administration um ein Konto bitten oder einen anderen Weg wählen: eine verschlüsselte Mail an die Internetadresse des Empfängers, ein Portal oder einen Brief.",
             "{who} is to be reached by De-Mail, and no De-Mail account sends for this sender. A De-Mail never leaves as Internet mail; nothing was sent. Please ask the "
             "administrators for an account or choose another way: encrypted mail to the recipient's Internet address, a portal or a letter."},
    ReplyRow{Refusal::demail_not_reachable, 550, "5.7.1", Kind::policy, "demail_not_reachable",
             "{who} ist keine De-Mail-Adresse, die Nachricht ist aber als De-Mail gedacht. Als Internetmail geht eine De-Mail nie hinaus; es wurde nichts gesendet. Bitte die "
             "De-Mail-Adresse des Empfängers verwenden oder die Nachricht ohne die De-Mail-Wörter im Betreff an Internetadressen senden; sonst ein Portal oder einen Brief wählen.",
             "{who} is no De-Mail address, but the message is meant as De-Mail. A De-Mail never leaves as Internet mail; nothing was sent. Please use the recipient's De-Mail "
             "address, or send the message to Internet addresses without the words of De-Mail in its subject; otherwise choose a portal or a letter."},
    ReplyRow{Refusal::demail_not_allowed, 550, "5.7.1", Kind::policy, "demail_not_allowed",
             "Die verlangte De-Mail-Option an {who} darf dieses Konto nicht setzen: Absenderbestätigt, Persönlich und Abholbestätigung verlangen die Anmeldung \"hoch\", die "
             "Abholbestätigung außerdem eine Berechtigung. Es wurde nichts gesendet. Bitte die Option weglassen oder die Administration verständigen.",
             "This account may not ask for the De-Mail option wanted for {who}: confirmed by sender, personal and collection confirmation need the level \"high\", the last one a "
             "permission as well. Nothing was sent. Please leave the option out or tell the administrators."},
    ReplyRow{Refusal::demail_ended, 550, "5.7.1", Kind::policy, "demail_ended",
             "De-Mail an {who} ist nicht mehr möglich: der letzte Tag des De-Mail-Kontos ist vorbei. Es wurde nichts gesendet. Bitte einen anderen Weg wählen: eine "
             "verschlüsselte Mail an die Internetadresse des Empfängers, ein Behördenpostfach oder Portal, oder einen Brief.",
             "De-Mail to {who} is no longer possible: the last day of the De-Mail account is over. Nothing was sent. Please choose another way: encrypted mail to the "
             "recipient's Internet address, an official mailbox or portal, or a letter."},
    ReplyRow{Refusal::disk_full, 452, "4.3.1", Kind::temporary, "disk_full", "Der Speicher ist voll. Bitte später erneut senden.", "The disk is full. Please try again later."},
    ReplyRow{Refusal::store_failed, 451, "4.3.0", Kind::internal, "store_failed", "Die Nachricht konnte nicht gespeichert werden. Bitte später erneut senden.",
             "The message could not be stored. Please try again later."},
    ReplyRow{Refusal::internal, 451, "4.3.0", Kind::internal, "internal", "Ein interner Fehler ist aufgetreten. Bitte später erneut senden.",
             "An internal error occurred. Please try again later."},
};

std::string fill(const char* text, const std::string& who, const std::string& rule) {
  std::string out = text;
  for (const auto& [mark, value] : {std::pair<const char*, const std::string&>{"{who}", who}, {"{rule}", rule}}) {
    const auto at = out.find(mark);
    if (at != std::string::npos) out.replace(at, std::char_traits<char>::length(mark), value);
  }
  return out;
}

}  // namespace

const ReplyRow& row_of(Refusal refusal) {
  for (const ReplyRow& row : k_rows)
    if (row.refusal == refusal) return row;
  return k_rows.back();
}

Refusal refusal_of(policies::Reason reason) {
  switch (reason) {
    case policies::Reason::none:
    case policies::Reason::no_rule: return Refusal::no_rule;
    case policies::Reason::no_key: return Refusal::no_key;
    case policies::Reason::refused_by_rule:
    case policies::Reason::held_by_rule:
    case policies::Reason::quarantined: return Refusal::by_rule;
    case policies::Reason::lookup_unknown: return Refusal::unknown_lookup;
    case policies::Reason::no_signing_identity: return Refusal::no_signing_identity;
    case policies::Reason::demail_no_account: return Refusal::demail_no_account;
    case policies::Reason::demail_not_reachable: return Refusal::demail_not_reachable;
    case policies::Reason::demail_not_allowed: return Refusal::demail_not_allowed;
    case policies::Reason::demail_ended: return Refusal::demail_ended;
  }
  return Refusal::internal;
}

std::string german_text(Refusal refusal, const std::string& who, const std::string& rule) { return fill(row_of(refusal).german, who, rule); }
std::string english_text(Refusal refusal, const std::string& who, const std::string& rule) { return fill(row_of(refusal).english, who, rule); }

smtp::Reply reply_for_own(Refusal refusal, const std::string& who, const std::string& rule, const std::string& language) {
  const ReplyRow& row = row_of(refusal);
  std::string first = german_text(refusal, who, rule), second = english_text(refusal, who, rule);
  if (language == "en") std::swap(first, second);
  return {row.code, row.enhanced, std::vector<std::string>{first, second}};
}

smtp::Reply reply_for_stranger(Refusal refusal) {
  const ReplyRow& row = row_of(refusal);
  switch (row.kind) {
    case Kind::temporary:
    case Kind::internal: return {row.code, row.enhanced, "Temporary trouble, please try again later"};
    case Kind::policy: return {row.code, row.enhanced, "Message refused by local policy"};
    case Kind::permanent: break;
  }
  switch (refusal) {
    case Refusal::unknown_recipient: return {row.code, row.enhanced, "No such recipient"};
    case Refusal::header_too_large: return {row.code, row.enhanced, "Header too large"};
    case Refusal::loop: return {row.code, row.enhanced, "Too many hops"};
    default: return {row.code, row.enhanced, "Not accepted here"};
  }
}

std::vector<std::string> decision_lines(const policies::PolicyDecision& decision, const std::string& who, const std::string& language) {
  const Refusal refusal = refusal_of(decision.reason);
  std::string german = german_text(refusal, who, decision.rule), english = english_text(refusal, who, decision.rule);
  if (!decision.text_de.empty()) german = who + ": " + decision.text_de;
  if (!decision.text_en.empty()) english = who + ": " + decision.text_en;
  if (language == "en") std::swap(german, english);
  return {german, english};
}

}  // namespace pipeline
