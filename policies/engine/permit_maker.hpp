// Internal to policies/engine: the only maker of PlaintextPermit. decide.cpp makes one where a rule says
// otherwise = "clear"; codec.cpp reads back what decide() made. No other file may include this header.
#pragma once

#include "policies/engine/decision.hpp"

namespace policies {

struct PermitMaker {
  static PlaintextPermit make(std::string rule) { return PlaintextPermit(std::move(rule)); }
};

}  // namespace policies
