#include "mail/message/inspect.hpp"

#include <array>
#include <cstring>

#include "base/core/bytes.hpp"
#include "mail/message/summary.hpp"

namespace mail {
namespace {

constexpr std::size_t k_max_line = 998;         // RFC 5322 section 2.1.1
constexpr std::size_t k_kept_line = 2048;       // enough of a line for any boundary (RFC 2046: 70 characters)

bool has_high_bit(base::ByteView bytes) {
  // eight bytes at a time: this runs over every byte of every message
  std::size_t i = 0;
  std::uint64_t acc = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    acc |= word;
  }
  for (; i < bytes.size(); ++i) acc |= static_cast<unsigned char>(bytes[i]);
  return (acc & 0x8080808080808080ull) != 0;
}

struct Open {
  std::size_t part = 0;
  std::string boundary;            // "--" in front; empty for message/rfc822
  bool is_digest = false;
  bool is_signed = false;
};

}  // namespace

struct Inspector::Impl {
  MessageFacts facts;
  std::string line;                // the current line while it is incomplete, at most k_kept_line
  std::uint64_t line_begin = 0;    // its offset
  std::uint64_t line_size = 0;     // so far
  bool line_high = false, line_nul = false;
  std::uint64_t offset = 0;
  std::vector<Open> open;          // multiparts and embedded messages that enclose the current place
  std::size_t part = 0;            // the current one
  bool in_header = true;
  std::string header;              // of the current part
  bool header_overflow = false;

  Impl() { facts.parts.push_back({}); }

  std::size_t header_limit() const { return part == 0 ? k_max_header_bytes : k_max_part_header_bytes; }

