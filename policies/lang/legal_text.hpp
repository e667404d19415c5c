// Internal to policies/lang: the text of policies/shipped/legal/legal-effect.toml, made into a source file when the project is
// configured.
#pragma once

#include <string_view>

namespace policies {

extern const std::string_view k_legal_text;

}  // namespace policies
