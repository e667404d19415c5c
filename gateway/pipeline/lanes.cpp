#include "gateway/pipeline/lanes.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/core/errors.hpp"
#include "base/net/connect.hpp"
#include "mail/message/edit.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::client::Outcome;
using smtp::client::OutcomeKind;

constexpr std::chrono::seconds k_keep_idle{20};    // below the patience of common servers
constexpr std::size_t k_max_idle = 20;             // of a lane
constexpr std::size_t k_ahead = 2;                 // for each connection: one under way, one whose attempt is being committed
constexpr std::chrono::seconds k_turn{10};         // in which one's turn comes where a destination does not stand still
constexpr auto k_for_ever = std::chrono::steady_clock::duration::max();
constexpr std::size_t k_max_targets = 6;           // addresses tried in one attempt
constexpr std::chrono::seconds k_connect{30};
constexpr const char* k_this_machine = "localhost";  // whom a Unix socket leads to

Outcome own_outcome(OutcomeKind kind, const char* enhanced, std::string text) {
  Outcome out;
  out.kind = kind;
  out.reply.enhanced = enhanced;
  out.reply.text = base::RemoteText(std::move(text));
  out.host = true;
  return out;
}

const base::ContentPtr& content_of(const ExternalMail& mail) {
  return std::visit([](const auto& m) -> const base::ContentPtr& { return m.content(); }, mail);
}

// RFC 5321 section 5.1: who finds himself among the hosts uses those that are preferred to him, else mail goes in circles.
std::vector<std::string> before_us(const std::vector<base::net::MxHost>& hosts, const std::string& ourselves) {
  const auto us = std::find_if(hosts.begin(), hosts.end(), [&](const auto& h) { return h.host == ourselves; });
  std::vector<std::string> out;
  for (const auto& h : hosts)
    if (us == hosts.end() || h.preference < us->preference) out.push_back(h.host);
  return out;
}

// A stranger's records may name any address: one of this machine would let his mail come in as if it came from inside.
bool is_ourselves(const config::Options& options, const config::RouteOptions& route, const std::string& address) {
  if (route.kind != config::RouteKind::mx) return false;
  boost::system::error_code ec;
  auto ip = boost::asio::ip::make_address(address, ec);
  if (!ec && ip.is_v6() && ip.to_v6().is_v4_mapped()) ip = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, ip.to_v6());
  const bool here = ec || ip.is_loopback() || ip.is_unspecified();
  if (here && !route.is_trial) return true;
  return std::any_of(options.listeners.begin(), options.listeners.end(), [&](const auto& l) {
    return l.port == route.port && (l.host == address || (here && (l.host == "::" || l.host == "0.0.0.0")));
  });
}

// RFC 5321 section 4.1.1.10: no channel is closed before QUIT.
Awaitable<void> say_goodbye(std::unique_ptr<smtp::client::Connection> connection) {
  const auto leaving = std::move(connection);  // a local of its own: GCC 12.2 goes wrong without one
  co_await leaving->quit();
}

Awaitable<base::Result<base::net::Stream>> dial(const config::RouteOptions& route, std::string address, std::chrono::milliseconds time) {
  if (!route.socket.empty()) {
    auto local = co_await base::net::connect_local(std::move(address), time);
    co_return local;
  }
  auto stream = co_await base::net::connect(std::move(address), route.port, time);
  co_return stream;
}

std::string tls_text(const smtp::client::Connection& connection) {
  const auto& tls = connection.tls();
  if (!tls) return "none";
  return tls->version + " " + tls->cipher + (tls->peer_verified ? " verified" : " unverified");
}

}  // namespace

Awaitable<Delivery> Lanes::send_external(SnapshotPtr snapshot, Parcel parcel, ExternalMail mail, Place place) {
  // the last door before the wire: a De-Mail goes to a provider and nowhere else, and nothing else goes there
  const bool is_demail = std::holds_alternative<ProtectedByCarrier>(mail);
  if (is_demail != (parcel.route.kind == config::RouteKind::demail)) {
    Delivery refused;
    refused.outcomes.assign(parcel.transaction.recipients.size(), own_outcome(OutcomeKind::permanent, "5.7.1", "not a carrier for this message"));
    co_return refused;
  }
  base::ContentPtr content = content_of(mail);
  Delivery out = co_await send(std::move(snapshot), std::move(parcel), std::move(content), std::move(place));
  co_return out;
}

Awaitable<Delivery> Lanes::send_to_mailbox(SnapshotPtr snapshot, Parcel parcel, MailboxMail mail, Place place) {
  Delivery out = co_await send(std::move(snapshot), std::move(parcel), std::move(mail.content), std::move(place));
  co_return out;
}

