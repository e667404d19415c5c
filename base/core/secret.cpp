#include "base/core/secret.hpp"

#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include <sodium.h>

#include "base/core/random.hpp"

namespace base {
namespace {

// First fit over one locked block: few, long-lived and small objects (keys, passwords in flight). When it is full the
// object comes from a guarded allocation of its own, which is slower and just as locked.
class Arena {
 public:
  char* take(std::size_t size) {
    const std::size_t need = (size + 31) / 32 * 32;
    const std::lock_guard lock(m_mutex);
    if (m_block == nullptr) m_block = static_cast<char*>(sodium_malloc(k_size));
    if (m_block != nullptr) {
      std::size_t at = 0;
      for (const auto& [start, length] : m_used) {
        if (start - at >= need) break;
        at = start + length;
      }
      if (at + need <= k_size) {
        m_used.emplace(at, need);
        return m_block + at;
      }
    }
    auto* own = static_cast<char*>(sodium_malloc(size));
    if (own == nullptr) throw std::bad_alloc();
    return own;
  }

  void give_back(char* data, std::size_t size) {
    sodium_memzero(data, size);
    const std::lock_guard lock(m_mutex);
    if (m_block != nullptr && data >= m_block && data < m_block + k_size) {
      m_used.erase(static_cast<std::size_t>(data - m_block));
      return;
    }
    sodium_free(data);
  }

 private:
  static constexpr std::size_t k_size = 256 * 1024;
  std::mutex m_mutex;
  char* m_block = nullptr;
  std::map<std::size_t, std::size_t> m_used;
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
  if (size > 0) randombytes_buf(out.m_data, size);
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

bool equal_secrets(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(Bytes& bytes) {
  sodium_memzero(bytes.data(), bytes.size());
  bytes.clear();
}

}  // namespace base
