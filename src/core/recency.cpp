// recency.cpp: linking and unlinking.
#include "recency.h"

namespace presence {

namespace {

// The first user from the head that was not seen after `seen`, or no_cell.
Cell first_not_newer(const CellPool& pool, const List& list, Time seen) {
  Cell at = list.newest;
  while (at != no_cell && pool.at<User>(at).last_seen > seen) at = pool.at<User>(at).older;
  return at;
}

Cell first_not_newer_from_tail(const CellPool& pool, const List& list, Time seen) {
  Cell found = no_cell;
  for (Cell at = list.oldest; at != no_cell; at = pool.at<User>(at).newer) {
    if (pool.at<User>(at).last_seen > seen) break;
    found = at;
  }
  return found;
}

Cell place_for(const CellPool& pool, const List& list, Time seen) {
  if (list.newest == no_cell) return no_cell;
  const Time newest = pool.at<User>(list.newest).last_seen;
  const Time oldest = pool.at<User>(list.oldest).last_seen;
  if (newest <= seen) return list.newest;
  // Differences as unsigned: an imported last_seen may lie at the end of time.
  const uint64_t from_head = static_cast<uint64_t>(newest) - static_cast<uint64_t>(seen);
  const uint64_t from_tail = static_cast<uint64_t>(seen) - static_cast<uint64_t>(oldest);
  if (seen < oldest || from_tail < from_head) return first_not_newer_from_tail(pool, list, seen);
  return first_not_newer(pool, list, seen);
}

}  // namespace

void unlink_user(CellPool& pool, RealmPartition& partition, Cell cell) {
  User& user = pool.at<User>(cell);
  List& list = partition.lists[user.list];
  (user.newer == no_cell ? list.newest : pool.at<User>(user.newer).older) = user.older;
  (user.older == no_cell ? list.oldest : pool.at<User>(user.older).newer) = user.newer;
  user.newer = user.older = no_cell;
  list.count--;
}

void link_user(CellPool& pool, RealmPartition& partition, Cell cell, uint8_t to) {
  User& user = pool.at<User>(cell);
  List& list = partition.lists[to];
  user.list = to;
  const Cell older = to == offline_list ? list.newest : place_for(pool, list, user.last_seen);
  const Cell newer = older == no_cell ? list.oldest : pool.at<User>(older).newer;
  user.older = older;
  user.newer = newer;
  (newer == no_cell ? list.newest : pool.at<User>(newer).older) = cell;
  (older == no_cell ? list.oldest : pool.at<User>(older).newer) = cell;
  list.count++;
}

}  // namespace presence
