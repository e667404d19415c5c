// A whole message on its way in, without any key of ours.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "crypto/protect/open.hpp"
#include "mail/message/inspect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto facts = mail::inspect(text);
  const auto message = base::make_content(text);
  (void)crypto::recognise(message, facts);
  const auto opened = crypto::open(message, facts, {}, {"Amtsbote-Protection"});
  if (!opened || !opened->content) std::abort();
  return 0;
}
