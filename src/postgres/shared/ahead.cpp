// ahead.cpp: step by step, each for all users.
#include "postgres/shared/ahead.h"

#include <atomic>

#include "core/prefetch.h"

namespace presence {

namespace {

Cell read(Cell& link) { return std::atomic_ref<Cell>(link).load(std::memory_order_relaxed); }

enum class Much { all, beginning };

void fetch(Cell cell, Much much = Much::all) {
  if (cell == no_cell || cell > shared.region.pool.count()) return;
  const char* record = reinterpret_cast<const char*>(&shared.region.pool.at<RawCell>(cell));
  prefetch(record);
  if (much == Much::all) prefetch(record + cell_bytes / 2);
}

}  // namespace

void fetch_users_ahead(const uint64_t* hashes, int count, Use use) {
  Cell users[users_ahead];
  for (int i = 0; i < count; i++) users[i] = shared.region.index.first(hashes[i]);
  fetch_users_ahead(users, count, use);
}

void fetch_users_ahead(const Cell* users, int count, Use use) {
  const CellPool& pool = shared.region.pool;
  for (int i = 0; i < count; i++) fetch(users[i]);
  for (int i = 0; i < count; i++) {
    if (users[i] == no_cell) continue;
    User& user = pool.at<User>(users[i]);
    if (use == Use::change || !user.lives_on_touches) fetch(read(user.sessions));
    fetch(read(user.extras));
    fetch(read(user.page), Much::beginning);
    fetch(read(user.data), Much::beginning);
  }
  for (int i = 0; i < count; i++) {
    if (users[i] == no_cell) continue;
    const Cell extras = read(pool.at<User>(users[i]).extras);
    if (extras == no_cell || extras > pool.count()) continue;
    fetch(read(pool.at<Extras>(extras).choices.top.message));
  }
}

void fetch_record_ahead(uint64_t hash) { fetch(shared.region.index.first(hash)); }

void fetch_neighbours_ahead(const Cell* users, int count) {
  for (int i = 0; i < count; i++) {
    User& user = shared.region.pool.at<User>(users[i]);
    for (Cell* neighbour : {&user.newer, &user.older, &user.persist_next}) fetch(read(*neighbour));
  }
}

}  // namespace presence
