// row_deletes.h: rows of sessions and members deleted, but for those that somebody has locked.
//
// In an open scope, by arrays of their keys; returns how many. The last result is their keys.
#pragma once

#include "postgres/tables/access.h"

namespace presence {

// Of these very connections; another one with the same id keeps its row.
uint64 delete_session_rows(Datum session_ids, Datum connected_at);
uint64 delete_member_rows(Datum channel_ids, Datum user_ids);

}  // namespace presence
