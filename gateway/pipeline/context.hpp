// What every step of the pipeline may use; owned by gateway/app, which outlives all of it. The snapshot is swapped whole by
// a reload: whoever begins with one ends with it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "base/net/deadline_pool.hpp"
#include "base/net/pool.hpp"
#include "base/net/resolver.hpp"
#include "base/net/tls.hpp"
#include "gateway/options/options.hpp"
#include "gateway/pipeline/key_ring.hpp"
#include "gateway/pipeline/metrics.hpp"
#include "gateway/store/store.hpp"

namespace pipeline {

// One version of configuration, policy and keys.
struct Snapshot {
  config::OptionsPtr options;
  KeyRingPtr keys;
  std::shared_ptr<const void> keys_owner;  // what the ring is a view of
  base::Sha256Digest cfg{};                // names the version in receipts
  base::net::TlsClientPtr tls_client;
  std::map<std::string, base::net::TlsClientPtr> route_tls;                         // of routes that show a certificate, by name
  std::map<std::string, base::net::TlsServerPtr> tls_servers;                       // by name
  std::map<std::string, base::Timestamp> tls_ends;                                  // when certificates end, by name: of `tls`, "route NAME"
  std::map<std::string, std::shared_ptr<const base::SecretBytes>> route_passwords;  // by route name
  std::vector<std::string> demail_anchors;                                          // DER: who vouches for providers' signatures

  base::net::TlsClientPtr tls_of(const config::RouteOptions& route) const {
    const auto own = route_tls.find(route.name);
    return own == route_tls.end() ? tls_client : own->second;
  }
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Holds the newest snapshot.
class Current {
 public:
  SnapshotPtr get() const {
    const std::lock_guard lock(m_mutex);
    return m_snapshot;
  }
  void set(SnapshotPtr snapshot) {
    const std::lock_guard lock(m_mutex);
    m_snapshot = std::move(snapshot);
  }

 private:
  mutable std::mutex m_mutex;
  SnapshotPtr m_snapshot;
};

class RecipientProbe;

struct Context {
  Current current;
  store::Store* store = nullptr;
  const base::Clock* clock = &base::system_clock();
  base::net::Pool* crypto = nullptr;              // as many threads as cores
  base::net::Pool* blocking = nullptr;            // files
  base::net::DeadlinePool* openpgp = nullptr;     // gpg, which may hang; null where there is no OpenPGP
  base::net::Resolver* resolver = nullptr;
  RecipientProbe* probe = nullptr;                // of recipients that a domain does not list
  Metrics metrics;
  std::atomic<std::uint64_t> kept_bytes{0};  // of spooled bodies that are in memory as well
};

}  // namespace pipeline
