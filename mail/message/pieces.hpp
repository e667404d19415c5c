// A Content put together from ranges of another, text of our own, and ranges that are encoded as they are read; inside
// mail/message only.
#pragma once

#include <variant>
#include <vector>

#include "base/core/stream.hpp"

namespace mail {

struct Range {
  std::uint64_t begin = 0, end = 0;
};
enum class Encoding { base64, quoted_printable };
struct EncodedRange {
  Range range;
  Encoding encoding = Encoding::base64;
  std::uint64_t size = 0;  // of the encoded form
};
using Piece = std::variant<Range, std::string, EncodedRange>;

// The pieces in their order. Ranges name bytes of `base`; they rise, so that one pass over it is enough.
base::ContentPtr compose(base::ContentPtr base, std::vector<Piece> pieces);

// Size of the encoded form of a range: one pass over it for quoted-printable.
base::Result<std::uint64_t> encoded_size(const base::ContentPtr& base, Range range, Encoding encoding);

}  // namespace mail
