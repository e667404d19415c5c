#include <algorithm>
#include <array>

#include "gateway/config/net_values.hpp"
#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Node;
using policies::TableReader;
using policies::unknown_word;

constexpr std::array<std::string_view, 6> k_roles{"submission", "relay", "mx", "https", "demail", k_metrics_role};  // the last is read elsewhere
constexpr std::array<std::string_view, 4> k_transports{"any", "tls", "verified", "dane"};

std::vector<std::string> texts_of(TableReader& r, std::string_view key) {
  std::vector<std::string> out;
  for (const Node* node : r.strings(key).value_or(std::vector<const Node*>{})) out.push_back(node->text);
  return out;
}

class ListenerReader {
 public:
  ListenerReader(const Section& section, Draft& draft)
      : m_r(*section.table, section.file, "listener", schema::listener(), draft.faults), m_draft(draft) {}

  ListenerOptions read() {
    if (m_r.required("role")) m_has_role = m_r.word("role", k_roles).has_value();
    if (m_has_role) m_l.role = static_cast<ListenerRole>(*m_r.word("role", k_roles));
    address();
    tls();
    m_l.networks = networks("networks");
    m_l.proxy_networks = networks("proxy_networks");
    for (const Network& network : m_l.proxy_networks)
      if (network.prefix == 0) m_r.error("proxy_networks", "holds \"" + network.text + "\": anybody could say that he is somebody else");
    m_l.client_certificates = texts_of(m_r, "client_certificates");
    m_l.departments = texts_of(m_r, "departments");
    m_l.accounts = texts_of(m_r, "accounts");
    if (m_has_role) by_role();
    return std::move(m_l);
  }

 private:
  void address() {
    if (!m_r.required("address")) return;
    const auto text = m_r.string("address");
    if (!text) return;
    m_l.address = *text;
    const auto parsed = parse_host_port(*text);
    if (!parsed || !(parsed->is_ip || parsed->host == "localhost"))
      return m_r.error("address", "must be an IP address and a port: \"127.0.0.1:25\", \"[::]:587\"");
    m_l.host = parsed->host == "localhost" ? "127.0.0.1" : parsed->host;
    m_l.port = parsed->port;
    m_l.is_loopback = parsed->is_loopback;
    for (const ListenerOptions& other : m_draft.options.listeners)
      if (other.host == m_l.host && other.port == m_l.port && m_l.port != 0)
        m_r.error("address", "= \"" + *text + "\" is taken by another listener");
  }

  std::vector<Network> networks(std::string_view key) {
    std::vector<Network> out;
    for (const Node* node : m_r.strings(key).value_or(std::vector<const Node*>{})) {
      auto network = parse_network(node->text);
      if (network)
        out.push_back(std::move(*network));
      else
        m_r.error_at(node->at, "listener." + std::string(key) + ": \"" + node->text + "\" is no network, or has bits beyond its prefix");
    }
    return out;
  }

  void tls() {
    m_l.implicit_tls = m_r.boolean("implicit_tls").value_or(false);
    if (const auto name = m_r.string("tls")) {
      m_l.tls = *name;
      if (m_draft.options.find_tls(*name) == nullptr) {
        std::vector<std::string_view> known;
        for (const TlsOptions& t : m_draft.options.tls) known.push_back(t.name);
        m_r.error("tls", "= " + unknown_word("name", *name, known));
      }
    } else if (m_l.implicit_tls) {
      m_r.error("implicit_tls", "needs a certificate: tls = \"…\"");
    }
  }

  // Those whose clients are machines that we know by certificate.
  void for_machines(std::string_view key) {
    const bool is_provider = m_l.role == ListenerRole::demail && key == "client_certificates";
    if (m_r.has(key) && m_l.role != ListenerRole::relay && m_l.role != ListenerRole::https && !is_provider)
      m_r.error(key, std::string("has a meaning for relay and https only, not for ") + name_of(m_l.role));
  }

  void by_role() {
    for_machines("departments");
    for_machines("client_certificates");
    if (m_r.has("accounts") && m_l.role != ListenerRole::demail)
      m_r.error("accounts", std::string("has a meaning for demail only, not for ") + name_of(m_l.role));
    switch (m_l.role) {
      case ListenerRole::relay: return relay();
      case ListenerRole::mx:
        if (!m_r.has("tls"))
          m_r.faults().warning(m_r.file(), m_r.at(), "listener: mx without tls: mail from outside comes in unencrypted");
        return;
      case ListenerRole::https: return https();
      case ListenerRole::demail: return demail();
      default:
        if (!m_r.has("tls")) m_r.error_at(m_r.at(), "listener: submission needs tls: passwords are taken over TLS only");
        if (m_r.has("networks")) m_r.error("networks", "has no meaning for submission: users log in");
    }
  }

