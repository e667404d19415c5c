#include "crypto/protect/compose.hpp"

#include <algorithm>
#include <cstring>

#include "base/core/random.hpp"
#include "crypto/protect/errors.hpp"

namespace crypto {
namespace {

// Eight bytes without NUL, CR, LF or a high bit: the usual case, tested at once. A byte is zero exactly if subtracting one
// borrows from its high bit while that bit was clear.
bool is_plain(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto with_zero = [&](std::uint64_t w) { return (w - ones) & ~w & highs; };
  return ((word & highs) | with_zero(word) | with_zero(word ^ ones * '\r') | with_zero(word ^ ones * '\n')) == 0;
}

}  // namespace

bool is_content_field(const mail::HeaderField& field) { return base::starts_with_ignoring_case(field.name, "content-"); }

std::string outer_header(const mail::MessageFacts& facts) {
  std::string out;
  for (const mail::HeaderField& field : facts.header.fields())
    if (!is_content_field(field) && !field.is("MIME-Version")) out.append(field.raw);
  return out + "MIME-Version: 1.0\r\n";
}

std::string make_boundary() { return "=_" + base::to_hex(base::random_bytes(16)); }

base::Result<std::unique_ptr<EntitySource>> EntitySource::open(const base::ContentPtr& message, const mail::MessageFacts& facts) {
  for (const mail::Defect defect : {mail::Defect::malformed_header, mail::Defect::header_too_large})
    if (facts.defects.contains(defect)) return base::fail(k_protect_failed, std::string("message: ") + mail::name_of(defect));
  if (facts.size != message->size() || facts.header_size > facts.size.value || facts.header_size > mail::k_max_header_bytes + 2)
    return base::fail(k_protect_failed, "facts of another message");
  auto source = message->open();
  if (!source) return std::move(source).error();
  std::unique_ptr<EntitySource> out(new EntitySource(std::move(*source)));

  std::string head(facts.header_size, '\0');
  for (std::size_t at = 0; at < head.size();) {
    const auto got = out->m_body->read({head.data() + at, head.size() - at});
    if (!got) return got.error();
    if (*got == 0) return base::fail(k_protect_failed, "message shorter than its header");
    at += *got;
  }
  // the decision was made for these fields: nothing else may leave under it
  const std::string& block = facts.header.block();
  if (head != block && head != block + "\r\n") return base::fail(k_protect_failed, "facts of another header");
  out->m_hash.update(head);
  out->m_left = facts.size.value - facts.header_size;
  for (const mail::HeaderField& field : facts.header.fields()) {
    if (!field.raw.ends_with("\r\n")) return base::fail(k_protect_failed, "header field without CRLF");
    if (is_content_field(field)) out->m_header.append(field.raw);
  }
  out->m_header += "\r\n";
  return out;
}

base::Result<std::size_t> EntitySource::read(std::span<char> into) {
  if (into.empty()) return std::size_t{0};
  if (m_header_at < m_header.size()) {
    const std::size_t n = m_header.copy(into.data(), into.size(), m_header_at);
    m_header_at += n;
    return n;
  }
  auto got = m_body->read(into);
  if (!got) return got;
  if (*got > m_left) return base::fail(k_protect_failed, "message longer than its facts say");
  m_left -= *got;
  m_hash.update({into.data(), *got});
  return got;
}

base::Result<base::Sha256Digest> EntitySource::finish() {
  if (m_left != 0 || m_header_at != m_header.size()) return base::fail(k_protect_failed, "message was not read to its end");
  return m_hash.finish();
}

base::Result<void> SevenBitCheck::check(base::ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    while (!m_after_cr && bytes.size() - i >= 8 && is_plain(bytes.data() + i)) i += 8;
    if (i == bytes.size()) break;
    const char c = bytes[i];
    const bool bare = m_after_cr ? c != '\n' : c == '\n';
    if (bare || c == '\0' || static_cast<unsigned char>(c) > 127) return base::fail(k_protect_failed, "content to be signed is not 7-bit clean");
    m_after_cr = c == '\r';
  }
  return base::Done{};
}

base::Result<void> SevenBitCheck::finish() const {
  if (m_after_cr) return base::fail(k_protect_failed, "content to be signed ends in a bare CR");
  return base::Done{};
}

base::Result<std::size_t> TeeSource::read(std::span<char> into) {
  auto got = m_from.read(into);
  if (!got) return got;
  const base::ByteView bytes{into.data(), *got};
  if (m_check)
    if (auto clean = bytes.empty() ? m_seven_bit.finish() : m_seven_bit.check(bytes); !clean) return clean.error();
  if (auto put = m_to.write(bytes); !put) return put.error();
  return got;
}

base::Result<void> Base64Sink::write(base::ByteView bytes) {
  m_text.clear();
  m_encoder->feed(bytes, m_text);
  return m_out.write(m_text);
}

base::Result<void> Base64Sink::finish() {
  m_text.clear();
  m_encoder->finish(m_text);
  return m_out.write(m_text);
}

base::Result<void> CrlfSink::write(base::ByteView bytes) {
  m_text.clear();
  for (const char c : bytes) {
    if (c == '\n' && m_last != '\r') m_text += '\r';
    m_text += c;
    m_last = c;
  }
  return m_out.write(m_text);
}

}  // namespace crypto
