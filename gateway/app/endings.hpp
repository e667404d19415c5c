// What of ours ends, and when: TLS certificates as they are in use, and for each kind of key the address whose best key ends
// first. A key that a newer one has replaced does not count.
#pragma once

#include "gateway/app/keys.hpp"
#include "gateway/pipeline/daily.hpp"
#include "gateway/web/metrics_page.hpp"

namespace app {

std::vector<web::Ending> find_endings(const pipeline::Snapshot& snapshot, const Keys& keys, base::Timestamp now);

// Of these, what ends within 30 days, in words for the digest.
std::vector<pipeline::EndingLine> ending_lines(const pipeline::Snapshot& snapshot, const Keys& keys, base::Timestamp now);

}  // namespace app
