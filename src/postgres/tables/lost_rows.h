// lost_rows.h: the rows of sessions and members that nobody has in memory.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace presence {

// Where a cleaning goes on: behind these keys.
struct CleaningPlace {
  struct Key {
    uint32_t bytes;
    char text[max_id_bytes];
  };
  enum class Table : uint8_t { none, sessions, members } table;
  Key first, second;  // the session; or the channel and the user
};

// Looks at some rows from that place on, and deletes those of the last run whose sessions and
// members did not come back, and those that came by a restore. For the worker, in a transaction,
// when all has been loaded. False: somebody has locked the table, so nothing has been done.
bool clean_some_rows(CleaningPlace& place);

}  // namespace presence