Awaitable<Delivery> Lanes::send(SnapshotPtr snapshot, Parcel parcel, base::ContentPtr content, Place place) {
  Lane& lane = lane_of(parcel);
  // as long as it takes: its attempt is on record
  const Place connection = co_await pass(lane.connected, snapshot->options->retry.connections, k_for_ever);
  if (!parcel.top.empty()) content = mail::join(parcel.top, std::move(content));
  Delivery out = co_await attempt(std::move(snapshot), parcel, std::move(content), lane);
  place = Place();
  co_return out;
}

std::string Lanes::name_of(const config::RouteOptions& route, const std::string& domain, policies::Transport floor) {
  return route.name + "\n" + domain + "\n" + policies::name_of(floor);
}

Lanes::Lane& Lanes::lane_of(const Parcel& parcel) { return m_lanes[name_of(parcel.route, parcel.lane_domain, parcel.floor)]; }

Awaitable<Lanes::Place> Lanes::enter(SnapshotPtr snapshot, const Parcel& parcel) {
  Place out = co_await pass(lane_of(parcel).entered, k_ahead * snapshot->options->retry.connections, k_turn);
  co_return out;
}

Awaitable<Lanes::Place> Lanes::pass(Gate& gate, std::size_t most, std::chrono::steady_clock::duration patience) {
  const auto now = std::chrono::steady_clock::now();
  const auto until = patience == k_for_ever ? std::chrono::steady_clock::time_point::max() : now + patience;
  ++gate.coming;  // so that the lane stays
  while (gate.inside >= most) {
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto timer = std::make_shared<boost::asio::steady_timer>(executor, until);
    gate.waiting.push_back(timer);
    boost::system::error_code woken;
    co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    // who is not among those that wait any more was called, be it in the same moment
    const auto mine = std::find(gate.waiting.begin(), gate.waiting.end(), timer);
    if (mine == gate.waiting.end()) continue;
    gate.waiting.erase(mine);
    --gate.coming;
    co_return Place();
  }
  --gate.coming;
  ++gate.inside;
  co_return Place(gate);
}

void Lanes::leave(Gate& gate) {
  --gate.inside;
  if (gate.waiting.empty()) return;
  gate.waiting.front()->cancel();
  gate.waiting.pop_front();
}

std::optional<Lanes::Kept> Lanes::take_idle(Lane& lane) {
  const base::Steady now = m_context.clock->steady();
  while (!lane.idle.empty()) {
    Kept kept = std::move(lane.idle.back());
    lane.idle.pop_back();
    if (now - kept.since < k_keep_idle) return kept;
  }
  return std::nullopt;
}

Awaitable<Delivery> Lanes::attempt(SnapshotPtr snapshot, const Parcel& parcel, base::ContentPtr content, Lane& lane) {
  Delivery out;
  std::optional<Kept> kept = take_idle(lane);
  const bool reused = kept.has_value();
  Opened opened;
  if (kept) {
    opened.connection = std::move(kept->connection);
    opened.host = kept->host;
  } else {
    opened = co_await open(snapshot, parcel);
  }
  if (!opened.connection) {
    out.outcomes.assign(parcel.transaction.recipients.size(), opened.failure);
    out.host = opened.host;
    co_return out;
  }
  smtp::client::Transaction transaction = parcel.transaction;
  out.outcomes = co_await opened.connection->send(std::move(transaction), content, parcel.dot_lines);
  const bool died_unheard = reused && !opened.connection->usable() && !out.outcomes.empty() && out.outcomes.front().kind == OutcomeKind::temporary &&
                            out.outcomes.front().host && out.outcomes.front().reply.code == 0;
  if (died_unheard) {
    // the server closed a kept connection while it was idle; nothing was taken, so once more on a fresh one
    opened = co_await open(snapshot, parcel);
    if (!opened.connection) {
      out.outcomes.assign(parcel.transaction.recipients.size(), opened.failure);
      co_return out;
    }
    transaction = parcel.transaction;
    out.outcomes = co_await opened.connection->send(std::move(transaction), content, parcel.dot_lines);
  }
  out.host = opened.host;
  out.tls = tls_text(*opened.connection);
  out.peer_does_dsn = opened.connection->capabilities().dsn;
  if (opened.connection->usable() && lane.idle.size() < k_max_idle)
    lane.idle.push_back({std::move(opened.connection), opened.host, m_context.clock->steady()});
  co_return out;
}

