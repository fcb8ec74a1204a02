// recency.cpp: linking and unlinking.
#include "recency.h"

#include <limits>

namespace presence {

namespace {

Time seen_of(const CellPool& pool, Cell cell) { return pool.at<User>(cell).last_seen; }

// Differences as unsigned: an imported last_seen may lie at the end of time.
uint64_t between(Time a, Time b) {
  const uint64_t difference = static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
  return a < b ? 0 - difference : difference;
}

// The newest of those who were not seen after `seen`, or no_cell; or whom the walk begins with,
// when that one was seen at the very moment: those need not be walked past.
Cell first_not_newer(const CellPool& pool, Cell at, Time seen, uint32_t& steps) {
  if (seen_of(pool, at) == seen) return at;
  for (; at != no_cell && seen_of(pool, at) > seen; steps++) at = pool.at<User>(at).older;
  if (at == no_cell) return no_cell;
  for (Cell newer = pool.at<User>(at).newer; newer != no_cell && seen_of(pool, newer) <= seen;
       newer = pool.at<User>(at).newer, steps++)
    at = newer;
  return at;
}

// The one in front of whom `seen` belongs, or no_cell: behind all.
Cell place_for(const CellPool& pool, const List& list, Time seen, uint32_t& steps) {
  if (list.newest == no_cell || seen_of(pool, list.newest) <= seen) return list.newest;
  if (seen < seen_of(pool, list.oldest)) return no_cell;
  // Of two as near the first: a hint is as exact as it can be.
  Cell nearest = list.newest;
  uint64_t distance = std::numeric_limits<uint64_t>::max();
  for (const Cell from : {list.hint, list.newest, list.oldest}) {
    if (from == no_cell || between(seen_of(pool, from), seen) >= distance) continue;
    nearest = from;
    distance = between(seen_of(pool, from), seen);
  }
  return first_not_newer(pool, nearest, seen, steps);
}

}  // namespace

void unlink_user(CellPool& pool, RealmPartition& partition, Cell cell) {
  User& user = pool.at<User>(cell);
  List& list = partition.lists[user.list];
  if (list.hint == cell) list.hint = user.older == no_cell ? user.newer : user.older;
  (user.newer == no_cell ? list.newest : pool.at<User>(user.newer).older) = user.older;
  (user.older == no_cell ? list.oldest : pool.at<User>(user.older).newer) = user.newer;
  user.newer = user.older = no_cell;
  list.count--;
}

uint32_t link_user(CellPool& pool, RealmPartition& partition, Cell cell, uint8_t to) {
  User& user = pool.at<User>(cell);
  List& list = partition.lists[to];
  user.list = to;
  uint32_t steps = 0;
  const Cell older =
      to == offline_list ? list.newest : place_for(pool, list, user.last_seen, steps);
  const Cell newer = older == no_cell ? list.oldest : pool.at<User>(older).newer;
  user.older = older;
  user.newer = newer;
  (newer == no_cell ? list.newest : pool.at<User>(newer).older) = cell;
  (older == no_cell ? list.oldest : pool.at<User>(older).newer) = cell;
  if (newer != no_cell) list.hint = cell;
  list.count++;
  return steps;
}

}  // namespace presence
