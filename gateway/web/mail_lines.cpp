#include "gateway/web/mail_lines.hpp"

namespace web {

const char* MailLines::feed(base::ByteView in, base::Bytes& out) {
  while (!in.empty()) {
    if (m_cr) {
      if (in.front() != '\n') return "a bare CR";
      if (m_ends == Ends::lf) return "lines that end with LF and lines that end with CRLF";
      m_ends = Ends::crlf;
      m_cr = false;
      m_line = 0;
      out += "\r\n";
      in.remove_prefix(1);
      continue;
    }
    const auto end = in.find_first_of("\r\n");
    const base::ByteView text = in.substr(0, end);
    out.append(text);
    m_line += text.size();
    if (m_line > k_max_line) return "a line of more than 65536 bytes";
    if (end == base::ByteView::npos) return nullptr;
    in.remove_prefix(end + 1);
    if (in.data()[-1] == '\r') {
      m_cr = true;
      continue;
    }
    if (m_ends == Ends::crlf) return "lines that end with LF and lines that end with CRLF";
    m_ends = Ends::lf;
    m_line = 0;
    out += "\r\n";
  }
  return nullptr;
}

const char* MailLines::finish(base::Bytes& out) {
  if (m_cr) return "a bare CR";
  if (m_line > 0) out += "\r\n";
  return nullptr;
}

}  // namespace web
