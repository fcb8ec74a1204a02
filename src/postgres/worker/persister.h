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

// Makes the partitions that history needs and drops those that are too old, in a transaction of its
// own, when that is due at `now`. Call it when there is something to write.
void maintain_history(const RealmRef& realm);

}  // namespace presence
