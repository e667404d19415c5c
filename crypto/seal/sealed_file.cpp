#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "base/core/descriptor.hpp"
#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "crypto/seal/errors.hpp"
#include "crypto/seal/seal.hpp"

namespace crypto::seal {
namespace {

constexpr std::size_t k_chunk = 64 * 1024;
constexpr std::size_t k_overhead = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::size_t k_header = crypto_secretstream_xchacha20poly1305_HEADERBYTES;

// A sealed file that is not there was ours: an error of the disk, never an answer.
base::Error from_errno(const std::filesystem::path& path) {
  auto error = base::error_of_errno(path, "sealed file");
  if (error.code == base::k_not_found) error.code = base::k_io;
  return error;
}

}  // namespace

struct SealedFileWriter::Impl {
  Impl(std::filesystem::path p, int descriptor) : path(std::move(p)), fd(descriptor) { pending.reserve(k_chunk); }

  base::Result<void> put(base::ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return from_errno(path);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return base::Done{};
  }

  base::Result<void> push(base::ByteView chunk, unsigned char tag) {
    out.resize(chunk.size() + k_overhead);
    crypto_secretstream_xchacha20poly1305_push(&state, base::u8(out), nullptr, base::u8(chunk), chunk.size(), nullptr, 0, tag);
    return put(out);
  }

  std::filesystem::path path;
  base::Descriptor fd;
  crypto_secretstream_xchacha20poly1305_state state{};
  base::Bytes pending, out;
  std::uint64_t size = 0;
};

SealedFileWriter::SealedFileWriter(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
SealedFileWriter::~SealedFileWriter() { base::wipe(m_impl->pending); }

base::Result<std::unique_ptr<SealedFileWriter>> SealedFileWriter::create(const std::filesystem::path& path, const base::SecretBytes& key) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return from_errno(path);
  auto impl = std::make_unique<Impl>(path, fd);
  base::Bytes header(k_header, '\0');
  crypto_secretstream_xchacha20poly1305_init_push(&impl->state, base::u8(header), key.data());
  if (auto done = impl->put(header); !done) return done.error();
  return std::unique_ptr<SealedFileWriter>(new SealedFileWriter(std::move(impl)));
}

base::Result<void> SealedFileWriter::write(base::ByteView bytes) {
  m_impl->size += bytes.size();
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), k_chunk - m_impl->pending.size());
    m_impl->pending.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (m_impl->pending.size() < k_chunk) break;
    if (auto done = m_impl->push(m_impl->pending, 0); !done) return done;
    m_impl->pending.clear();
  }
  return base::Done{};
}

base::Result<void> SealedFileWriter::finish() {
  return m_impl->push(m_impl->pending, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

base::Result<void> SealedFileWriter::sync() {
  if (::fdatasync(m_impl->fd.get()) != 0) return from_errno(m_impl->path);
  return base::sync_directory(m_impl->path.parent_path());
}

base::ByteCount SealedFileWriter::size() const { return {m_impl->size}; }

namespace {

class SealedFileSource : public base::ByteSource {
 public:
  SealedFileSource(int fd, std::filesystem::path path) : m_fd(fd), m_path(std::move(path)) {}

  base::Result<void> start(const base::SecretBytes& key) {
    auto header = read_up_to(k_header);
    if (!header) return std::move(header).error();
    if (header->size() != k_header || crypto_secretstream_xchacha20poly1305_init_pull(&m_state, base::u8(*header), key.data()) != 0)
      return base::fail(k_sealed_broken, m_path.string());
    return base::Done{};
  }

  base::Result<std::size_t> read(std::span<char> into) override {
    while (m_at == m_plain.size()) {
      if (m_final) return std::size_t{0};
      if (auto more = pull(); !more) return std::move(more).error();
    }
    const std::size_t n = std::min(into.size(), m_plain.size() - m_at);
    std::memcpy(into.data(), m_plain.data() + m_at, n);
    m_at += n;
    return n;
  }

 private:
  base::Result<void> pull() {
    auto chunk = read_up_to(k_chunk + k_overhead);
    if (!chunk) return std::move(chunk).error();
    if (chunk->size() < k_overhead) return base::fail(k_sealed_broken, m_path.string() + ": cut");
    m_plain.resize(chunk->size() - k_overhead);
    m_at = 0;
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&m_state, base::u8(m_plain), nullptr, &tag, base::u8(*chunk), chunk->size(), nullptr, 0) != 0)
      return base::fail(k_sealed_broken, m_path.string());
    m_final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return base::Done{};
  }

  base::Result<base::Bytes> read_up_to(std::size_t want) {
    base::Bytes out(want, '\0');
    std::size_t have = 0;
    while (have < want) {
      const ssize_t n = ::read(m_fd.get(), out.data() + have, want - have);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return from_errno(m_path);
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
  }

  base::Descriptor m_fd;
  std::filesystem::path m_path;
  crypto_secretstream_xchacha20poly1305_state m_state{};
  base::Bytes m_plain;
  std::size_t m_at = 0;
  bool m_final = false;
};

class SealedFileContent : public base::Content {
 public:
  SealedFileContent(std::filesystem::path path, base::SecretBytes key, base::ByteCount size)
      : m_path(std::move(path)), m_key(std::move(key)), m_size(size) {}
  base::ByteCount size() const override { return m_size; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override {
    const int fd = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return from_errno(m_path);
    auto source = std::make_unique<SealedFileSource>(fd, m_path);
    if (auto started = source->start(m_key); !started) return started.error();
    return std::unique_ptr<base::ByteSource>(std::move(source));
  }

 private:
  std::filesystem::path m_path;
  base::SecretBytes m_key;
  base::ByteCount m_size;
};

}  // namespace

base::ContentPtr open_sealed_file(std::filesystem::path path, base::SecretBytes key, base::ByteCount size) {
  return std::make_shared<const SealedFileContent>(std::move(path), std::move(key), size);
}

}  // namespace crypto::seal
