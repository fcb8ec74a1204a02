// session_rows.h: from sessions to the rows of presence_sessions.
#pragma once

#include "postgres/worker/persister.h"

namespace presence {

// Deletes the rows of sessions that have ended and writes those that wait for it, in one
// transaction.
Written write_session_rows(const RealmRef& realm);

}  // namespace presence
