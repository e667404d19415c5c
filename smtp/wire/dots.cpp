#include "smtp/wire/dots.hpp"

#include <cstring>

namespace smtp {
namespace {

// Length of the run without CR and LF at the start of `in`.
std::size_t plain_run(base::ByteView in) {
  const void* lf = std::memchr(in.data(), '\n', in.size());
  std::size_t n = lf == nullptr ? in.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - in.data());
  if (const void* cr = std::memchr(in.data(), '\r', n)) n = static_cast<std::size_t>(static_cast<const char*>(cr) - in.data());
  return n;
}

}  // namespace

Unstuffer::State Unstuffer::feed(base::ByteView in, std::string& out, std::size_t& taken) {
  std::size_t i = 0;
  const auto result = [&](State s) {
    taken = i;
    return s;
  };
  while (i < in.size()) {
    const char c = in[i];
    if (m_at == At::cr || m_at == At::dot_cr) {
      if (c != '\n') return result(State::bare_newline);
      ++i;
      if (m_at == At::dot_cr) return result(State::done);
      out.append("\r\n");
      m_at = At::line_start;
      m_line = 0;
      continue;
    }
    if (c == '\n') return result(State::bare_newline);
    if (c == '\r') {
      m_at = m_at == At::dot ? At::dot_cr : At::cr;
      ++i;
      continue;
    }
    if (m_at == At::line_start && c == '.') {
      m_at = At::dot;
      ++i;
      continue;
    }
    const std::size_t n = plain_run(in.substr(i));
    m_line += n;
    if (m_line > k_max_line) return result(State::line_too_long);
    out.append(in.substr(i, n));
    m_at = At::in_line;
    i += n;
  }
  return result(State::more);
}

void Stuffer::feed(base::ByteView in, std::string& out) {
  if (in.empty()) return;
  m_before = in.size() > 1 ? in[in.size() - 2] : m_last;
  if (!m_search) {
    m_last = in.back();
    out.append(in);
    return;
  }
  std::size_t from = 0;
  bool start = m_line_start;
  while (from < in.size()) {
    if (start && in[from] == '.') out += '.';
    const void* lf = std::memchr(in.data() + from, '\n', in.size() - from);
    const std::size_t end = lf == nullptr ? in.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - in.data()) + 1;
    out.append(in.substr(from, end - from));
    start = lf != nullptr;
    from = end;
  }
  m_line_start = start;
  m_last = in.back();
}

void Stuffer::finish(std::string& out) {
  if (!(m_last == '\n' && m_before == '\r')) out.append("\r\n");
  out.append(".\r\n");
}

}  // namespace smtp
