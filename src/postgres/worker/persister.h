// persister.h: from changed users to rows.
#pragma once

#include "postgres/worker/batches.h"

namespace presence {

// Writes a batch of the rows that wait for it, in one transaction, skipping those that somebody
// else has.
Outcome write_user_rows(const RealmRef& realm, int most);

}  // namespace presence
