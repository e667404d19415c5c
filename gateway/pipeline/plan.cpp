#include "gateway/pipeline/plan.hpp"

#include <algorithm>
#include <map>

namespace pipeline {
namespace {

const config::RouteOptions* route_of(const config::Options& options, const Addressee& a) {
  if (a.record.decision.demail) {
    const auto* account = options.demail.find_account(a.record.decision.demail->account);
    return account == nullptr ? nullptr : options.find_route(account->submission);
  }
  if (!a.record.decision.route.empty()) return options.find_route(a.record.decision.route);
  return options.route_for(a.record.address.domain());
}

// Everything that must be equal within a group, as text.
std::string group_key(const Addressee& a, const config::RouteOptions* route) {
  const policies::PolicyDecision& d = a.record.decision;
  std::string key = (route == nullptr ? std::string{} : route->name) + "\n" + policies::name_of(a.record.direction) + "\n";
  if (route != nullptr && route->kind == config::RouteKind::mx) key += a.record.address.domain();
  key += "\n" + std::string(d.encrypt ? certs::name_of(*d.encrypt) : "") + "\n" + policies::name_of(d.sign) + "\n";
  key += d.signer ? d.signer->fingerprint.hex : "";
  key += "\n" + std::string(d.plaintext ? d.plaintext->rule() : "") + "\n" + (d.protected_by_sender ? "kept" : "") + "\n";
  if (d.transport) key += policies::name_of(*d.transport);
  for (const auto& list : {d.keywords, d.strip})
    for (const auto& word : list) key += "\n" + word;
  key += "\n" + d.mark.subject_prefix;
  for (const auto& [name, value] : d.mark.headers) key += "\n" + name + ":" + value;
  if (d.demail) key += "\n" + d.demail->account + "\n" + d.demail->sender + "\n" + demail::describe(d.demail->options);
  if ((d.encrypt || d.demail) && !a.record.visible) key += "\nblind " + std::to_string(a.row.rx);
  // opened mail is opened with the keys of its recipient alone
  if (a.record.direction == policies::Direction::inbound) key += "\nto " + a.record.address.text();
  return key;
}

}  // namespace

std::vector<Group> plan(const config::Options& options, std::vector<Addressee> due) {
  std::map<std::string, std::size_t> index;
  std::vector<Group> out;
  for (Addressee& a : due) {
    const auto* route = route_of(options, a);
    const auto [it, fresh] = index.emplace(group_key(a, route), out.size());
    if (fresh) {
      Group group;
      group.number = a.row.rx;  // the first member's ordinal: the same at every attempt
      group.route = route;
      if (route != nullptr && route->kind == config::RouteKind::mx) group.lane_domain = a.record.address.domain();
      // what goes to a Unix socket never leaves the machine: there is nothing for TLS to protect
      if (route != nullptr && route->socket.empty()) group.floor = std::max(route->transport, a.record.decision.transport.value_or(policies::Transport::any));
      out.push_back(std::move(group));
    }
    out[it->second].members.push_back(std::move(a));
  }
  return out;
}

}  // namespace pipeline
