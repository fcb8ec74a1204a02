// session_rows.h: from sessions to the rows of presence_sessions.
#pragma once

#include "postgres/worker/persister.h"

namespace presence {

// Deletes a batch of the rows of sessions that have ended and writes one of those that wait for it,
// in one transaction. False: the table or some rows are locked.
bool write_session_rows(const RealmRef& realm);

}  // namespace presence
