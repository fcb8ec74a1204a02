// report.cpp: percentiles, as a table and as JSON.
#include "report.h"

#include <cstdio>

#include <nlohmann/json.hpp>

namespace latency {

double Times::at(double part) const {
  return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
}

void print_for_people(const Measured& measured) {
  std::printf(
      "from COMMIT to the listener, %d each, %.0f of %d status changes a second beside it\n",
      measured.commits, measured.reached, measured.asked);
  for (const Times& kind : measured.kinds)
    std::printf("%-22s p50 %7.0f us   p95 %7.0f us   p99 %7.0f us   max %7.0f us   %.2f x\n",
                kind.kind.c_str(), kind.at(0.5), kind.at(0.95), kind.at(0.99), kind.times.back(),
                kind.at(0.5) / measured.kinds.front().at(0.5));
}

void print_as_json(const Measured& measured) {
  nlohmann::ordered_json all{{"commits", measured.commits},
                             {"asked_per_second", measured.asked},
                             {"changes_per_second", measured.reached}};
  for (const Times& kind : measured.kinds)
    all[kind.kind] = {{"p50", kind.at(0.5)},
                      {"p95", kind.at(0.95)},
                      {"p99", kind.at(0.99)},
                      {"max", kind.times.back()}};
  std::printf("%s\n", all.dump().c_str());
}

}  // namespace latency
