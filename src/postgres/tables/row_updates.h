// row_updates.h: writing rows of users that the transaction has locked (tables/row_locks).
#pragma once

#include "postgres/tables/access.h"

extern "C" {
#include "storage/itemptr.h"
}

namespace presence {

// A user's row as a transaction leaves it, and where that has locked it. Empty texts are NULL.
struct WrittenRow {
  ItemPointerData place;
  Status status;
  std::string_view message;
  bool has_last_seen;
  Time last_seen;
  std::string_view page;
  uint32_t activity_count;
  std::string_view choices;
  bool went_away;     // by idling, at `since`; otherwise auto_away_at stays
  bool went_offline;  // at `since`; otherwise went_offline_at stays
  Time since;
};

// In an open scope. A row that a trigger swallows is an error.
void update_rows(const WrittenRow* rows, int count, Time now);

}  // namespace presence
