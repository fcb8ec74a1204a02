// rates.h: how often users call who act for themselves.
#pragma once

#include <atomic>

#include "core/types.h"
#include "postgres/boundary.h"

namespace presence {

// Counts of the current second, by the hash of the user. Four places belong together: one is the
// user's while the second lasts, and whoever finds none takes that of the oldest second.
struct RateTable {
  static constexpr uint32_t ways = 4;
  static constexpr uint32_t sets = 8192;

  std::atomic<uint64_t> slots[sets][ways];
};

// Counts one call. False: it is one too many in this second.
bool count_call(uint64_t user_hash, Time now, uint32_t most);

}  // namespace presence
