// Promise: answers as people read them on a terminal: columns, times in the site's zone, sizes; no foreign byte reaches the
// terminal unescaped, whoever sent the answer.
#pragma once

#include <iosfwd>

#include "gateway/app/control.hpp"

namespace app {

class Columns {
 public:
  explicit Columns(std::vector<std::string> head) { m_rows.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }
  bool empty() const { return m_rows.size() == 1; }
  void print(std::ostream& out) const;  // the last column is not padded

 private:
  std::vector<std::vector<std::string>> m_rows;
};

std::string local_time(const std::string& utc);  // "" stays ""
std::string size_text(std::int64_t bytes);       // "12.3 KiB"
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

void render_timeline(std::ostream& out, const json::array& timeline);

}  // namespace app
