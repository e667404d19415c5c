// Promise: DNS through libunbound, asynchronous, each question under a deadline. An answer is the records, an authoritative
// no (k_no_such_domain, or an empty list), or k_resolve: nobody knows, ask again later. A bogus answer (DNSSEC) is k_resolve.
// Used on the executor it was made for.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/core/result.hpp"
#include "base/net/asio.hpp"

namespace base::net {

struct ResolverOptions {
  std::vector<std::string> forwarders; // "127.0.0.1@5300"; none: the system's resolv.conf
  std::filesystem::path trust_anchor;  // "" : no DNSSEC validation, nothing is ever `secure`
  std::vector<std::string> insecure;   // zones exempt from validation
  std::chrono::milliseconds deadline{10'000};
};

struct MxHost {
  std::uint16_t preference = 0;
  std::string host;                    // A-label, lower case, no trailing dot
};
struct MxAnswer {
  std::vector<MxHost> hosts;           // in the order to try; empty: no MX record
  bool null_mx = false;                // RFC 7505: the domain takes no mail
  bool secure = false;
};

// RFC 5321 section 5.1: by preference, and those of one preference in any order, so that the load is shared. `draw` gives
// a number below its argument.
void order_hosts(std::vector<MxHost>& hosts, const std::function<std::size_t(std::size_t)>& draw);

class Resolver {
 public:
  static Result<std::unique_ptr<Resolver>> make(asio::any_io_executor executor, ResolverOptions options);
  ~Resolver();

  Awaitable<Result<MxAnswer>> mx(std::string domain);
  // Addresses as text, IPv6 after IPv4; a literal is its own answer. Empty: the name has none.
  Awaitable<Result<std::vector<std::string>>> addresses(std::string host);

 private:
  struct Impl;
  explicit Resolver(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> m_impl;
};

}  // namespace base::net
