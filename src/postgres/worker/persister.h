// persister.h: from changed users to rows.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Writes the rows that wait for it, in one transaction, skipping those that somebody else has.
enum class Written {
  all,     // none is left
  more,    // call again
  blocked  // the tables or some rows are locked: again after a while
};
Written write_waiting_rows(const RealmRef& realm);

// Both work in a transaction of their own, unless it is before `next`, which they move on.
// Makes the partitions that history needs. Call it when history grows. False: something was locked,
// try again at `next`.
bool make_history_partitions(Time& next);
// Drops the partitions that are older than presence.history_retention, once a week.
void drop_old_history(Time& next);

}  // namespace presence
