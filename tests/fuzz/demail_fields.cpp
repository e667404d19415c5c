// A header with fields of De-Mail, and the values that have a grammar of their own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "demail/integrity/integrity.hpp"
#include "demail/model/fields.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  bool clean = false;
  const auto header = mail::Header::parse_leniently(text, clean);
  (void)demail::read_fields(header);
  const auto verdict = demail::verify_integrity(header, *base::make_content(text), nullptr, {});
  if (!verdict || verdict->is_proven()) std::abort();
  (void)demail::parse_integrity(text);
  // what is read can be written and read again
  const auto recipients = demail::parse_recipients(text);
  if (!recipients) return 0;
  const auto again = demail::parse_recipients(demail::format_recipients(*recipients));
  if (!again || again->to.size() != recipients->to.size() || again->bcc.size() != recipients->bcc.size()) std::abort();
  return 0;
}
