// The codes of base: 100 to 199.
#pragma once

#include "base/core/result.hpp"

namespace base {

inline constexpr Code k_malformed{100, "malformed"};              // bytes that are not what they claim to be
inline constexpr Code k_too_large{101, "too_large"};              // a named limit was passed
inline constexpr Code k_io{102, "io"};                            // the system refused; detail holds errno's text
inline constexpr Code k_not_found{103, "not_found"};
inline constexpr Code k_bad_permissions{104, "bad_permissions"};  // a file others may read or write
inline constexpr Code k_crypto_primitive{105, "crypto_primitive"};
inline constexpr Code k_timeout{106, "timeout"};                  // a deadline passed
inline constexpr Code k_cancelled{107, "cancelled"};
inline constexpr Code k_connection{108, "connection"};            // refused, reset, closed by the peer
inline constexpr Code k_tls{109, "tls"};                          // handshake or record failure
inline constexpr Code k_tls_untrusted{110, "tls_untrusted"};      // certificate not valid for the peer we asked for
inline constexpr Code k_disk_full{111, "disk_full"};
inline constexpr Code k_resolve{112, "resolve"};                  // no answer from the resolver: unknown, never "no"
inline constexpr Code k_no_such_domain{113, "no_such_domain"};    // an authoritative no
inline constexpr Code k_no_descriptors{114, "no_descriptors"};    // too many open files: temporary, and no fault of the disk
inline constexpr Code k_denied{115, "denied"};                    // a server does not let us in: name, password or certificate

}  // namespace base
