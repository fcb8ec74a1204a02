// people.h: one person as SQL sees it, the row type presence_state.
#pragma once

#include "postgres/shared/users.h"

extern "C" {
#include "access/htup.h"
#include "funcapi.h"
}

namespace presence {

// A row of presence_state. `out` must be what the function's result is described by.
HeapTuple state_tuple(const UserView& view, TupleDesc out);
// Someone of whom nothing is known: offline.
HeapTuple unknown_tuple(std::string_view user_id, TupleDesc out);

// The result type of the calling function, blessed.
TupleDesc result_type(FunctionCallInfo call);

// How this transaction sees a user: from memory, or brought there from its row; on a standby from
// the row alone. False: never heard of.
bool see_user(std::string_view user_id, UserView& out);

}  // namespace presence
