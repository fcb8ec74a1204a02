// info.h: whether tables and listeners know what the functions say.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

struct Freshness {
  bool fresh;
  Time stale_since;  // 0: not at all, or nobody knows
};
Freshness freshness_of(const RealmRef& realm);

}  // namespace presence
