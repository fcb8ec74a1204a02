// row_locks.h: locking the rows of users, for the changes of a transaction (transaction/change and
// transaction/visibility). The worker has statements of its own, which skip what is locked.
#pragma once

#include "postgres/tables/access.h"

extern "C" {
#include "storage/itemptr.h"
}

namespace presence {

// A user's row that this transaction has locked: what it says, and where it is.
struct LockedRow {
  Status status;
  ItemPointerData place;
  // Where the key leads to. A caller that knows it from before gives it, which saves the way down
  // the key; it may be wrong.
  RowPlace key_place;
};

// Both in an open scope, with the lock of FOR NO KEY UPDATE.

// Row by row in the order of the keys, each locked, or made when it is missing: that is what keeps
// overlapping batches from deadlocks. rows[i] is the row of ids[i]; no id is there twice. True:
// some were missing.
bool lock_rows(const std::string_view* ids, LockedRow* rows, int count, Time now);
// False: there is no row.
bool lock_row_if_present(std::string_view id, LockedRow& row);

}  // namespace presence
