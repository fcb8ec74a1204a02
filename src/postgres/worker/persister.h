// persister.h: from changed users to rows.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Of a batch. What there is to tell waits for one: some milliseconds, at 20 us a row.
constexpr int batch_rows = 250;

// Writes the rows that wait for it, in one transaction, skipping those that somebody else has.
enum class Written {
  all,     // none is left
  more,    // call again
  blocked  // the tables or some rows are locked: again after a while
};
Written write_waiting_rows(const RealmRef& realm);

}  // namespace presence
