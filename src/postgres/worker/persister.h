// persister.h: from changed users to rows.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Of a batch. What there is to tell waits for one: some milliseconds, at 20 us a row.
constexpr int batch_rows = 250;

// Writes a batch of the rows that wait for it, in one transaction, skipping those that somebody
// else has. False: the tables or some rows are locked: again after a while.
bool write_waiting_rows(const RealmRef& realm);

}  // namespace presence
