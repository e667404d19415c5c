#include "mail/message/transfer_encoding.hpp"

#include <algorithm>

#include "mail/address/errors.hpp"

namespace mail {
namespace {

constexpr std::size_t k_line = 76;
constexpr std::size_t k_group = k_line / 4 * 3;  // 57 bytes make a full line of base64

class Base64Encoder : public TransferEncoder {
 public:
  void feed(base::ByteView bytes, std::string& out) override {
    if (!m_rest.empty()) {
      const std::size_t take = std::min(k_group - m_rest.size(), bytes.size());
      m_rest.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (m_rest.size() < k_group) return;
      out.append(base::to_base64(m_rest)).append("\r\n");
      m_rest.clear();
    }
    while (bytes.size() >= k_group) {
      out.append(base::to_base64(bytes.substr(0, k_group))).append("\r\n");
      bytes.remove_prefix(k_group);
    }
    m_rest.assign(bytes);
  }
  void finish(std::string& out) override {
    if (m_rest.empty()) return;
    out.append(base::to_base64(m_rest)).append("\r\n");
    m_rest.clear();
  }

 private:
  std::string m_rest;
};

class QuotedPrintableEncoder : public TransferEncoder {
 public:
  void feed(base::ByteView bytes, std::string& out) override {
    for (const char c : bytes) put(c, out);
  }
  void finish(std::string& out) override {
    if (m_cr) literal_cr(out);
    flush_blank(out, true);
    m_column = 0;
  }

 private:
  void put(char c, std::string& out) {
    if (m_cr) {
      m_cr = false;
      if (c == '\n') {
        flush_blank(out, true);
        out.append("\r\n");
        m_column = 0;
        return;
      }
      literal_cr(out);
    }
    if (c == '\r') {
      m_cr = true;
      return;
    }
    if (c == ' ' || c == '\t') {  // a blank at the end of a line must be encoded: wait for what follows
      flush_blank(out, false);
      m_blank = c;
      return;
    }
    flush_blank(out, false);
    const auto u = static_cast<unsigned char>(c);
    // "." and "From " at the start of a line are encoded too: no later hop can then have a reason to touch them
    const bool risky = m_column == 0 && (c == '.' || c == 'F');
    if (u > 32 && u < 127 && c != '=' && !risky)
      emit({&c, 1}, out);
    else
      coded(c, out);
  }
  void literal_cr(std::string& out) {
    m_cr = false;
    flush_blank(out, false);
    coded('\r', out);
  }
  void flush_blank(std::string& out, bool at_end) {
    if (m_blank == '\0') return;
    const char c = m_blank;
    m_blank = '\0';
    if (at_end)
      coded(c, out);
    else
      emit({&c, 1}, out);
  }
  void coded(char c, std::string& out) {
    static constexpr char k_digits[] = "0123456789ABCDEF";
    const auto u = static_cast<unsigned char>(c);
    const char text[3] = {'=', k_digits[u >> 4], k_digits[u & 15]};
    emit({text, 3}, out);
  }
  void emit(std::string_view text, std::string& out) {
    if (m_column + text.size() > k_line - 1) {
      out.append("=\r\n");
      m_column = 0;
    }
    out.append(text);
    m_column += text.size();
  }

  std::size_t m_column = 0;
  char m_blank = '\0';
  bool m_cr = false;
};

// One line without its end; false where an escape is none.
bool decode_quoted_line(std::string_view line, std::string& out) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '=') {
      out += line[i];
      continue;
    }
    const auto byte = base::parse_hex(line.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return false;
    out += *byte;
    i += 2;
  }
  return true;
}

base::Result<std::string> decode_quoted_printable(base::ByteView body) {
  std::string out;
  while (!body.empty()) {
    const auto lf = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, lf);
    const bool ended = lf < body.size();
    body.remove_prefix(ended ? lf + 1 : lf);
    const bool crlf = ended && line.ends_with('\r');
    if (crlf) line.remove_suffix(1);
    // blanks at the end of a line were added on the way (RFC 2045 section 6.7, rule 3)
    while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
    const bool soft = line.ends_with('=');
    if (soft) line.remove_suffix(1);
    if (!decode_quoted_line(line, out)) return base::fail(k_malformed_mime, "quoted-printable");
    if (ended && !soft) out += crlf ? "\r\n" : "\n";
  }
  return out;
}

}  // namespace

base::Result<std::string> decode_transfer(std::string_view encoding, base::ByteView body) {
  if (encoding == "7bit" || encoding == "8bit" || encoding == "binary") return std::string(body);
  if (encoding == "quoted-printable") return decode_quoted_printable(body);
  if (encoding != "base64") return base::fail(k_malformed_mime, "unknown transfer encoding");
  std::string digits;
  digits.reserve(body.size());
  std::copy_if(body.begin(), body.end(), std::back_inserter(digits), [](char c) { return c != '\r' && c != '\n' && c != ' ' && c != '\t'; });
  auto bytes = base::parse_base64(digits);
  if (!bytes) return base::fail(k_malformed_mime, "base64");
  return bytes;
}

std::unique_ptr<TransferEncoder> make_base64_encoder() { return std::make_unique<Base64Encoder>(); }
std::unique_ptr<TransferEncoder> make_quoted_printable_encoder() { return std::make_unique<QuotedPrintableEncoder>(); }

}  // namespace mail
