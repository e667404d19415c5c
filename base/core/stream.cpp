#include "base/core/stream.hpp"

#include <array>
#include <cstring>

#include "base/core/errors.hpp"

namespace base {
namespace {

class StringSource : public ByteSource {
 public:
  explicit StringSource(std::shared_ptr<const Bytes> bytes) : m_bytes(std::move(bytes)) {}

  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t n = std::min(into.size(), m_bytes->size() - m_at);
    if (n > 0) std::memcpy(into.data(), m_bytes->data() + m_at, n);
    m_at += n;
    return n;
  }

 private:
  std::shared_ptr<const Bytes> m_bytes;
  std::size_t m_at = 0;
};

class StringContent : public Content {
 public:
  explicit StringContent(Bytes bytes) : m_bytes(std::make_shared<const Bytes>(std::move(bytes))) {}
  ByteCount size() const override { return {m_bytes->size()}; }
  Result<std::unique_ptr<ByteSource>> open() const override {
    return std::unique_ptr<ByteSource>(std::make_unique<StringSource>(m_bytes));
  }

 private:
  std::shared_ptr<const Bytes> m_bytes;
};

constexpr std::size_t k_piece = 64 * 1024;

}  // namespace

ContentPtr make_content(Bytes bytes) { return std::make_shared<const StringContent>(std::move(bytes)); }

Result<void> copy(ByteSource& from, ByteSink& to) {
  const auto piece = std::make_unique<std::array<char, k_piece>>();
  while (true) {
    const auto got = from.read(*piece);
    if (!got) return got.error();
    if (*got == 0) return Done{};
    if (auto put = to.write({piece->data(), *got}); !put) return put;
  }
}

Result<Bytes> read_all(const Content& content, ByteCount limit) {
  if (content.size() > limit) return fail(k_too_large, "content of " + std::to_string(content.size().value) + " bytes");
  auto source = content.open();
  if (!source) return std::move(source).error();
  StringSink sink(limit);
  sink.bytes().reserve(content.size().value);
  if (auto done = copy(**source, sink); !done) return done.error();
  return std::move(sink.bytes());
}

Result<void> StringSink::write(ByteView bytes) {
  if (m_bytes.size() + bytes.size() > m_limit.value) return fail(k_too_large, "sink limit");
  m_bytes.append(bytes);
  return Done{};
}

}  // namespace base
