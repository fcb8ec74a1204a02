// session_rows.h: from sessions to the rows of presence_sessions.
#pragma once

#include "postgres/worker/batches.h"

namespace presence {

// Deletes rows of sessions that have ended and writes those that wait for it, so many in all, in
// one transaction.
Outcome write_session_rows(const RealmRef& realm, int most);

}  // namespace presence
