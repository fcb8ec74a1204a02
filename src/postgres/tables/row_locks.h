// row_locks.h: locking the rows of users.
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
  bool made;  // alone, it was not there and was made to be locked
};

// All in an open scope, with the lock of FOR NO KEY UPDATE, in the order of the keys: that is what
// keeps overlapping batches from deadlocks. rows[i] is the row of ids[i]; no id is there twice.

// Makes those that are missing.
void lock_rows(const std::string_view* ids, LockedRow* rows, int count, Time now);
// The same, quicker, of rows that are there unless they have been deleted since.
void lock_known_rows(const std::string_view* ids, LockedRow* rows, int count, Time now);
// Only what is there. False: there is no row.
bool lock_row_if_present(std::string_view id, LockedRow& row);

}  // namespace presence
