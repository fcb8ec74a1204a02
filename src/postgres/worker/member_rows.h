// member_rows.h: the rows of channel_presence, written behind.
#pragma once

#include "postgres/worker/batches.h"

namespace presence {

// Deletes rows of members that have left and writes those that have changed, so many in all, in one
// transaction.
Outcome write_member_rows(const RealmRef& realm, int most);

}  // namespace presence
