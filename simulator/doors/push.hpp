// Promise: what waits for an account's own server is handed over by SMTP under TLS, with the provider's client certificate, one
// message at a time and provider by provider; what is not taken is tried again until it is, or refused for good.
#pragma once

#include "base/net/connect.hpp"
#include "base/net/tls.hpp"
#include "simulator/provider/world.hpp"

namespace simulator {

struct PushOptions {
  std::optional<base::net::HostPort> target;  // an IP address
  std::string server_name;                    // in its certificate; "": the address
  base::fs::path anchors;                     // "" : TLS, whoever it is
  bool implicit_tls = false;
  std::chrono::milliseconds retry{500};
};

class Pusher {
 public:
  Pusher(boost::asio::any_io_executor executor, World& world, PushOptions options);
  ~Pusher();
  void start();
  void wake();
  // To another place from now on; nullopt: to none, what waits stays and what comes lies in the mailbox.
  void set_target(std::optional<base::net::HostPort> target);
  const PushOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace simulator
