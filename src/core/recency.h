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
// walk that begins at the nearest, in time, of three: the ends, and the list's hint, in front of
// which a user of the same moment is put. So many who are put in the order of time need no long
// walks. Returns how many it has walked past.
uint32_t link_user(CellPool& pool, RealmPartition& partition, Cell cell, uint8_t list);

}  // namespace presence
