#include "gateway/store/types.hpp"

namespace store {

const char* name_of(State state) {
  switch (state) {
    case State::held: return "held";
    case State::due: return "due";
    case State::in_flight: return "in_flight";
    case State::unknown: return "unknown";
    case State::delivered: return "delivered";
    case State::failed: return "failed";
    case State::cancelled: return "cancelled";
    case State::submitted: return "submitted";
  }
  return "failed";
}

bool may_follow(State from, State to) {
  switch (from) {
    case State::held:
      return to == State::held || to == State::due || to == State::failed || to == State::cancelled || to == State::submitted || to == State::delivered;
    case State::due:
      return to == State::due || to == State::held || to == State::in_flight || to == State::failed || to == State::cancelled ||
             to == State::submitted || to == State::delivered;
    case State::in_flight: return to == State::due || to == State::held || to == State::unknown || to == State::delivered || to == State::failed || to == State::submitted;
    case State::unknown:
      return to == State::due || to == State::held || to == State::failed || to == State::submitted || to == State::delivered || to == State::cancelled;
    case State::submitted: return to == State::submitted || to == State::delivered || to == State::failed || to == State::cancelled;
    case State::delivered:
    case State::failed:
    case State::cancelled: return false;
  }
  return false;
}

}  // namespace store
