// activity_rows.h: from the queue of activities to their rows.
#pragma once

#include "postgres/worker/persister.h"

namespace presence {

// Writes a batch of the oldest, in one transaction.
Written write_activity_rows(const RealmRef& realm);

}  // namespace presence
