#include "crypto/openpgp/packets.hpp"

#include <algorithm>
#include <optional>

#include "crypto/protect/errors.hpp"

namespace crypto::openpgp {
namespace {

constexpr std::size_t k_max_line = 1000;
constexpr std::size_t k_max_head = 4u << 20;  // 2000 recipients with RSA-8192 stay below 3 MiB

constexpr int k_pkesk = 1, k_skesk = 3, k_sed = 9, k_marker = 10, k_seipd = 18, k_aead = 20;

struct PacketHead {
  int tag = 0;
  std::size_t header = 0;
  std::size_t length = 0;
  bool is_open_ended = false;  // partial or indeterminate
};

// nullopt: more bytes are needed; tag 0: not a packet.
std::optional<PacketHead> read_head(base::ByteView bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 6) return std::nullopt;
  if ((at(0) & 0x80) == 0) return PacketHead{};
  if ((at(0) & 0x40) == 0) {  // old format
    const int kind = at(0) & 3;
    const int tag = (at(0) >> 2) & 0x0f;
    if (kind == 0) return PacketHead{tag, 2, at(1), false};
    if (kind == 1) return PacketHead{tag, 3, static_cast<std::size_t>(at(1) << 8 | at(2)), false};
    if (kind == 2) return PacketHead{tag, 5, static_cast<std::size_t>(at(1)) << 24 | static_cast<std::size_t>(at(2)) << 16 | static_cast<std::size_t>(at(3)) << 8 | at(4), false};
    return PacketHead{tag, 1, 0, true};
  }
  const int tag = at(0) & 0x3f;
  if (at(1) < 192) return PacketHead{tag, 2, at(1), false};
  if (at(1) < 224) return PacketHead{tag, 3, static_cast<std::size_t>((at(1) - 192) << 8 | at(2)) + 192, false};
  if (at(1) == 255) return PacketHead{tag, 6, static_cast<std::size_t>(at(2)) << 24 | static_cast<std::size_t>(at(3)) << 16 | static_cast<std::size_t>(at(4)) << 8 | at(5), false};
  return PacketHead{tag, 2, 0, true};
}

bool is_blank(base::ByteView line) { return base::trim(line).empty(); }

std::string upper_hex(base::ByteView bytes) {
  std::string hex = base::to_hex(bytes);
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  return hex;
}

base::Error broken(const char* what) { return base::fail(k_not_protected, std::string("OpenPGP: ") + what); }

}  // namespace

base::Result<void> ArmourReader::feed(base::ByteView text) {
  while (!text.empty()) {
    const auto lf = text.find('\n');
    if (lf == base::ByteView::npos) {
      m_line.append(text);
      if (m_line.size() > k_max_line) return broken("line too long");
      return base::Done{};
    }
    m_line.append(text.substr(0, lf));
    text.remove_prefix(lf + 1);
    if (m_line.size() > k_max_line) return broken("line too long");
    if (!m_line.empty() && m_line.back() == '\r') m_line.pop_back();
    const std::string line = std::move(m_line);
    m_line.clear();
    if (auto taken = take_line(line); !taken) return taken;
  }
  return base::Done{};
}

base::Result<void> ArmourReader::take_line(base::ByteView line) {
  switch (m_state) {
    case State::before:
      if (line == "-----BEGIN PGP MESSAGE-----") {
        m_state = State::headers;
        return base::Done{};
      }
      return is_blank(line) ? base::Result<void>(base::Done{}) : broken("text before the armour");
    case State::headers:
      if (is_blank(line)) m_state = State::data;
      else if (line.find(": ") == base::ByteView::npos) return broken("armour header");
      return base::Done{};
    case State::data:
    case State::checksum:
      if (line == "-----END PGP MESSAGE-----") {
        m_state = State::after;
        return base::Done{};
      }
      if (m_state == State::checksum) return broken("text behind the checksum");
      if (line.size() == 5 && line.front() == '=') {
        m_state = State::checksum;
        return base::Done{};
      }
      return take_data(base::trim(line));
    case State::after:
      return is_blank(line) ? base::Result<void>(base::Done{}) : broken("text behind the armour");
  }
  return base::Done{};
}

base::Result<void> ArmourReader::take_data(base::ByteView line) {
  if (m_padded || line.size() % 4 != 0) return broken("armour data");
  auto bytes = base::parse_base64(line);
  if (!bytes) return broken("armour data");
  m_padded = line.ends_with('=');
  if (m_head_done) return base::Done{};
  m_head += *bytes;
  return walk(false);
}

base::Result<void> ArmourReader::walk(bool at_end) {
  base::ByteView rest = m_head;
  while (!m_head_done) {
    const auto head = read_head(rest);
    if (!head) break;
    if (head->tag == k_seipd || head->tag == k_aead || head->tag == k_sed) {
      m_shape.has_integrity = head->tag != k_sed;
      m_head_done = true;
      break;
    }
    if (head->is_open_ended || head->length > k_max_head) return broken("packet length");
    if (head->tag != k_pkesk && head->tag != k_skesk && head->tag != k_marker) return broken("unexpected packet");
    if (rest.size() < head->header + head->length) break;
    const base::ByteView body = rest.substr(head->header, head->length);
    if (head->tag == k_skesk) m_shape.has_password = true;
    if (head->tag == k_pkesk) {
      if (body.size() < 10 || body[0] != 3) return broken("session key packet");
      if (m_shape.key_ids.size() >= k_max_recipients) return broken("too many recipients");
      m_shape.key_ids.push_back(upper_hex(body.substr(1, 8)));
    }
    rest.remove_prefix(head->header + head->length);
  }
  m_head.erase(0, m_head.size() - rest.size());
  if (m_head_done) m_head.clear();
  if (m_head.size() > k_max_head || (at_end && !m_head_done)) return broken("no encrypted data");
  return base::Done{};
}

base::Result<MessageShape> ArmourReader::finish() {
  if (!m_line.empty()) {
    const std::string line = std::move(m_line);
    if (auto taken = take_line(line); !taken) return taken.error();
  }
  if (m_state != State::after) return broken("armour not closed");
  if (auto walked = walk(true); !walked) return walked.error();
  return std::move(m_shape);
}

}  // namespace crypto::openpgp
