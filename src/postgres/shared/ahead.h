// ahead.h: asks memory for users before they are looked at.
//
// The users of a batch lie anywhere in memory, and to look at one waits for it several times: for
// its bucket, its record, and what hangs on that. Asked for together, all come at the same time.
// No lock is taken, so what is read here may be somebody else's by now: it is a hint, and nothing
// but time depends on it.
#pragma once

#include <algorithm>

#include "postgres/shared/state.h"

namespace presence {

// At a time: so that the first are still in the cache when the last have come.
constexpr int users_ahead = 64;

// The buckets of so many keys have been asked for, which making the keys does.
void fetch_users_ahead(const uint64_t* hashes, int count);
// The same of users whose cells are known.
void fetch_users_ahead(const Cell* users, int count);
// And of their neighbours in the lists that they leave when they change.
void fetch_neighbours_ahead(const Cell* users, int count);
// Only the record of one, which is all that most touches need.
void fetch_record_ahead(uint64_t hash);

// Before the look at number `i` of `count` users, whose ids are id_of(0), id_of(1), ...
template <typename IdOf>
void fetch_ahead(const RealmRef& realm, int i, int count, IdOf id_of) {
  if (i % users_ahead != 0) return;
  uint64_t hashes[users_ahead];
  const int portion = std::min(users_ahead, count - i);
  for (int k = 0; k < portion; k++) hashes[k] = realm.key(id_of(i + k)).hash;
  fetch_users_ahead(hashes, portion);
}

// The same of users that are claimed: theirs are cell_of(0), cell_of(1), ...
template <typename CellOf>
void fetch_claimed_ahead(int i, int count, CellOf cell_of) {
  if (i % users_ahead != 0) return;
  Cell cells[users_ahead];
  const int portion = std::min(users_ahead, count - i);
  for (int k = 0; k < portion; k++) cells[k] = cell_of(i + k);
  fetch_users_ahead(cells, portion);
}

}  // namespace presence
