// recency.h: the lists of users by last_seen, newest first.
//
// The head of a list gives the order in which people are shown, the tail of a
// regular one who is due next: neither needs a scan.
#pragma once

#include "user.h"

namespace presence {

// Takes the user out of its list.
void unlink_user(CellPool& pool, RealmPartition& partition, Cell cell);
// Puts it in its place in `list`. Whoever was seen just now is at the head. Others are put by a
// walk that begins at the nearest, in time, of four: the ends, where somebody was put before, and
// where somebody was taken out. So many who are put in the order of time, or move in the order of a
// list, need no long walks, and who is taken out and put back is not behind anybody new.
void link_user(CellPool& pool, RealmPartition& partition, Cell cell, uint8_t list);

}  // namespace presence
