// Promise: a first set-up is there whole or not at all. Nothing that exists is changed: everything in the way is named before
// the first byte is written, and what a later failure leaves behind is taken away again.
#pragma once

#include "base/core/secret.hpp"
#include "gateway/app/init_plan.hpp"

namespace app {

struct InitDone {
  std::vector<std::filesystem::path> files;  // as written
  std::string identity;                      // fingerprint of the trial certificate; "" without one
  std::string service_user;                  // to whom files and state were given; "" : nobody else
};

// `answers` must be completed. An error says what is in the way or what failed; nothing is left of it then.
base::Result<InitDone> init_site(const InitAnswers& answers, const base::SecretBytes& password);

}  // namespace app
