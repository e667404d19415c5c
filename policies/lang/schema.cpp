#include "policies/lang/schema.hpp"

namespace policies::schema {

std::span<const KeySpec> file() {
  static constexpr KeySpec k_rows[] = {
      {"rule", "tables", "", "at most 2000 in all files", "the rules, in order"},
      {"group", "table of lists", "", "",
       "named lists of addresses, domains or globs, used as `@name`; `{ file = \"…\" }` reads one a line"},
  };
  return k_rows;
}

std::span<const KeySpec> rule() {
  static constexpr KeySpec k_rows[] = {
      {"name", "string", "", "unique, at most 200 bytes", "stands in trails, receipts and refusals"},
      {"when", "table of conditions", "always", "", "all conditions must hold"},
      {"then", "table of settings", "", "", "what the rule fills in, or does"},
  };
  return k_rows;
}

std::span<const KeySpec> conditions() {
  static constexpr KeySpec k_rows[] = {
      {"direction", "word or list", "", "outbound, inbound, internal",
       "where this recipient lies, seen from us; own senders only for outbound and internal"},
      {"department", "glob or list", "", "departments of the config", "department of the sender; nobody's for mail from outside"},
      {"sender", "glob or list", "", "", "address in From; not known at RCPT"},
      {"sender_domain", "glob or list", "", "", "domain of that address; not known at RCPT"},
      {"recipient", "glob or list", "", "", "address of the envelope"},
      {"recipient_domain", "glob or list", "", "`@demail`: a De-Mail address", "its domain"},
      {"group", "`@name` or list", "", "groups of these files", "the recipient's address or his domain is in the group"},
      {"keyword", "glob or list", "", "",
       "a word in brackets at either end of the subject, case and blanks ignored; removed before sending; own senders only"},
      {"header", "table", "", "see below", "a field of the outermost header; own senders only"},
      {"client", "table", "", "see below", "how the message came to us"},
      {"classification", "glob or list", "", "confidential",
       "`Sensitivity: Company-Confidential`, `[vertraulich]` or `[confidential]`; own senders only"},
      {"size", "table", "", "see below", "size of the message as it came"},
      {"attachment", "table", "", "see below",
       "one part with a name, or one that is neither text nor multipart, fulfils all of it"},
      {"signed", "boolean", "", "", "the message bears a signature, good or bad"},
      {"encrypted", "boolean", "", "", "the message is encrypted, or was before we opened it"},
      {"signature", "word or list", "", "none, valid, other, invalid",
       "verdict about an opened message from outside; `other` is valid but not by the From address"},
      {"has_key", "word or list", "", "smime, openpgp", "a usable key of the recipient is known"},
      {"time", "table", "", "see below", "when the decision is made, in the site's time zone"},
      {"not", "table of conditions", "", "", "not all of these hold"},
  };
  return k_rows;
}

std::span<const KeySpec> header() {
  static constexpr KeySpec k_rows[] = {
      {"name", "string", "", "", "name of the field"},
      {"value", "glob or list", "any", "", "its value, unfolded"},
  };
  return k_rows;
}

std::span<const KeySpec> client() {
  static constexpr KeySpec k_rows[] = {
      {"listener", "glob or list", "", "", "address of the listener as in the config"},
      {"account", "glob or list", "", "", "name of the account that logged in"},
      {"certificate", "glob or list", "", "", "name in the client's certificate"},
  };
  return k_rows;
}

std::span<const KeySpec> size() {
  static constexpr KeySpec k_rows[] = {
      {"at_least", "size", "", "1B to 1024GiB", "this size or more"},
      {"at_most", "size", "", "1B to 1024GiB", "this size or less"},
  };
  return k_rows;
}

std::span<const KeySpec> attachment() {
  static constexpr KeySpec k_rows[] = {
      {"type", "glob or list", "", "", "media type, `application/pdf`"},
      {"extension", "glob or list", "", "", "what follows the last dot of the name, without the dot"},
      {"name", "glob or list", "", "", "file name"},
  };
  return k_rows;
}

std::span<const KeySpec> time() {
  static constexpr KeySpec k_rows[] = {
      {"from", "string", "", "\"00:00\" to \"23:59\"", "from this minute; later than `until`: over midnight"},
      {"until", "string", "", "\"00:00\" to \"24:00\"", "before this minute"},
      {"weekday", "word or list", "every day", "mon, tue, wed, thu, fri, sat, sun", "days of the week"},
      {"dates", "string or list", "every day", "\"2026-12-24\" or \"2026-12-24..2026-12-26\"", "days, both ends included"},
  };
  return k_rows;
}

std::span<const KeySpec> settings() {
  static constexpr KeySpec k_rows[] = {
      {"sign", "word", "none", "smime, openpgp, none, keep",
       "outbound: method for mail that is not encrypted; encrypted mail is signed by its own method, if this is not `none`; "
       "`keep` leaves the sender's signature and adds none"},
      {"encrypt", "list of words", "", "smime, openpgp",
       "outbound: methods in order of preference; the first possible one is taken"},
      {"otherwise", "word", "refuse", "refuse, hold, clear, demail",
       "outbound: what happens when no method is possible; only `clear` lets a message leave unencrypted, `demail` refuses all "
       "but De-Mail addresses"},
      {"carrier", "word", "by the address", "smtp, demail",
       "outbound: what carries the message; `demail` refuses recipients whose address is none of De-Mail, and `smtp` has no "
       "effect for those whose address is one"},
      {"demail", "table", "", "see below", "options of a De-Mail, where it becomes one"},
      {"route", "string", "by domain", "routes of the config", "a route by name"},
      {"transport", "word", "the route's", "any, tls, verified, dane",
       "least demand on TLS; the higher of this and the route's holds"},
      {"mark", "table", "", "see below", "inbound: what the department sees"},
      {"strip", "string or list", "", "", "header fields to remove; none that carries the message or its meaning"},
      {"quarantine", "boolean", "false", "", "acts when reached: hold the message until a person decides"},
      {"refuse", "table", "", "see below",
       "acts when reached: refuse, with this text; after acceptance from outside: quarantine"},
      {"receipts", "string", "default", "lower-case letters, digits, `-`", "retention class of the receipts"},
      {"identity", "address", "the sender's", "an address in a domain of ours", "sign as this identity"},
      {"final", "boolean", "false", "", "acts when reached: no later rule is looked at"},
  };
  return k_rows;
}

std::span<const KeySpec> demail() {
  static constexpr KeySpec k_rows[] = {
      {"dispatch", "boolean", "true", "true",
       "Versandbestätigung: the provider confirms that it sent the message; always asked for"},
      {"receipt", "boolean", "true", "", "Eingangsbestätigung: the recipient's provider confirms that it lies in the mailbox"},
      {"retrieve", "boolean", "false", "",
       "Abholbestätigung: it confirms a login after that; for accounts with `retrieve`; makes the message personal"},
      {"authoritative", "boolean", "false", "", "Absenderbestätigt: our provider signs the message; for accounts of level high"},
      {"personal", "boolean", "false", "",
       "Persönlich: only a recipient who logged in at level high can read it; for accounts of level high"},
  };
  return k_rows;
}

std::span<const KeySpec> mark() {
  static constexpr KeySpec k_rows[] = {
      {"subject", "string", "", "at most 60 bytes", "put before the subject, unless a signature covers it"},
      {"header", "table of strings", "", "names that begin with `X-`", "fields to add"},
  };
  return k_rows;
}

std::span<const KeySpec> refuse() {
  static constexpr KeySpec k_rows[] = {
      {"de", "string", "", "at most 400 bytes", "what the sender reads, in German: what happened and what to do"},
      {"en", "string", "", "at most 400 bytes", "the same in English"},
  };
  return k_rows;
}

std::span<const KeySpec> case_file() {
  static constexpr KeySpec k_rows[] = {{"case", "tables", "", "", "the cases"}};
  return k_rows;
}

std::span<const KeySpec> test_case() {
  static constexpr KeySpec k_rows[] = {
      {"name", "string", "", "", "what the case shows"},
      {"message", "table", "", "", "the message and where it came from"},
      {"keys", "table", "none", "address = methods", "usable keys of recipients"},
      {"unknown_keys", "table", "none", "address = methods", "lookups that fail"},
      {"signers", "list of words", "both", "smime, openpgp", "methods for which the sender has an identity; `[]` for none"},
      {"unknown_signers", "list of words", "none", "smime, openpgp", "identities that cannot be looked up"},
      {"demail", "table", "by the config", "", "how this sender reaches this recipient by De-Mail"},
      {"opened", "table", "not opened", "", "what opening found; inbound only"},
      {"expect", "table", "", "", "what must come out; only what is named is compared"},
  };
  return k_rows;
}

std::span<const KeySpec> message() {
  static constexpr KeySpec k_rows[] = {
      {"from", "address", "", "", "From and reverse path"},
      {"to", "address", "", "", "recipient"},
      {"direction", "word", "by the domains", "outbound, inbound, internal", "overrides what the domains of the config say"},
      {"department", "string", "by the config", "", "overrides the department of From"},
      {"subject", "string", "Test", "", "decoded subject"},
      {"headers", "table of strings", "none", "", "more header fields"},
      {"listener", "string", "", "", "address of the listener"},
      {"account", "string", "", "", "account that logged in"},
      {"certificate", "string", "", "", "client certificate"},
      {"size", "size", "2KiB", "1B to 1024GiB", "size of the message"},
      {"attachments", "string or list", "none", "", "file names, or media types where they hold a slash"},
      {"signed", "boolean", "false", "", "comes as multipart/signed"},
      {"encrypted", "boolean", "false", "", "comes as S/MIME enveloped data"},
      {"time", "string", "2026-03-02T09:00:00Z", "UTC", "when it is decided"},
      {"at", "word", "data", "rcpt, data", "`rcpt`: decided before the message is there"},
  };
  return k_rows;
}

std::span<const KeySpec> case_demail() {
  static constexpr KeySpec k_rows[] = {
      {"address", "boolean", "by the config", "", "the recipient's address is one of De-Mail"},
      {"account", "string", "by the config", "", "name of the account that sends for From; `none`: there is none"},
      {"sender", "address", "by the config; else From", "", "De-Mail address of the sender"},
      {"high", "boolean", "by the config", "", "the account is of level high"},
      {"retrieve", "boolean", "by the config", "", "the account may ask for retrieve confirmations"},
      {"ended", "boolean", "by the config", "", "the account's last day is over"},
  };
  return k_rows;
}

std::span<const KeySpec> opened() {
  static constexpr KeySpec k_rows[] = {
      {"encrypted", "boolean", "false", "", "was encrypted to us"},
      {"signature", "word", "none", "none, valid, other, invalid", "verdict about its signature"},
  };
  return k_rows;
}

std::span<const KeySpec> expect() {
  static constexpr KeySpec k_rows[] = {
      {"outcome", "word", "deliver", "deliver, refuse, hold, later", "what happens; compared also where it is not named"},
      {"reason", "string", "", "names of docs/policy.md", "why it is not delivered"},
      {"rule", "string", "", "", "the rule that decided"},
      {"encrypt", "word", "", "smime, openpgp, none", "method taken"},
      {"sign", "word", "", "smime, openpgp, none, keep", "signature made or kept"},
      {"clear", "boolean", "", "", "leaves in clear"},
      {"route", "string", "", "", "route named by a rule"},
      {"transport", "word", "", "any, tls, verified, dane", "floor named by a rule"},
      {"mark", "string", "", "", "prefix of the subject"},
      {"carrier", "word", "", "smtp, demail", "what carries the message"},
      {"demail", "string or list", "", "dispatch, receipt, retrieve, authoritative, personal",
       "options of the De-Mail, all of them"},
      {"demail_account", "string", "", "", "the account that sends it"},
  };
  return k_rows;
}

std::span<const KeySpec> legal_file() {
  static constexpr KeySpec k_rows[] = {{"effect", "tables", "", "", "the entries"}};
  return k_rows;
}

std::span<const KeySpec> legal_effect() {
  static constexpr KeySpec k_rows[] = {
      {"key", "string", "", "unique", "its name in receipts"},
      {"carrier", "word or list", "", "demail, smime, openpgp, tls", "the channels that it speaks of"},
      {"options", "word or list", "none", "options of De-Mail", "only for a De-Mail that asked for all of these"},
      {"from", "string", "always", "a day", "first day on which it holds"},
      {"until", "string", "for ever", "a day", "last day on which it holds"},
      {"sure", "word", "", "confirmed, likely, open", "how well it is established"},
      {"source", "string", "", "", "where it stands"},
      {"effect_de", "string", "", "", "the effect, in German"},
      {"effect_en", "string", "", "", "the same in English"},
  };
  return k_rows;
}

}  // namespace policies::schema
