#include "base/core/secret.hpp"

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <sodium.h>

#include "base/core/random.hpp"

namespace base {
namespace {

// One locked block, in two halves: slots of 32 bytes, which is what a key takes, from a list of free ones; above them first
// fit for the few longer things (passwords in flight). When it is full the object comes from a guarded allocation of its
// own, which is slower and just as locked.
class Arena {
 public:
  char* take(std::size_t size) {
    const std::lock_guard lock(m_mutex);
    if (m_block == nullptr) make_block();
    char* out = size <= k_slot ? take_slot() : take_long(size);
    if (out == nullptr) out = static_cast<char*>(sodium_malloc(size));
    if (out == nullptr) throw std::bad_alloc();
    return out;
  }

  void give_back(char* data, std::size_t size) {
    sodium_memzero(data, size);
    const std::lock_guard lock(m_mutex);
    const bool ours = m_block != nullptr && data >= m_block && data < m_block + k_size;
    if (!ours)
      sodium_free(data);
    else if (data < m_block + k_slots_end)
      m_free.push_back(static_cast<std::uint16_t>(static_cast<std::size_t>(data - m_block) / k_slot));
    else
      m_used.erase(static_cast<std::size_t>(data - m_block));
  }

 private:
  static constexpr std::size_t k_size = 256 * 1024, k_slots_end = k_size / 2, k_slot = 32;

  void make_block() {
    init_crypto();  // a key may be the first thing that a process makes
    m_block = static_cast<char*>(sodium_malloc(k_size));
    if (m_block == nullptr) return;
    for (std::size_t i = k_slots_end / k_slot; i > 0; --i) m_free.push_back(static_cast<std::uint16_t>(i - 1));
  }

  char* take_slot() {
    if (m_free.empty()) return nullptr;
    const std::size_t slot = m_free.back();
    m_free.pop_back();
    return m_block + slot * k_slot;
  }

  char* take_long(std::size_t size) {
    if (m_block == nullptr) return nullptr;
    const std::size_t need = (size + k_slot - 1) / k_slot * k_slot;
    std::size_t at = k_slots_end;
    for (const auto& [start, length] : m_used) {
      if (start - at >= need) break;
      at = start + length;
    }
    if (at + need > k_size) return nullptr;
    m_used.emplace(at, need);
    return m_block + at;
  }

  std::mutex m_mutex;
  char* m_block = nullptr;
  std::vector<std::uint16_t> m_free;          // slots, the last given back first
  std::map<std::size_t, std::size_t> m_used;  // of the upper half: where, how long
};

Arena& arena() {
  static auto* a = new Arena;  // never destroyed: secrets of static storage may outlive any order of destruction
  return *a;
}

}  // namespace

SecretBytes::SecretBytes(std::size_t size) : m_size(size) {
  if (size == 0) return;
  m_data = arena().take(size);
  std::memset(m_data, 0, size);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes out(bytes.size());
  if (!bytes.empty()) std::memcpy(out.m_data, bytes.data(), bytes.size());
  return out;
}

SecretBytes SecretBytes::random(std::size_t size) {
  SecretBytes out(size);
  if (size > 0) fill_random(out.m_data, size);
  return out;
}

SecretBytes::~SecretBytes() {
  if (m_data != nullptr) arena().give_back(m_data, m_size);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_size(std::exchange(other.m_size, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(m_data, other.m_data);
  std::swap(m_size, other.m_size);
  return *this;
}

bool equal_secrets(ByteView a, ByteView b) { return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0; }

void wipe(Bytes& bytes) {
  sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace base
