// batch_room.h: a batch of touches does not run out of memory in its midst.
#pragma once

#include "postgres/shared/users.h"

namespace presence {

struct TouchBatch {
  const RealmRef& realm;
  const TouchOfMany* touches;
  int count;
};

// Before anybody is touched: when memory may not do, brings all of the batch into memory and sees
// to it that there is a cell for the session of each who is offline. Raises 53200 when there is
// not. What others take between this and the touches is theirs.
void make_room_for_batch(const TouchBatch& batch);

}  // namespace presence
