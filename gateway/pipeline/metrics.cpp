#include "gateway/pipeline/metrics.hpp"

namespace pipeline {

base::metrics::Counter& Metrics::refused_for(std::string_view word) {
  for (std::size_t i = 0; i < k_refusals; ++i)
    if (word == row_of(static_cast<Refusal>(i)).word) return refused[i];
  return refused[static_cast<std::size_t>(Refusal::internal)];
}

}  // namespace pipeline