  void https() {
    if (!m_r.has("tls") && !m_l.is_local()) m_r.error_at(m_r.at(), "listener: https needs tls: tokens and messages travel over TLS only");
    if (m_r.has("networks")) m_r.error("networks", "has no meaning for https: clients have tokens or certificates");
    if (m_r.has("implicit_tls")) m_r.error("implicit_tls", "has no meaning for https: it is TLS from the first byte");
    if (m_r.has("client_certificates") && !m_r.has("departments"))
      m_r.error("client_certificates", "need departments: whose sender addresses may they use?");
  }

  // Only the provider may bring De-Mails, and only his certificate shows who he is.
  void demail() {
    if (!m_r.has("client_certificates")) m_r.error_at(m_r.at(), "listener: demail needs client_certificates: the names in the provider's certificates");
    if (m_r.has("networks")) m_r.error("networks", "has no meaning for demail: the provider shows a certificate");
    const TlsOptions* tls = m_draft.options.find_tls(m_l.tls);
    if (!m_r.has("tls"))
      m_r.error_at(m_r.at(), "listener: demail needs tls: the provider shows a certificate");
    else if (tls != nullptr && tls->client_anchors.empty())
      m_r.error("tls", "= \"" + m_l.tls + "\" has no client_anchors: no certificate of the provider could be verified");
  }

  void relay() {
    if (!m_r.has("departments"))
      m_r.error_at(m_r.at(),
                   "listener: a relay must name its departments: without them anybody on these networks could send as anybody");
    if (!m_r.has("networks") && !m_r.has("client_certificates"))
      m_r.error_at(m_r.at(), "listener: a relay must name networks or client_certificates");
    if (!m_l.is_local() && !m_r.has("tls"))
      m_r.error_at(m_r.at(), "listener: a relay that does not listen on loopback, or behind a proxy, needs tls");
    for (const Network& network : m_l.networks)
      if (network.prefix == 0) m_r.error("networks", "holds \"" + network.text + "\": that is everybody");
  }

  TableReader m_r;
  Draft& m_draft;
  ListenerOptions m_l;
  bool m_has_role = false;
};

class RouteReader {
 public:
  RouteReader(const Section& section, Draft& draft)
      : m_section(section), m_r(*section.table, section.file, "route", schema::route(), draft.faults), m_draft(draft) {}

  RouteOptions read() {
    if (m_r.required("name")) m_route.name = m_r.string("name").value_or("");
    if (!m_route.name.empty() && m_draft.options.find_route(m_route.name) != nullptr)
      m_r.error("name", "= \"" + m_route.name + "\" stands twice");
    for (const Node* node : m_r.strings("to").value_or(std::vector<const Node*>{})) pattern(*node);
    hop();
    m_route.implicit_tls = m_r.boolean("implicit_tls").value_or(false);
    transport();
    login();
    certificate();
    trial();
    return std::move(m_route);
  }

 private:
  void pattern(const Node& node) {
    std::string text = node.text;
    if (text.find_first_of("*?") == std::string::npos && text.rfind("re:", 0) != 0) {
      const auto domain = mail::parse_domain(text);
      if (!domain) return m_r.error_at(node.at, "route.to: \"" + text + "\" is no domain");
      text = *domain;
    }
    if (auto ok = m_route.to.add(text); !ok) m_r.error_at(node.at, "route.to: bad pattern: " + ok.error().detail);
  }

  void hop() {
    if (m_r.has("smtp") == m_r.has("lmtp")) return m_r.error_at(m_r.at(), "route: must have either smtp or lmtp");
    const char* key = m_r.has("smtp") ? "smtp" : "lmtp";
    const auto text = m_r.string(key);
    if (!text) return;
    m_route.kind = m_r.has("smtp") ? (*text == "mx" ? RouteKind::mx : RouteKind::smtp) : RouteKind::lmtp;
    if (m_route.kind == RouteKind::mx) return;
    if (m_route.kind == RouteKind::lmtp && text->rfind("unix:", 0) == 0) {
      m_route.socket = resolve(m_section, text->substr(5));
      m_route.is_loopback = true;
      if (text->size() == 5 || m_route.socket.string().size() > 107) m_r.error(key, "is no name that a socket can have");
      return;
    }
    const auto parsed = parse_host_port(*text);
    if (!parsed || parsed->port == 0)
      return m_r.error(key, std::string("= \"") + *text + "\" must be host:port" +
                                (m_route.kind == RouteKind::smtp ? " or \"mx\"" : " or \"unix:/path\""));
    m_route.host = parsed->host;
    m_route.port = parsed->port;
    m_route.is_loopback = parsed->is_loopback;
  }

