// Promise: what a confirmation or notification says, once as XML by the schema and once as lines for a PDF and for people, both
// of one value. Standard: BSI TR 01201 part 3.4 v1.8, sections 3.5.1 to 3.5.3.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "demail/model/fields.hpp"
#include "simulator/model/letter.hpp"

namespace simulator {

struct Metadate {
  std::string name, value, original_header;
};

struct Document {
  demail::MessageType type = demail::MessageType::dispatch;
  Side issuer = Side::a;
  std::string sender;              // the address of the issuer; of a notification its name
  std::vector<Metadate> metadata;  // of a confirmation
  std::string subject, text;
  std::string hash;  // of a confirmation
  base::Timestamp time{};
  std::optional<base::Timestamp> delivery_time;  // of a confirmation of retrieve
};

// The metadata fields of a message as it was received (table 1), in the table's order, each the first of its name. A gives raw
// lines with their last CRLF, B without.
std::vector<Metadate> metadata_of(std::string_view header, Side issuer);

// "Versandbestätigung"
const char* german(demail::MessageType type);
// The text of section 3.5.1, its lines separated by LF.
std::string confirmation_text(demail::MessageType type, Side issuer, const Letter& letter, const std::string& recipients,
                              base::Timestamp when, std::optional<base::Timestamp> delivered);

std::string format_xml(const Document& document);
std::vector<std::string> lines_of(const Document& document);

}  // namespace simulator
