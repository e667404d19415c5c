// Promise: what the files of the administrator say, checked and as plain values; a value that stands here is usable. Made
// once by load_config(), immutable afterwards, shared between threads.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/file.hpp"
#include "mail/address/address.hpp"
#include "policies/engine/pattern.hpp"
#include "policies/engine/question.hpp"
#include "policies/engine/rule_set.hpp"

namespace config {

using Milliseconds = std::chrono::milliseconds;
using policies::ListenerRole;
using policies::Transport;

// Where a secret lies; its value is read by load_secret() and never stands in a config file.
struct SecretRef {
  std::string credential;  // name of a systemd credential
  base::fs::path file;     // a file of mode 0400, for where systemd gives no credentials
  bool empty() const { return credential.empty() && file.empty(); }
};

// What becomes of a message of ours that some of its recipients may not get.
enum class Partial { refuse, split, hold };

struct SiteOptions {
  std::string hostname;  // A-label; stands in the greeting, in Received and as authserv-id
  std::string node, timezone, language;
  base::fs::path state_directory, policies, control, audit;
  Partial partial = Partial::refuse;
};

struct StoreOptions {
  std::string kind;  // "sqlite"
  base::ByteCount free_space;
};

struct SecretsOptions {
  SecretRef seal, log, openpgp;
};

struct OpenPgpOptions {
  base::fs::path program;  // "": what GPGME finds
  Milliseconds deadline{};
};

struct TlsOptions {
  std::string name;
  base::fs::path certificate;  // PEM, with its chain
  SecretRef key;
  base::fs::path client_anchors;  // PEM; "": client certificates are not asked for
};

// An IP network: 4 or 16 bytes and the length of the prefix in bits.
struct Network {
  std::string bytes, text;
  unsigned prefix = 0;
  bool contains(std::string_view address_bytes) const;
};

struct ListenerOptions {
  ListenerRole role = ListenerRole::mx;
  std::string address;  // as configured: "[::]:587"
  std::string host;     // without brackets
  std::uint16_t port = 0;
  bool is_loopback = false;
  std::string tls;  // name of a TlsOptions; "": none
  bool implicit_tls = false;
  std::vector<Network> networks;        // relay: who may connect; mx: who may use our own domains
  std::vector<Network> proxy_networks;  // whose connections begin with a PROXY header, and whose word it is whom they carry
  std::vector<std::string> client_certificates;  // relay, https, demail: names of certificates that may connect
  std::vector<std::string> departments;          // relay
  std::vector<std::string> accounts;             // demail: whose mail is taken here; empty: of all
  // Nobody but this machine can be the peer; behind a proxy it may be anybody.
  bool is_local() const { return is_loopback && proxy_networks.empty(); }
};

// Where monitoring asks: plain HTTP. No mail comes in here, so policies know nothing of it.
struct MetricsListenerOptions {
  std::string address;  // as configured
  std::string host;     // without brackets
  std::uint16_t port = 0;
  std::vector<Network> networks;  // who may ask beside this machine
};

// Recipients are asked of the internal server; how long its answers hold.
struct ProbeOptions {
  Milliseconds known{}, absent{};
};

struct DomainOptions {
  std::string name;                                 // A-label
  std::string route;                                // "": by the routes' `to`
  std::optional<std::set<std::string>> recipients;  // folded; none: every recipient is taken
  std::optional<ProbeOptions> probe;
};

struct DepartmentOptions {
  std::string id, language;
  std::vector<std::string> addresses;  // folded, or globs
  bool notify_sent = false;
};

struct IdentityOptions {
  std::vector<std::string> addresses;       // folded
  std::vector<std::string> smime, openpgp;  // fingerprints or their beginnings, upper case: the first signs, all of them decrypt
};

enum class RouteKind { smtp, lmtp, mx, demail };  // demail: a provider's submission; takes De-Mails and nothing else
const char* name_of(RouteKind kind);

struct RouteOptions {
  std::string name;
  policies::PatternSet to;
  RouteKind kind = RouteKind::smtp;
  std::string host;          // a name or an IP address without brackets; "" for mx and sockets
  std::uint16_t port = 25;   // of an mx route: what trial_port says
  bool is_trial = false;     // mx: hosts on loopback are taken too
  base::fs::path socket;     // LMTP over a Unix socket
  bool is_loopback = false;  // loopback address or Unix socket
  Transport transport = Transport::verified;
  bool implicit_tls = false;
  std::string account;  // for AUTH at the next hop
  SecretRef password;
  base::fs::path client_certificate;  // PEM with its chain, shown to the next hop; "": none
  SecretRef client_key;
};

struct SizeLimits {
  base::ByteCount message;
};
struct CountLimits {
  std::size_t recipients = 0, received = 0, sessions = 0, sessions_per_address = 0, errors = 0, idle_commands = 0;
};
struct TimeLimits {
  Milliseconds idle{}, data{}, tls_handshake{};
};
struct LimitsOptions {
  SizeLimits size;
  CountLimits count;
  TimeLimits time;
};

struct RetryOptions {
  Milliseconds first{}, most{}, expiry{}, delay_notice{}, hold_expiry{};
  std::size_t growth = 2, connections = 10;
};

struct TrustOptions {
  base::fs::path tls_anchors;  // PEM; "": the system's
};

struct DnsOptions {
  std::vector<std::string> forwarders;  // "127.0.0.1@53", as libunbound writes it; none: the system's
  base::fs::path trust_anchor;          // "": nothing is validated
  std::vector<std::string> insecure;    // zones exempt from validation
  Milliseconds timeout{};
};

// Who hears of the gateway once a day, and when.
struct ReportsOptions {
  std::vector<mail::Address> administrators, auditors;
  int minute = 0;       // of the day, in the site's time zone
  bool always = false;  // a digest also when there is nothing to say
};

// A mailbox of ours at a provider, and who of us writes as which De-Mail address.
// Both folded; "*@domain" on the left stands for every address of that domain, on the right for the same local part.
struct DeMailAddress {
  std::string mail, demail;  // a department's address, and the De-Mail address that stands for it
};
enum class PollKind { none, imaps, pop3s };
struct DeMailPoll {
  PollKind kind = PollKind::none;
  std::string host, user, mailbox;  // mailbox: IMAP, "INBOX"
  std::uint16_t port = 0;
  SecretRef password;
  Milliseconds every{};
};
struct DeMailAccountOptions {
  std::string name;
  std::string provider;              // domain of the provider, whose system addresses confirm: "anbieter.de-mail.example"
  std::string submission;            // name of its RouteOptions, of kind demail, made by load_config()
  std::vector<std::string> domains;  // A-labels of our De-Mail addresses at this account
  std::vector<DeMailAddress> addresses;
  std::string default_mailbox;  // folded address of ours, for what no line names
  bool high = false, may_retrieve = false;
  std::size_t messages_a_day = 0, recipients_a_day = 0;  // 0: no limit
  base::Timestamp valid_until{};                         // exclusive: the first moment at which nothing new is taken
  DeMailPoll poll;
};

// What all accounts share.
struct DeMailOptions {
  policies::PatternSet domains;  // of De-Mail addresses
  base::fs::path anchors;        // PEM: authorities of the providers' signatures; "" where there is no account
  std::vector<DeMailAccountOptions> accounts;
  // Without the confirmations that were asked for; without a trace after an unknown outcome; received, and not retrieved.
  Milliseconds overdue{}, uncertain{}, retrieve{};
  base::ByteCount most{};               // net size of a De-Mail

