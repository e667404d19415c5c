// Listeners that monitoring asks: no mail comes in here, so they are no listeners of messages, and rules cannot name them.
#include <algorithm>

#include "gateway/config/net_values.hpp"
#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Node;
using policies::TableReader;

bool is_private(const Network& network) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(network.bytes[i]); };
  if (network.bytes.size() == 4)
    return (byte(0) == 10 && network.prefix >= 8) || (byte(0) == 127 && network.prefix >= 8) ||
           (byte(0) == 172 && (byte(1) & 0xf0) == 16 && network.prefix >= 12) || (byte(0) == 192 && byte(1) == 168 && network.prefix >= 16);
  return (byte(0) & 0xfe) == 0xfc && network.prefix >= 7;  // unique local
}

}  // namespace

bool is_metrics_listener(const Section& section) {
  for (const auto& entry : section.table->entries)
    if (entry.key == "role") return entry.value.kind == policies::NodeKind::string && entry.value.text == k_metrics_role;
  return false;
}

MetricsListenerOptions read_metrics_listener(const Section& section, Draft& draft) {
  TableReader r(*section.table, section.file, "listener", schema::listener(), draft.faults);
  MetricsListenerOptions out;
  for (const std::string_view key : {"tls", "implicit_tls", "departments", "client_certificates"})
    if (r.has(key)) r.error(key, "has no meaning for metrics: it is plain HTTP for this machine or networks that `networks` lists");
  for (const Node* node : r.strings("networks").value_or(std::vector<const Node*>{})) {
    auto network = parse_network(node->text);
    if (!network) r.error_at(node->at, "listener.networks: \"" + node->text + "\" is no network, or has bits beyond its prefix");
    if (!network) continue;
    if (network->prefix == 0)
      r.error("networks", "holds \"" + network->text + "\": that is everybody");
    else if (!is_private(*network))
      r.warning("networks", "holds \"" + network->text + "\", which is no private network: what is read there is not encrypted");
    out.networks.push_back(std::move(*network));
  }
  if (!r.required("address")) return out;
  const auto text = r.string("address");
  if (!text) return out;
  out.address = *text;
  const auto parsed = parse_host_port(*text);
  if (!parsed || !(parsed->is_ip || parsed->host == "localhost")) {
    r.error("address", "must be an IP address and a port: \"127.0.0.1:9925\"");
    return out;
  }
  out.host = parsed->host == "localhost" ? "127.0.0.1" : parsed->host;
  out.port = parsed->port;
  if (!parsed->is_loopback && out.networks.empty())
    r.error("address", "= \"" + *text + "\" is not loopback: networks must say who may ask");
  const auto is_taken = [&](const auto& other) { return other.host == out.host && other.port == out.port && out.port != 0; };
  const Options& o = draft.options;
  if (std::any_of(o.listeners.begin(), o.listeners.end(), is_taken) || std::any_of(o.metrics_listeners.begin(), o.metrics_listeners.end(), is_taken))
    r.error("address", "= \"" + *text + "\" is taken by another listener");
  return out;
}

}  // namespace config
