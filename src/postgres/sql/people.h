// people.h: one person as SQL sees it, the row type presence_state.
#pragma once

#include "postgres/shared/users.h"

extern "C" {
#include "access/htup.h"
#include "funcapi.h"
}

namespace presence {

// The columns of presence_state, in order.
enum StateColumn {
  column_user_id,
  column_status,
  column_message,
  column_last_seen,
  column_page,
  column_data,
  column_sessions,
  column_activities,
  column_per_minute,
  column_bucket,
  state_columns
};
struct StateColumns {
  Datum values[state_columns];
  bool nulls[state_columns];
  alignas(int32) char user_id[VARHDRSZ + max_id_bytes];  // the first of the values
};
// `now` is what last_seen_bucket counts from.
void fill_state(const UserView& view, Time now, StateColumns& out);
// Someone of whom nothing is known: offline.
void fill_unknown(std::string_view user_id, StateColumns& out);

// A row of presence_state. `out` must be what the function's result is described by.
HeapTuple state_tuple(const UserView& view, Time now, TupleDesc out);
HeapTuple unknown_tuple(std::string_view user_id, TupleDesc out);

// How many a viewer sees (lists.cpp).
Counts count_present(const Viewer* viewer);

// The result type of the calling function, blessed.
TupleDesc result_type(FunctionCallInfo call);

// How this transaction sees a user, or shows it to a viewer: from memory, or brought there from its
// row; on a standby from the row alone. False: never heard of.
bool see_user(std::string_view user_id, const Viewer* viewer, Time now, UserView& out);
bool see_user(const RealmRef& realm, const UserKey& key, const Viewer* viewer, Time now,
              UserView& out);
// How much of a user a viewer sees, in a channel or (empty) in general.
Detail see_detail(std::string_view user_id, const Viewer& viewer, std::string_view channel_id);

}  // namespace presence
