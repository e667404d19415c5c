#include "base/core/result.hpp"

#include <string_view>

namespace base {

std::string Error::describe() const {
  std::string_view file = where.file;
  const auto slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  std::string out = code.name;
  if (!detail.empty()) out.append(": ").append(detail);
  out.append(" (").append(file).append(":").append(std::to_string(where.line)).append(")");
  return out;
}

}  // namespace base
