#include "gateway/config/schema.hpp"

#include <algorithm>

namespace config::schema {

std::span<const KeySpec> top() {
  static constexpr KeySpec k_rows[] = {
      {"include", "string or list", "none", "whole files, relative to this one",
       "further config files; only the main file includes"},
      {"site", "table", "", "", "this gateway"},
      {"store", "table", "", "", "where messages and receipts are kept"},
      {"secrets", "table", "", "", "where the secrets lie"},
      {"tls", "tables by name", "none", "", "certificates for listeners"},
      {"listener", "tables", "", "at least one", "where mail comes in"},
      {"domain", "tables", "", "at least one", "mail domains of ours"},
      {"department", "tables", "none", "", "who sends"},
      {"identity", "tables", "none", "", "whose keys are ours"},
      {"route", "tables", "", "at least one", "where mail goes; the first that matches"},
      {"demail", "table", "", "", "which addresses are De-Mail, and how long its confirmations may take"},
      {"demail_account", "tables", "none", "", "our accounts at providers of De-Mail"},
      {"limits", "table", "", "", "bounds on what peers may cost"},
      {"retry", "table", "", "", "when to try again and when to give up"},
      {"trust", "table", "", "", "whom we believe"},
      {"openpgp", "table", "", "", "how gpg is run"},
      {"dns", "table", "", "", "whom we ask for names; read at start"},
      {"reports", "table", "", "", "who hears of this gateway once a day"},
  };
  return k_rows;
}

std::span<const KeySpec> site() {
  static constexpr KeySpec k_rows[] = {
      {"hostname", "domain", "", "",
       "name in greetings, Received and Authentication-Results; the TLS certificates should hold it"},
      {"node", "string", "a", "letters, digits, `-`; at most 32", "tells several gateways of one site apart in receipts"},
      {"timezone", "string", "Europe/Berlin", "a name of the zone database",
       "zone of times that people read, and of `when.time`"},
      {"language", "word", "de", "de, en", "language of texts for people where no department has one"},
      {"partial", "word", "refuse", "refuse, split, hold",
       "where a rule refuses some recipients of a message of ours: refuse it for all; take it for the others and report these; hold it for these"},
      {"state_directory", "path", "/var/lib/amtsbote", "", "queue, log and keys; belongs to the daemon alone"},
      {"policies", "path", "policies", "", "directory of the policy files; its `tests/` holds their cases"},
      {"control", "path", "/run/amtsbote/control", "", "socket of the administrators' commands"},
      {"audit", "path", "/run/amtsbote/auditors/socket", "", "socket of the auditors' commands; its group is that of its directory if this has the setgid bit"},
  };
  return k_rows;
}

std::span<const KeySpec> store() {
  static constexpr KeySpec k_rows[] = {
      {"kind", "word", "sqlite", "sqlite", "kind of store; lies in the state directory"},
      {"free_space", "size", "512MiB", "16MiB to 1024GiB", "below this, MAIL is answered with 452 until there is room again"},
  };
  return k_rows;
}

std::span<const KeySpec> secrets() {
  static constexpr KeySpec k_rows[] = {
      {"seal", "secret", "", "32 bytes", "root key of everything at rest; without it nothing stored can be read"},
      {"log", "secret", "", "32 bytes", "Ed25519 seed that signs the receipt log"},
      {"openpgp", "secret", "none", "", "passphrase of the OpenPGP secret keys"},
  };
  return k_rows;
}

std::span<const KeySpec> openpgp() {
  static constexpr KeySpec k_rows[] = {
      {"program", "path", "the gpg that GPGME finds", "", "the gpg to run"},
      {"deadline", "duration", "60s", "1s to 1h", "an operation that takes longer is given up, its gpg ended, and the message tried again later"},
  };
  return k_rows;
}

std::span<const KeySpec> secret() {
  static constexpr KeySpec k_rows[] = {
      {"credential", "string", "", "", "name of a systemd credential"},
      {"file", "path", "", "mode 0400", "a file that only the daemon's user can read; beside a credential it is for commands and starts outside the unit"},
  };
  return k_rows;
}

std::span<const KeySpec> tls() {
  static constexpr KeySpec k_rows[] = {
      {"certificate", "path", "", "PEM", "certificate, followed by its chain"},
      {"key", "secret", "", "PEM", "its private key"},
      {"client_anchors", "path", "none", "PEM", "root certificates that client certificates of relays must reach"},
  };
  return k_rows;
}

std::span<const KeySpec> listener() {
  static constexpr KeySpec k_rows[] = {
      {"role", "word", "", "submission, relay, mx, https, demail, metrics",
       "users who log in; the internal mail server; the Internet; the API for business systems; the provider of De-Mail; monitoring"},
      {"address", "host:port", "", "an IP address", "where to listen; `[::]:587` takes IPv4 too"},
      {"tls", "string", "none", "a name under `tls`",
       "certificate for STARTTLS or https; compulsory for submission and demail, and for relay and https unless on loopback"},
      {"implicit_tls", "boolean", "false", "", "TLS from the first byte (RFC 8314)"},
      {"networks", "string or list", "none", "CIDR",
       "relay, metrics: who may connect; mx: who may use sender addresses of our own domains"},
      {"proxy_networks", "string or list", "none", "CIDR",
       "load balancers: their connections must begin with a PROXY header of version 2, and who it names is the peer"},
      {"client_certificates", "string or list", "none", "", "relay, https, demail: names of client certificates that may connect"},
      {"departments", "string or list", "", "ids of departments", "relay, and https by certificate: whose sender addresses may be used here"},
      {"accounts", "string or list", "all", "names of accounts", "demail: whose De-Mails are taken here"},
  };
  return k_rows;
}

std::span<const KeySpec> domain() {
  static constexpr KeySpec k_rows[] = {
      {"name", "domain", "", "", "a mail domain of ours; umlauts are converted"},
      {"route", "string", "by `route.to`", "a route", "where its mail goes"},
      {"recipients", "list or table", "every address", "", "addresses that exist; others are refused in the dialogue"},
  };
  return k_rows;
}

std::span<const KeySpec> recipients() {
  static constexpr KeySpec k_rows[] = {
      {"file", "path", "none", "one address a line, `#` begins a comment", "the list in a file"},
      {"probe", "boolean", "false", "", "ask the server of the route at RCPT, or for a message by HTTPS; while it gives no answer, neither do we: 451, 503"},
      {"known", "duration", "1h", "1s to 7d", "how long its yes is remembered"},
      {"absent", "duration", "5m", "1s to 1d", "how long its no is remembered"},
  };
  return k_rows;
}

std::span<const KeySpec> department() {
  static constexpr KeySpec k_rows[] = {
      {"id", "string", "", "lower-case letters, digits, `-`, `_`, `.`; at most 64", "name in policies and receipts"},
      {"addresses", "string or list", "", "addresses or globs in own domains", "sender addresses of this department"},
      {"language", "word", "the site's", "de, en", "language of refusals and notices"},
      {"notify", "word", "none", "none, sent", "`sent`: a notice for each message, how it left for each recipient"},
  };
  return k_rows;
}

std::span<const KeySpec> identity() {
  static constexpr KeySpec k_rows[] = {
      {"addresses", "string or list", "", "addresses in own domains", "who signs and decrypts with these keys, and with no others"},
      {"smime", "string or list", "none", "16 digits at least", "S/MIME keys by fingerprint, as `keys list` shows it: the first signs, all decrypt"},
      {"openpgp", "string or list", "none", "16 digits at least", "OpenPGP keys by fingerprint: the first signs, all decrypt"},
  };
  return k_rows;
}

std::span<const KeySpec> route() {
  static constexpr KeySpec k_rows[] = {
      {"name", "string", "", "unique", "name in policies and in the log"},
      {"to", "glob or list", "", "domains", "recipient domains; the first route that matches is taken"},
      {"smtp", "host:port or `mx`", "", "", "next hop by SMTP, or by the MX records of the domain"},
      {"lmtp", "host:port or `unix:` and a path", "", "", "next hop by LMTP"},
      {"transport", "word", "verified; any on loopback and sockets", "any, tls, verified, dane",
       "least demand on TLS; `verified` and `dane` are not possible with `mx` yet"},
      {"implicit_tls", "boolean", "false", "", "TLS from the first byte at the next hop"},
      {"account", "string", "none", "", "name to log in with at the next hop"},
      {"password", "secret", "none", "", "its password; sent over verified TLS only"},
      {"client_certificate", "path", "none", "PEM", "certificate with its chain that is shown to the next hop"},
      {"client_key", "secret", "none", "PEM", "its private key"},
      {"trial_port", "number", "25", "1 to 65535", "for trials: an `mx` route reaches its hosts on this port, and on loopback too"},
  };
  return k_rows;
}

std::span<const KeySpec> demail() {
  static constexpr KeySpec k_rows[] = {
      {"domains", "glob or list", "none", "domains",
       "domains of De-Mail beside those that are known: `de-mail.de`, `*.de-mail.de`, `fp-demail.de`, `*.fp-demail.de`"},
      {"anchors", "path", "", "PEM", "authorities that the providers' signatures must reach; compulsory with an account"},
      {"overdue", "duration", "8h", "1s to 30d", "without the confirmations that were asked for, this long after it was sent, the sender hears of it"},
      {"uncertain", "duration", "30m", "1s to 30d", "without a sign of a De-Mail whose outcome is not known, this long, a person must decide"},
      {"retrieve", "duration", "90d", "1s to 365d", "a De-Mail that was received and not retrieved, this long, counts as delivered without that"},
      {"max_size", "size", "20MiB", "64KiB to 1GiB", "net size of a De-Mail"},
  };
  return k_rows;
}

std::span<const KeySpec> demail_account() {
  static constexpr KeySpec k_rows[] = {
      {"name", "string", "", "lower-case letters, digits, `-`, `_`, `.`; at most 64; not `none`", "name in policies, receipts and the log"},
      {"provider", "domain", "", "a domain of De-Mail", "the provider's; its system addresses confirm"},
      {"smtp", "host:port", "", "", "where the provider takes De-Mails, over verified TLS"},
      {"implicit_tls", "boolean", "false", "", "TLS from the first byte there"},
      {"client_certificate", "path", "none", "PEM", "certificate with its chain that is shown there"},
      {"client_key", "secret", "none", "PEM", "its private key"},
      {"user", "string", "none", "", "name to log in with there"},
      {"password", "secret", "none", "", "its password"},
      {"level", "word", "normal", "normal, high", "level of this login; `high` needs a client certificate"},
      {"retrieve", "boolean", "false", "", "may ask for retrieve confirmations: for bodies that serve documents formally, with level high"},
      {"domains", "string or list", "", "domains of De-Mail", "of our De-Mail addresses at this account"},
      {"addresses", "table", "", "address = De-Mail address", "who of us writes as which address, and gets what comes for it; `\"*@domain\"` stands for everybody of a domain"},
      {"default_mailbox", "address", "", "in a domain of ours", "gets what comes for an address that no line names"},
      {"valid_until", "string", "2026-12-31", "a day", "last day on which a new De-Mail is taken, in Germany; what is under way goes on"},
      {"messages_a_day", "number", "100; none with level high", "1 to 1000000", "most messages in a day; what is beyond waits for the next"},
      {"recipients_a_day", "number", "300; none with level high", "1 to 1000000", "most recipients in a day; what is beyond waits for the next"},
      {"poll", "string", "none", "`imaps://host:port/MAILBOX` or `pop3s://host:port`", "where incoming De-Mails and confirmations lie; each is taken once, none is removed"},
      {"poll_user", "string", "", "", "name to log in with there"},
      {"poll_password", "secret", "", "", "its password"},
      {"poll_every", "duration", "1m", "1s to 1d", "wait between two looks"},
  };
  return k_rows;
}

std::span<const KeySpec> trust() {
  static constexpr KeySpec k_rows[] = {
      {"tls_anchors", "path", "none", "PEM", "root certificates for verified TLS to next hops; none: the system's"},
  };
  return k_rows;
}

std::span<const KeySpec> dns() {
  static constexpr KeySpec k_rows[] = {
      {"forwarders", "string or list", "none", "IP address and port", "name servers to ask; none: those of /etc/resolv.conf"},
      {"trust_anchor", "path or `none`", "/usr/share/dns/root.key", "DS or DNSKEY records",
       "what DNSSEC validation starts from; `none`: nothing is validated"},
      {"insecure", "string or list", "none", "domains", "zones exempt from validation: internal ones that the world does not know"},
      {"timeout", "duration", "10s", "1s to 1m", "wait for an answer; without one mail is tried again later"},
  };
  return k_rows;
}

std::vector<Table> tables() {
  return {{"the file", top()}, {"[site]", site()}, {"[store]", store()}, {"[secrets]", secrets()}, {"a secret", secret()}, {"[tls.NAME]", tls()},
          {"[[listener]]", listener()}, {"[[domain]]", domain()}, {"domain.recipients", recipients()}, {"[[department]]", department()},
          {"[[identity]]", identity()}, {"[[route]]", route()}, {"[demail]", demail()}, {"[[demail_account]]", demail_account()}, {"[limits]", limits()}, {"[retry]", retry()}, {"[trust]", trust()}, {"[openpgp]", openpgp()}, {"[dns]", dns()}, {"[reports]", reports()}};
}

std::span<const KeySpec> reports() {
  static constexpr KeySpec k_rows[] = {
      {"administrators", "string or list", "none", "addresses", "who gets the digest: what is held, could not be opened, waits too long or ends soon"},
      {"auditors", "string or list", "none", "addresses", "who gets the newest checkpoint of the log, to keep"},
      {"at", "string", "06:00", "HH:MM", "from when on, in the site's time zone; once a day"},
      {"always", "boolean", "false", "", "a digest also when there is nothing to say"},
  };
  return k_rows;
}

}  // namespace config::schema

namespace config {

std::string_view fallback_of(std::span<const policies::KeySpec> specs, std::string_view key) {
  return std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return s.key == key; })->fallback;
}

}  // namespace config
