// member_rows.h: the rows of channel_presence, written behind.
#pragma once

#include "postgres/worker/persister.h"

namespace presence {

// One batch of rows of members: those that have left are deleted, those that have changed written.
// False: the table or some rows are locked.
bool write_member_rows(const RealmRef& realm);

}  // namespace presence
