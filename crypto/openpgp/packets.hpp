// Promise: says what an OpenPGP message is without opening it: whose keys it names and whether its content is protected
// against changes. Strict about the armour around it: text beside the armour is not encrypted, so it must not be there.
// Bounded memory, hostile input. Standards: RFC 4880 sections 4.2 (packets), 5.1, 5.3, 5.13, 6.2 (armour).
#pragma once

#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

namespace crypto::openpgp {

inline constexpr std::size_t k_max_recipients = 2000;

struct MessageShape {
  std::vector<std::string> key_ids;  // 16 hex digits, upper case; "0000000000000000" is a hidden recipient
  bool has_password = false;         // a symmetric session key packet
  bool has_integrity = false;        // MDC or AEAD
};

// Takes an armoured message in pieces of any size.
class ArmourReader {
 public:
  // k_not_protected; nothing may be fed after it.
  base::Result<void> feed(base::ByteView text);
  base::Result<MessageShape> finish();

 private:
  enum class State { before, headers, data, checksum, after };
  base::Result<void> take_line(base::ByteView line);
  base::Result<void> take_data(base::ByteView line);
  base::Result<void> walk(bool at_end);

  State m_state = State::before;
  std::string m_line;   // an incomplete one
  std::string m_head;   // decoded, until the packets before the data were read
  bool m_head_done = false;
  bool m_padded = false;
  MessageShape m_shape;
};

}  // namespace crypto::openpgp