Awaitable<std::variant<std::vector<Lanes::Target>, Outcome>> Lanes::targets(const Snapshot& snapshot, const Parcel& parcel) {
  std::vector<std::string> hosts;
  std::vector<Target> out;
  if (!parcel.route.socket.empty()) {
    out.push_back({parcel.route.socket.string(), k_this_machine});
    co_return out;
  }
  if (parcel.route.kind == config::RouteKind::mx) {
    auto answer = co_await m_context.resolver->mx(parcel.lane_domain);
    if (!answer) {
      const bool no = answer.error().code == base::k_no_such_domain;
      co_return own_outcome(no ? OutcomeKind::permanent : OutcomeKind::temporary, no ? "5.1.2" : "4.4.3",
                            no ? "the domain " + parcel.lane_domain + " does not exist" : "the name server gave no answer: " + answer.error().detail);
    }
    if (answer->null_mx) co_return own_outcome(OutcomeKind::permanent, "5.1.10", "the domain takes no mail (RFC 7505)");
    if (answer->hosts.empty()) answer->hosts.push_back({0, parcel.lane_domain});  // RFC 5321 section 5.1: the domain itself
    hosts = before_us(answer->hosts, snapshot.options->site.hostname);
    if (hosts.empty()) co_return own_outcome(OutcomeKind::permanent, "5.4.6", "the MX of the domain is ourselves");
  } else {
    hosts.push_back(parcel.route.host);
  }
  std::string trouble = "no address found";
  bool certain = parcel.route.kind == config::RouteKind::mx, loops = false;  // a next hop without address is our own mistake: it can be mended
  for (const std::string& host : hosts) {
    auto addresses = co_await m_context.resolver->addresses(host);
    if (!addresses) {
      certain = certain && addresses.error().code == base::k_no_such_domain;
      trouble = host + ": " + addresses.error().detail;
      continue;
    }
    for (std::string& address : *addresses) {
      if (is_ourselves(*snapshot.options, parcel.route, address))
        loops = true;
      else if (out.size() < k_max_targets)
        out.push_back({std::move(address), host});
    }
  }
  if (out.empty() && certain && loops) co_return own_outcome(OutcomeKind::permanent, "5.4.6", "the MX of the domain leads to ourselves");
  if (out.empty() && certain) co_return own_outcome(OutcomeKind::permanent, "5.4.4", "no host for mail of " + parcel.lane_domain + " has an address");
  if (out.empty()) co_return own_outcome(OutcomeKind::temporary, "4.4.3", trouble);
  co_return out;
}

Awaitable<Lanes::Opened> Lanes::open(SnapshotPtr snapshot, const Parcel& parcel) {
  Opened out;
  auto found = co_await targets(*snapshot, parcel);
  if (auto* failure = std::get_if<Outcome>(&found)) {
    out.failure = std::move(*failure);
    co_return out;
  }
  smtp::client::Options options;
  options.helo = snapshot->options->site.hostname;
  options.lmtp = parcel.route.kind == config::RouteKind::lmtp;
  options.implicit_tls = parcel.route.implicit_tls;
  options.floor = parcel.floor == policies::Transport::any   ? smtp::client::TlsFloor::any
                  : parcel.floor == policies::Transport::tls ? smtp::client::TlsFloor::tls
                                                             : smtp::client::TlsFloor::verified;
  options.user = parcel.route.account;
  if (const auto it = snapshot->route_passwords.find(parcel.route.name); it != snapshot->route_passwords.end()) options.password = it->second.get();
  options.command_time = parcel.patience;
  const auto connect_time = std::min(k_connect, parcel.patience);
  for (const Target& target : std::get<std::vector<Target>>(found)) {
    out.host = target.host;
    auto stream = co_await dial(parcel.route, target.address, connect_time);
    if (!stream) {
      out.failure = own_outcome(OutcomeKind::temporary, "4.4.1", stream.error().detail);
      continue;
    }
    auto made = co_await smtp::client::Connection::open(*std::move(stream), options, snapshot->tls_of(parcel.route), target.host);
    if (auto* connection = std::get_if<ConnectionPtr>(&made)) {
      out.connection = std::move(*connection);
      co_return out;
    }
    out.failure = std::get<Outcome>(std::move(made));
  }
  co_return out;
}

void Lanes::sweep() {
  const base::Steady now = m_context.clock->steady();
  for (auto it = m_lanes.begin(); it != m_lanes.end();) {
    Lane& lane = it->second;
    while (!lane.idle.empty() && now - lane.idle.front().since >= k_keep_idle) {
      boost::asio::co_spawn(m_executor, say_goodbye(std::move(lane.idle.front().connection)), [](std::exception_ptr) {});
      lane.idle.erase(lane.idle.begin());
    }
    const bool used = lane.entered.inside + lane.entered.coming + lane.connected.inside + lane.connected.coming > 0;
    it = used || !lane.idle.empty() ? std::next(it) : m_lanes.erase(it);
  }
}

Awaitable<void> Lanes::close_idle() {
  // taken out of all lanes before the first goodbye: a lane may be forgotten while one of them waits for its answer
  std::vector<Kept> all;
  for (auto& [name, lane] : m_lanes) std::move(lane.idle.begin(), lane.idle.end(), std::back_inserter(all));
  for (auto& [name, lane] : m_lanes) lane.idle.clear();
  for (Kept& kept : all) co_await kept.connection->quit();
}

}  // namespace pipeline
