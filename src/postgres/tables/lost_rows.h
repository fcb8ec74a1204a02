// lost_rows.h: the rows of sessions and members that nobody has in memory.
#pragma once

#include <cstdint>

#include "postgres/shared/state.h"

namespace presence {

// Where a cleaning goes on: behind these keys.
struct CleaningPlace {
  struct Key {
    uint32_t bytes;
    char text[max_id_bytes];
  };
  enum class Table : uint8_t { none, sessions, members } table;
  bool left_some;     // rows or tables that somebody has locked, or that could not be deleted
  int tried;          // the rows that the last call tried to delete
  Key first, second;  // the session; or the channel and the user
};

// Looks at some rows from that place on, and deletes at most so many: those of the last run whose
// sessions and members did not come back, and those that came by a restore. For the worker, in a
// transaction, when all of the realm has been loaded. After an error the place tells how far it
// looked.
void clean_some_rows(const RealmRef& realm, int most, CleaningPlace& place);
bool is_further(const CleaningPlace& place, const CleaningPlace& before);
// Leaves the rest of its table for another time.
void leave_table(CleaningPlace& place);

}  // namespace presence
