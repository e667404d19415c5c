#include "mail/message/pieces.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/core/errors.hpp"
#include "mail/message/transfer_encoding.hpp"

namespace mail {
namespace {

constexpr std::size_t k_piece = 32 * 1024;

std::unique_ptr<TransferEncoder> make_encoder(Encoding encoding) {
  return encoding == Encoding::base64 ? make_base64_encoder() : make_quoted_printable_encoder();
}

// Reads ranges of one source in rising order, skipping what lies between.
class RangeReader {
 public:
  explicit RangeReader(std::unique_ptr<base::ByteSource> source) : m_source(std::move(source)) {}

  base::Result<std::size_t> read(std::uint64_t offset, std::span<char> into) {
    while (m_at < offset) {
      std::array<char, 8192> skip;
      const auto got = m_source->read(std::span(skip).first(std::min<std::uint64_t>(skip.size(), offset - m_at)));
      if (!got) return got.error();
      if (*got == 0) return base::fail(base::k_malformed, "content is shorter than its facts say");
      m_at += *got;
    }
    auto got = m_source->read(into);
    if (!got) return got;
    if (*got == 0) return base::fail(base::k_malformed, "content is shorter than its facts say");
    m_at += *got;
    return got;
  }

 private:
  std::unique_ptr<base::ByteSource> m_source;
  std::uint64_t m_at = 0;
};

class PieceSource : public base::ByteSource {
 public:
  PieceSource(std::shared_ptr<const std::vector<Piece>> pieces, std::unique_ptr<base::ByteSource> source)
      : m_pieces(std::move(pieces)), m_reader(std::move(source)) {}

  base::Result<std::size_t> read(std::span<char> into) override {
    if (into.empty()) return std::size_t{0};
    while (true) {
      if (m_buffer_at < m_buffer.size()) {
        const std::size_t n = std::min(into.size(), m_buffer.size() - m_buffer_at);
        std::memcpy(into.data(), m_buffer.data() + m_buffer_at, n);
        m_buffer_at += n;
        return n;
      }
      m_buffer.clear();
      m_buffer_at = 0;
      if (m_index == m_pieces->size()) return std::size_t{0};
      const Piece& piece = (*m_pieces)[m_index];
      if (const auto* range = std::get_if<Range>(&piece)) {
        if (range->begin + m_done == range->end) {
          next();
          continue;
        }
        const auto n = std::min<std::uint64_t>(into.size(), range->end - range->begin - m_done);
        auto got = m_reader.read(range->begin + m_done, into.first(n));
        if (got) m_done += *got;
        return got;
      }
      if (auto filled = fill(piece); !filled) return filled.error();
    }
  }

 private:
  base::Result<void> fill(const Piece& piece) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      m_buffer = *text;
      next();
      return base::Done{};
    }
    const auto& encoded = std::get<EncodedRange>(piece);
    if (!m_encoder) m_encoder = make_encoder(encoded.encoding);
    const std::uint64_t left = encoded.range.end - encoded.range.begin - m_done;
    if (left == 0) {
      m_encoder->finish(m_buffer);
      m_encoder.reset();
      next();
      return base::Done{};
    }
    std::array<char, k_piece> raw;
    const auto got = m_reader.read(encoded.range.begin + m_done, std::span(raw).first(std::min<std::uint64_t>(left, raw.size())));
    if (!got) return got.error();
    m_done += *got;
    m_encoder->feed({raw.data(), *got}, m_buffer);
    return base::Done{};
  }
  void next() {
    ++m_index;
    m_done = 0;
  }

  std::shared_ptr<const std::vector<Piece>> m_pieces;
  RangeReader m_reader;
  std::size_t m_index = 0;
  std::uint64_t m_done = 0;
  std::string m_buffer;
  std::size_t m_buffer_at = 0;
  std::unique_ptr<TransferEncoder> m_encoder;
};

class PieceContent : public base::Content {
 public:
  PieceContent(base::ContentPtr base, std::vector<Piece> pieces)
      : m_base(std::move(base)), m_pieces(std::make_shared<const std::vector<Piece>>(std::move(pieces))) {
    for (const Piece& piece : *m_pieces) {
      if (const auto* range = std::get_if<Range>(&piece)) m_size += range->end - range->begin;
      if (const auto* text = std::get_if<std::string>(&piece)) m_size += text->size();
      if (const auto* encoded = std::get_if<EncodedRange>(&piece)) m_size += encoded->size;
    }
  }
  base::ByteCount size() const override { return {m_size}; }
  base::Result<std::unique_ptr<base::ByteSource>> open() const override {
    auto source = m_base->open();
    if (!source) return std::move(source).error();
    return std::unique_ptr<base::ByteSource>(std::make_unique<PieceSource>(m_pieces, *std::move(source)));
  }

 private:
  base::ContentPtr m_base;
  std::shared_ptr<const std::vector<Piece>> m_pieces;
  std::uint64_t m_size = 0;
};

}  // namespace

base::ContentPtr compose(base::ContentPtr base, std::vector<Piece> pieces) {
  return std::make_shared<const PieceContent>(std::move(base), std::move(pieces));
}

base::Result<std::uint64_t> encoded_size(const base::ContentPtr& base, Range range, Encoding encoding) {
  const std::uint64_t raw = range.end - range.begin;
  if (encoding == Encoding::base64) return (raw + 2) / 3 * 4 + (raw + 56) / 57 * 2;
  auto source = base->open();
  if (!source) return std::move(source).error();
  RangeReader reader(*std::move(source));
  const auto encoder = make_encoder(encoding);
  std::uint64_t size = 0;
  std::array<char, k_piece> piece;
  std::string out;
  for (std::uint64_t done = 0; done < raw;) {
    const auto got = reader.read(range.begin + done, std::span(piece).first(std::min<std::uint64_t>(raw - done, piece.size())));
    if (!got) return got.error();
    done += *got;
    out.clear();
    encoder->feed({piece.data(), *got}, out);
    size += out.size();
  }
  out.clear();
  encoder->finish(out);
  return size + out.size();
}

}  // namespace mail