  void feed(base::ByteView bytes) {
    while (!bytes.empty()) {
      const void* lf = std::memchr(bytes.data(), '\n', bytes.size());
      const std::size_t n = lf == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - bytes.data()) + 1;
      const base::ByteView piece = bytes.substr(0, n);
      bytes.remove_prefix(n);
      offset += n;
      line_high = line_high || has_high_bit(piece);
      line_nul = line_nul || std::memchr(piece.data(), 0, n) != nullptr;
      line_size += n;
      if (lf == nullptr) {
        keep(piece);
        return;
      }
      if (line.empty()) {
        end_line(piece);
      } else {
        keep(piece);
        const std::string whole = std::move(line);
        end_line(whole);
      }
      line.clear();
      line_begin = offset;
      line_size = 0;
      line_high = line_nul = false;
    }
  }

  void keep(base::ByteView piece) {
    // header lines are needed whole, up to the header's own limit
    const std::size_t cap = in_header ? header_limit() + 2 : k_kept_line;
    if (line.size() < cap) line.append(piece.substr(0, cap - line.size()));
  }

  void end_line(base::ByteView text) {
    const bool too_long = line_size > k_max_line + 2;
    if (too_long) facts.defects.insert(Defect::line_too_long);
    if (line_nul) facts.defects.insert(Defect::nul_byte);
    if (text.front() == '.') facts.dot_lines = true;
    if (text.starts_with("--") && !open.empty() && take_boundary(text)) return;
    if (in_header) {
      header_line(text);
      return;
    }
    note_body(too_long);  // what lies between parts counts for their container
  }

  void note_body(bool too_long) {
    Part& p = facts.parts[part];
    p.has_8bit = p.has_8bit || line_high;
    p.has_odd_lines = p.has_odd_lines || too_long || line_nul;
    facts.has_8bit_body = facts.has_8bit_body || line_high;
  }

  void header_line(base::ByteView text) {
    if (line_high) {
      facts.parts[part].has_8bit_header = true;
      (part == 0 ? facts.has_8bit_header : facts.has_8bit_body) = true;
    }
    if (text == "\r\n" || text == "\n") {
      end_header(offset);
      return;
    }
    if (header.size() + text.size() > header_limit()) header_overflow = true;
    if (header_overflow) return;
    header.append(text);
  }

  // the header of the current part is complete; its body begins at `body`
  void end_header(std::uint64_t body) {
    in_header = false;
    if (header_overflow) facts.defects.insert(part == 0 ? Defect::header_too_large : Defect::part_header_too_large);
    bool clean = true;
    const Header parsed = Header::parse_leniently(std::move(header), clean);
    header.clear();
    header_overflow = false;
    if (!clean && part == 0) facts.defects.insert(Defect::malformed_header);
    Part& p = facts.parts[part];
    p.body_begin = body;
    const bool in_digest = !open.empty() && open.back().is_digest;
    if (!describe_part(parsed, in_digest, p)) facts.defects.insert(Defect::malformed_content_type);
    if (part == 0) {
      facts.header = parsed;
      facts.header_size = body;
      if (!p.type.starts_with("multipart/") || !p.boundary.empty()) facts.wrapping = wrapping_of(parsed);
    }
    descend();
  }

  // opens what the current part encloses
  void descend() {
    const Part p = facts.parts[part];
    if (p.type.starts_with("multipart/")) {
      if (p.boundary.empty()) {
        facts.defects.insert(Defect::missing_boundary);
        return;
      }
      if (p.depth >= k_max_depth) {
        facts.defects.insert(Defect::too_deep);
        return;
      }
      open.push_back({part, "--" + p.boundary, p.type == "multipart/digest", p.type == "multipart/signed"});
      return;
    }
    if (p.type == "message/rfc822" && p.transfer_encoding != "base64" && p.transfer_encoding != "quoted-printable") {
      if (p.depth >= k_max_depth) {
        facts.defects.insert(Defect::too_deep);
        return;
      }
      open.push_back({part, {}, false, false});
      begin_part(offset);
    }
  }

  void begin_part(std::uint64_t at) {
    if (facts.parts.size() >= k_max_parts) {
      facts.defects.insert(Defect::too_many_parts);
      in_header = false;
      return;
    }
    Part next;
    next.parent = open.back().part;
    next.depth = open.size();
    next.header_begin = at;
    for (const auto& o : open) next.under_signature = next.under_signature || o.is_signed;
    part = facts.parts.size();
    facts.parts.push_back(next);
    in_header = true;
    header.clear();
    header_overflow = false;
  }

  // A delimiter line of an enclosing multipart (RFC 2046 section 5.1.1): the boundary, perhaps "--", blanks, CRLF. A line
  // that only begins like one is content.
  bool take_boundary(base::ByteView text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    for (std::size_t i = open.size(); i-- > 0;) {
      const std::string& boundary = open[i].boundary;
      if (boundary.empty() || !text.starts_with(boundary)) continue;
      const base::ByteView tail = text.substr(boundary.size());
      if (!tail.empty() && tail != "--") continue;
      close_down_to(i);
      if (tail.empty()) {
        begin_part(offset);
      } else {
        part = open[i].part;
        open.pop_back();
        in_header = false;
      }
      return true;
    }
    return false;
  }

  // ends every part below multipart `i`; its own end is set when its parent goes on
  void close_down_to(std::size_t i) {
    const std::uint64_t end = line_begin >= 2 ? line_begin - 2 : 0;
    if (in_header) end_unfinished_header(end);
    for (std::size_t k = facts.parts.size(); k-- > open[i].part + 1;) {
      Part& p = facts.parts[k];
      if (p.body_end == 0 && p.body_begin != 0) p.body_end = std::max(end, p.body_begin);
    }
    open.resize(i + 1);
  }

  // a part that ended within its header: all of it was header, the body is empty
  void end_unfinished_header(std::uint64_t end) {
    const std::uint64_t body = std::max(end, facts.parts[part].header_begin);
    const std::size_t unfinished = part;
    const std::size_t enclosing = open.size();
    end_header(body == 0 ? offset : body);
    open.resize(enclosing);  // what has no body encloses nothing
    part = unfinished;
  }

  MessageFacts finish() {
    if (line_size > 0) {
      const std::string rest = std::move(line);
      end_line(rest);
    }
    if (in_header) end_unfinished_header(offset);
    for (const auto& o : open)
      if (!o.boundary.empty()) facts.defects.insert(Defect::unterminated_multipart);
    for (Part& p : facts.parts)
      if (p.body_end == 0) p.body_end = offset;
    facts.size = {offset};
    summarise(facts);
    return std::move(facts);
  }
};

Inspector::Inspector() : m_impl(std::make_unique<Impl>()) {}
Inspector::~Inspector() = default;
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;

void Inspector::feed(base::ByteView bytes) { m_impl->feed(bytes); }
MessageFacts Inspector::finish() { return m_impl->finish(); }

MessageFacts inspect(base::ByteView message) {
  Inspector inspector;
  inspector.feed(message);
  return inspector.finish();
}

base::Result<MessageFacts> inspect(const base::Content& message) {
  auto source = message.open();
  if (!source) return std::move(source).error();
  Inspector inspector;
  const auto piece = std::make_unique<std::array<char, 65536>>();
  while (true) {
    const auto got = (*source)->read(*piece);
    if (!got) return got.error();
    if (*got == 0) return inspector.finish();
    inspector.feed({piece->data(), *got});
  }
}

}  // namespace mail
