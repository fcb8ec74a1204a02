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

// What for: to look at a user who lives on touches needs none of its sessions.
enum class Use { look, change };

// The buckets of so many keys have been asked for, which making the keys does.
void fetch_users_ahead(const uint64_t* hashes, int count, Use use);
// The same of users whose cells are known.
void fetch_users_ahead(const Cell* users, int count, Use use);
// And of their neighbours in the lists that they leave when they change.
void fetch_neighbours_ahead(const Cell* users, int count);
// Only the record of one, which is all that most touches need.
void fetch_record_ahead(uint64_t hash);

// The keys of `count` users, whose ids are id_of(0), id_of(1), ..., to be gone through in order:
// each portion is asked for before its first one.
template <typename IdOf>
class KeysAhead {
 public:
  KeysAhead(const RealmRef& realm, int count, Use use, IdOf id_of)
      : realm_(realm), count_(count), use_(use), id_of_(id_of) {}

  const UserKey& at(int i) {
    if (i % users_ahead == 0) fetch(i);
    return keys_[i % users_ahead];
  }

 private:
  void fetch(int first) {
    const int portion = std::min(users_ahead, count_ - first);
    uint64_t hashes[users_ahead];
    for (int k = 0; k < portion; k++) {
      keys_[k] = realm_.key(id_of_(first + k));
      hashes[k] = keys_[k].hash;
    }
    fetch_users_ahead(hashes, portion, use_);
  }

  const RealmRef& realm_;
  const int count_;
  const Use use_;
  const IdOf id_of_;
  UserKey keys_[users_ahead];
};

// Before the look at number `i` of users that are claimed, whose cells are cell_of(0), cell_of(1),
// ...
template <typename CellOf>
void fetch_claimed_ahead(int i, int count, CellOf cell_of) {
  if (i % users_ahead != 0) return;
  Cell cells[users_ahead];
  const int portion = std::min(users_ahead, count - i);
  for (int k = 0; k < portion; k++) cells[k] = cell_of(i + k);
  fetch_users_ahead(cells, portion, Use::change);
}

}  // namespace presence
