// cleaning.h: when the rows of lost sessions and members are deleted, and how many at once.
//
// There may be some after the first load, and after each restore. A cleaning goes through both
// tables, a portion in each transaction. A portion that fails is tried again, half as large, so
// that a row that no trigger lets go is alone in its portion after a while, and is stepped over;
// after each such row in succession it waits twice as long. What was stepped over, and what
// somebody had locked, is tried again later, each time after twice as long: rows that nobody can
// delete do not keep a database busy.
#pragma once

#include "postgres/tables/lost_rows.h"

namespace presence {

struct Cleaning {
  static constexpr Duration first_pause = 5 * second;

  CleaningPlace place{};  // how far the one that is under way has come
  uint64_t begun = 0;     // the cleanings wanted when the last one began
  int most = 1;           // rows of a portion
  int stepped_over = 0;   // rows in succession
  Time next = 0;          // not before: the next portion
  Time retry = never;     // the next cleaning, without anybody wanting it
  Duration pause = first_pause;
};

// Does what is due of it.
void clean_rows(const RealmRef& realm, Cleaning& cleaning, Time now);
// When more of it is due.
Time next_of(const Cleaning& cleaning, const RealmRef& realm);

}  // namespace presence
