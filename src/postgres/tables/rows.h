// rows.h: the rows of user_presence and presence_history.
#pragma once

#include "postgres/tables/arrays.h"
#include "postgres/tables/jsonb.h"
#include "postgres/tables/visibility_rows.h"

extern "C" {
#include "utils/hsearch.h"
}

namespace presence {

// Reads the row of one user in a scope of its own and brings the user into memory with it, or as
// unknown. Raises 53200 when there is no room.
void bring_from_row(const RealmRef& realm, const UserKey& key);
// False instead of the error.
bool try_bring_from_row(const RealmRef& realm, const UserKey& key);
// The same for `ids`, with one query; some may have to be brought one by one afterwards.
void bring_from_rows(const RealmRef& realm, const std::string_view* ids, int count);

// What the roster needs of a row of the last result, which has these columns. The user's rules are
// read with the same snapshot as its row.
#define PRESENCE_ROW_COLUMNS                                                           \
  "user_id, status, last_seen, current_page, activity_count, manual, status_message, " \
  "user_data, " PRESENCE_VISIBILITY_COLUMNS
struct ReadRow {
  std::string_view user_id;
  Row row;
};
ReadRow read_row(uint64 row);

// The beginning of a text that may be too long, cut between characters.
std::string_view clipped(std::string_view text, std::size_t most_bytes);

// When the session of a loaded user ends. Before the first load is done it is a user of the last
// run, who has session_timeout to be heard of again; never: the rules of every day.
Time loaded_session_ends_at(const RealmRef& realm);

// Makes room in memory or raises 53200. One for each thing that needs room: what is freed may be
// too little, or taken by somebody else, but not for ever.
class RoomNeeded {
 public:
  void near(uint32_t partition);
  bool found_near(uint32_t partition);  // the same without an error

 private:
  int times_ = 0;
};

// 53200. The worker is asked for a flush, after which those who are offline make room.
[[noreturn]] void raise_full();

struct Step {
  std::string_view user_id;
  Status from;
  Status to;
  Time at;
  std::string_view reason;
};

// Finds the place of an id among those of a batch; -1 when it is none of them.
HTAB* places_of(const std::string_view* ids, int count);
int place_of(HTAB* places, std::string_view id);

// In an open scope.
void write_history(const Step* steps, int count);
struct Erased {
  uint64 rows;
  uint64 history;
  uint64 activities;
};
Erased erase_rows(std::string_view user_id);

}  // namespace presence
