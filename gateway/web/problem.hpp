// Promise: every error of the API is problem+json (RFC 9457) with the same words and texts as the refusals of SMTP: the reply
// table serves both doors. German or English by Accept-Language.
#pragma once

#include "gateway/pipeline/intake_message.hpp"
#include "gateway/web/compose.hpp"
#include "gateway/web/message.hpp"

namespace web {

// "de" or "en"; `fallback` where the header names neither (RFC 9110 section 12.5.4).
std::string language_of(std::string_view accept_language, const std::string& fallback);

// Faults of the request itself. `word` is the end of the type: "urn:amtsbote:problem:unauthorized".
Response make_problem(int status, std::string_view word, std::string_view detail);
Response make_problem(std::vector<JsonFault> faults, const std::string& language);
// A refusal before there is a message.
Response make_problem(const pipeline::Denied& denied, const std::string& language);
// Recipients that stand in the way, each with its own reason; `denied` is not empty.
Response make_problem(const std::vector<pipeline::Denied>& denied, const std::string& language);
// A message that was not taken; `recipients` with their decisions.
Response make_problem(const pipeline::NotTaken& refused, const std::vector<pipeline::RecipientRecord>& recipients, const std::string& language);

// A recipient that no rule was asked about, as the answers list it.
json::object denial_as_json(const pipeline::Denied& denied, const std::string& language);

Response make_json(int status, const json::object& object);

}  // namespace web