  void transport() {
    m_route.transport = m_route.is_loopback ? Transport::any : Transport::verified;
    if (const auto word = m_r.word("transport", k_transports)) m_route.transport = static_cast<Transport>(*word);
    if (m_route.kind == RouteKind::mx && m_route.transport >= Transport::verified)
      m_r.error(
          "transport",
          std::string("cannot be ") + name_of(m_route.transport) +
              " on an mx route: no DNSSEC or MTA-STS vouches for the MX names yet; set \"tls\", or a next hop with \"smtp\"");
    else if (m_route.kind != RouteKind::mx && m_route.transport == Transport::dane)
      m_r.error("transport", "cannot be dane: TLSA records are not looked up yet");
    else if (m_route.transport == Transport::any && !m_route.is_loopback && m_r.has("transport"))
      m_r.warning("transport", "= \"any\": mail on this route may cross the network unencrypted");
    if (m_route.transport != Transport::any && !m_route.socket.empty())
      m_r.error("transport", "has no meaning on a Unix socket: mail there never leaves the machine");
    if (m_route.implicit_tls && !m_route.socket.empty()) m_r.error("implicit_tls", "has no meaning on a Unix socket");
    if (m_route.implicit_tls && m_route.kind == RouteKind::mx) m_r.error("implicit_tls", "has no meaning with mx");
  }

  void login() {
    m_route.account = m_r.string("account").value_or("");
    m_route.password = read_secret_ref(m_r, "password", m_section);
    if (m_r.has("account") != m_r.has("password")) m_r.error_at(m_r.at(), "route: account and password go together");
    if (m_r.has("account") && m_route.kind == RouteKind::mx) m_r.error("account", "has no meaning with mx");
    if (m_r.has("account") && !m_route.is_loopback && m_route.transport < Transport::verified)
      m_r.error("account", "needs transport = \"verified\": a password goes to nobody else");
  }

  void certificate() {
    read_client_certificate(m_r, m_section, m_route);
    if (!m_r.has("client_certificate")) return;
    if (m_route.kind == RouteKind::mx) m_r.error("client_certificate", "has no meaning with mx");
    if (!m_route.socket.empty()) m_r.error("client_certificate", "has no meaning on a Unix socket");
    if (m_route.kind != RouteKind::mx && m_route.socket.empty() && m_route.transport == Transport::any)
      m_r.error("client_certificate", "needs TLS: set transport = \"verified\"");
  }

  void trial() {
    const auto port = m_r.integer("trial_port", 1, 65535);
    if (!port) return;
    if (m_route.kind != RouteKind::mx) return m_r.error("trial_port", "has a meaning with mx only: a next hop names its port");
    m_r.warning("trial_port", "is for trials: no host of the Internet takes mail there");
    m_route.port = static_cast<std::uint16_t>(*port);
    m_route.is_trial = true;
  }

  const Section& m_section;
  TableReader m_r;
  Draft& m_draft;
  RouteOptions m_route;
};

}  // namespace

void read_client_certificate(TableReader& r, const Section& section, RouteOptions& route) {
  if (const auto path = read_path(r, "client_certificate", section)) {
    route.client_certificate = *path;
    check_readable(r, "client_certificate", *path);
  }
  route.client_key = read_secret_ref(r, "client_key", section);
  if (r.has("client_certificate") != r.has("client_key")) r.error_at(r.at(), r.where() + ": client_certificate and client_key go together");
}

void read_listeners(const std::vector<Section>& sections, Draft& draft) {
  for (const Section& section : sections)
    if (!is_metrics_listener(section)) draft.options.listeners.push_back(ListenerReader(section, draft).read());
  for (const Section& section : sections)
    if (is_metrics_listener(section)) draft.options.metrics_listeners.push_back(read_metrics_listener(section, draft));
  if (draft.options.listeners.empty() && !sections.empty())
    draft.faults.error(sections[0].file, sections[0].table->at, "[[listener]]: none of them takes mail");
}

void read_routes(const std::vector<Section>& sections, Draft& draft) {
  for (const Section& section : sections) draft.options.routes.push_back(RouteReader(section, draft).read());
}

}  // namespace config
