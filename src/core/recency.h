// recency.h: the lists of users by last_seen, newest first.
//
// The head of a list gives the order in which people are shown, the tail of a
// regular one who is due next: neither needs a scan.
#pragma once

#include "user.h"

namespace presence {

// Takes the user out of its list.
void unlink_user(CellPool& pool, RealmPartition& partition, Cell cell);
// Puts it in its place in `list`. The walk begins at the nearer end, and whoever was
// seen just now is at the head.
void link_user(CellPool& pool, RealmPartition& partition, Cell cell, uint8_t list);

}  // namespace presence
