// Promise: the pieces that S/MIME and OpenPGP output are put together from: the outer header, the inner entity as a stream,
// sinks that check and convert on the way. Inside crypto/protect only.
// Standards: RFC 8551 section 3.1 (inner entity), RFC 1847 (multipart/signed), RFC 2045 section 5.2 (defaults).
#pragma once

#include <memory>
#include <string>

#include "base/core/digest.hpp"
#include "base/core/stream.hpp"
#include "mail/message/facts.hpp"
#include "mail/message/transfer_encoding.hpp"

namespace crypto {

bool is_content_field(const mail::HeaderField& field);

// Every field that is not Content-* or MIME-Version, as it stands, then one MIME-Version.
std::string outer_header(const mail::MessageFacts& facts);
// 128 random bits: it cannot occur in the content but by chance.
std::string make_boundary();

// What goes inside: the Content-* fields, an empty line, the body, read once. Without Content-* fields the header is empty,
// and RFC 2045's defaults hold inside as they held outside. Takes the digest of the whole message on the way, and refuses
// to go on if the header is not the one that `facts` describe.
class EntitySource : public base::ByteSource {
 public:
  static base::Result<std::unique_ptr<EntitySource>> open(const base::ContentPtr& message, const mail::MessageFacts& facts);
  base::Result<std::size_t> read(std::span<char> into) override;
  base::Result<base::Sha256Digest> finish();  // k_protect_failed unless everything was read

 private:
  explicit EntitySource(std::unique_ptr<base::ByteSource> body) : m_body(std::move(body)) {}
  std::unique_ptr<base::ByteSource> m_body;
  std::string m_header;
  std::size_t m_header_at = 0;
  std::uint64_t m_left = 0;
  base::Sha256 m_hash;
};

// Passes on what is fit to be signed: 7-bit, no NUL, no bare CR or LF (RFC 1847 section 2.1). k_protect_failed.
class SevenBitCheck {
 public:
  base::Result<void> check(base::ByteView bytes);
  base::Result<void> finish() const;

 private:
  bool m_after_cr = false;
};

// A source that shows what is read to a sink as well.
class TeeSource : public base::ByteSource {
 public:
  TeeSource(base::ByteSource& from, base::ByteSink& to, bool check_seven_bit) : m_from(from), m_to(to), m_check(check_seven_bit) {}
  base::Result<std::size_t> read(std::span<char> into) override;

 private:
  base::ByteSource& m_from;
  base::ByteSink& m_to;
  bool m_check;
  SevenBitCheck m_seven_bit;
};

class Base64Sink : public base::ByteSink {
 public:
  explicit Base64Sink(base::ByteSink& out) : m_out(out), m_encoder(mail::make_base64_encoder()) {}
  base::Result<void> write(base::ByteView bytes) override;
  base::Result<void> finish();

 private:
  base::ByteSink& m_out;
  std::unique_ptr<mail::TransferEncoder> m_encoder;
  std::string m_text;
};

// LF becomes CRLF; gpg's armour comes with LF.
class CrlfSink : public base::ByteSink {
 public:
  explicit CrlfSink(base::ByteSink& out) : m_out(out) {}
  base::Result<void> write(base::ByteView bytes) override;

 private:
  base::ByteSink& m_out;
  std::string m_text;
  char m_last = 0;
};

}  // namespace crypto
