// A PROXY header: either refused, or an address that reads as one; and the length that is read is the length that is parsed.
#include <cstdint>
#include <cstdlib>

#include <boost/asio/ip/address.hpp>

#include "base/net/proxy_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // the signature and a command that is known stand in front, so that the fuzzer starts behind them
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header.append(reinterpret_cast<const char*>(data), size);
  const auto parsed = base::net::parse_proxy_header(header);
  const auto rest = base::net::proxy_rest_length(base::ByteView(header).substr(0, base::net::k_proxy_fixed));
  if (parsed && (!rest || header.size() != base::net::k_proxy_fixed + *rest)) std::abort();
  if (!parsed || !*parsed) return 0;
  boost::system::error_code ec;
  boost::asio::ip::make_address((*parsed)->address, ec);
  if (ec) std::abort();
  return 0;
}