  const DeMailAccountOptions* find_account(const std::string& name) const;
  // The account and line for a sender of ours; nullopt if no account sends for him. An exact line goes before a domain's.
  struct Line {
    const DeMailAccountOptions* account = nullptr;
    std::string demail;
  };
  std::optional<Line> line_of(const mail::Address& sender) const;
  // Where mail to a De-Mail address of ours goes: the line's mail address, else the account's default mailbox; nullopt if the
  // address is none of ours.
  std::optional<mail::Address> mailbox_of(const mail::Address& demail) const;
  bool is_demail_address(const mail::Address& address) const { return domains.matches(address.domain()); }
  // What a policy must know about this sender and this recipient.
  policies::DeMailFacts facts_of(const std::optional<mail::Address>& sender, const mail::Address& recipient,
                                 base::Timestamp now) const;
};

// One file that took part, with exactly the bytes that were read.
struct ConfigText {
  std::string name;  // relative to the main file's directory
  std::string text;
};

class Options {
 public:
  SiteOptions site;
  StoreOptions store;
  SecretsOptions secrets;
  OpenPgpOptions openpgp;
  std::vector<TlsOptions> tls;
  std::vector<ListenerOptions> listeners;
  std::vector<MetricsListenerOptions> metrics_listeners;
  std::vector<RouteOptions> routes;
  LimitsOptions limits;
  RetryOptions retry;
  TrustOptions trust;
  DnsOptions dns;
  ReportsOptions reports;
  DeMailOptions demail;
  policies::RuleSetPtr rules;
  std::vector<ConfigText> texts;  // sorted by name; archived by their hash
  std::string hash;               // 64 hex digits: SHA-256 over names and texts, the `cfg` of receipts

  const std::vector<DomainOptions>& domains() const { return m_domains; }
  const std::vector<DepartmentOptions>& departments() const { return m_departments; }
  const std::vector<IdentityOptions>& identities() const { return m_identities; }
  void set_domains(std::vector<DomainOptions> domains);
  void set_departments(std::vector<DepartmentOptions> departments);
  void set_identities(std::vector<IdentityOptions> identities);

  const DomainOptions* find_domain(const std::string& a_label) const;
  bool is_own_domain(const std::string& a_label) const { return find_domain(a_label) != nullptr; }
  // Exact addresses first, then whole domains, then other globs in the order of the file.
  const DepartmentOptions* department_of(const mail::Address& address) const;
  const DepartmentOptions* find_department(const std::string& id) const;
  const IdentityOptions* identity_of(const mail::Address& address) const;
  const RouteOptions* find_route(const std::string& name) const;
  // The domain's own route, else the first whose `to` matches; null if none does.
  const RouteOptions* route_for(const std::string& a_label) const;
  const TlsOptions* find_tls(const std::string& name) const;

 private:
  std::vector<DomainOptions> m_domains;
  std::vector<DepartmentOptions> m_departments;
  std::vector<IdentityOptions> m_identities;
  std::map<std::string, std::size_t> m_domain_index, m_department_address, m_department_domain, m_identity_index;
  std::vector<std::pair<std::string, std::size_t>> m_department_globs;
};
using OptionsPtr = std::shared_ptr<const Options>;

}  // namespace config
