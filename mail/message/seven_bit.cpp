#include "mail/message/seven_bit.hpp"

#include <algorithm>

#include "mail/address/errors.hpp"
#include "mail/message/pieces.hpp"

namespace mail {
namespace {

bool is_container(const MessageFacts& facts, std::size_t index) {
  for (std::size_t i = 1; i < facts.parts.size(); ++i)
    if (facts.parts[i].parent == index) return true;
  return false;
}

base::Result<std::string> read_range(const base::ContentPtr& content, Range range) {
  const auto piece = compose(content, {range});
  return base::read_all(*piece, {k_max_header_bytes * 2});
}

// The header of `part` with its Content-Transfer-Encoding set.
base::Result<std::string> header_with_encoding(const base::ContentPtr& message, const Part& part, const char* encoding) {
  auto block = read_range(message, {part.header_begin, part.body_begin});
  if (!block) return block;
  bool clean = true;
  const Header header = Header::parse_leniently(*block, clean);
  const std::string field = std::string("Content-Transfer-Encoding: ") + encoding + "\r\n";
  std::string out;
  bool written = false;
  for (const HeaderField& f : header.fields()) {
    if (!f.is("Content-Transfer-Encoding")) {
      out.append(f.raw);
    } else if (!written) {
      out.append(field);
      written = true;
    }
  }
  if (!written) out.append(field);
  if (!clean) return base::fail(k_cannot_convert, "a part's header holds a line that is no field");
  return out + "\r\n";
}

// What becomes of one part: nothing, another label, or an encoded body.
enum class Treatment { leave, relabel, quoted_printable, base64 };

base::Result<Treatment> treatment_of(const MessageFacts& facts, std::size_t index) {
  const Part& part = facts.parts[index];
  const bool labelled_8bit = part.transfer_encoding == "8bit" || part.transfer_encoding == "binary";
  const bool odd = part.has_8bit || part.has_odd_lines;
  if (index != 0 && part.has_8bit_header) return base::fail(k_cannot_convert, "8-bit header field in a part");
  const bool container = is_container(facts, index);
  if (container && odd) return base::fail(k_cannot_convert, "8-bit text between the parts of a multipart");
  if (container) return labelled_8bit ? Treatment::relabel : Treatment::leave;
  if (!odd) return labelled_8bit && !part.under_signature ? Treatment::relabel : Treatment::leave;
  if (part.under_signature) return base::fail(k_cannot_convert, "8-bit content below a signature");
  if (part.type.starts_with("multipart/") || part.type.starts_with("message/"))
    return base::fail(k_cannot_convert, "8-bit content in a part that cannot be looked into");
  if (part.transfer_encoding == "base64" || part.transfer_encoding == "quoted-printable")
    return base::fail(k_cannot_convert, "8-bit content in a part that claims to be encoded");
  return part.type.starts_with("text/") && part.transfer_encoding != "binary" ? Treatment::quoted_printable : Treatment::base64;
}

}  // namespace

bool needs_seven_bit(const MessageFacts& facts) {
  return facts.has_8bit_body || facts.defects.contains(Defect::line_too_long) || facts.defects.contains(Defect::nul_byte);
}

base::Result<base::ContentPtr> make_seven_bit(base::ContentPtr message, const MessageFacts& facts) {
  std::vector<Piece> pieces;
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < facts.parts.size(); ++i) {
    const Part& part = facts.parts[i];
    const auto treatment = treatment_of(facts, i);
    if (!treatment) return treatment.error();
    if (*treatment == Treatment::leave) continue;
    const bool encode = *treatment != Treatment::relabel;
    const bool quoted = *treatment == Treatment::quoted_printable;
    auto header = header_with_encoding(message, part, !encode ? "7bit" : quoted ? "quoted-printable" : "base64");
    if (!header) return std::move(header).error();
    if (part.header_begin > at) pieces.emplace_back(Range{at, part.header_begin});
    pieces.emplace_back(*std::move(header));
    at = part.body_begin;
    if (!encode) continue;
    const Range body{part.body_begin, part.body_end};
    const Encoding encoding = quoted ? Encoding::quoted_printable : Encoding::base64;
    const auto size = encoded_size(message, body, encoding);
    if (!size) return size.error();
    pieces.emplace_back(EncodedRange{body, encoding, *size});
    at = part.body_end;
  }
  if (pieces.empty()) return message;
  const std::uint64_t end = message->size().value;
  if (at < end) pieces.emplace_back(Range{at, end});
  return compose(std::move(message), std::move(pieces));
}

}  // namespace mail
