// member_row.h: a member as SQL sees it.
#pragma once

#include "core/roster.h"
#include "postgres/boundary.h"

extern "C" {
#include "access/htup.h"
}

namespace presence {

// A row of channel_presence, with what the member inherits from its user.
HeapTuple channel_presence_tuple(const MemberView& view, TupleDesc type);
// A row of presence_members().
HeapTuple member_tuple(const MemberView& view, TupleDesc type);

}  // namespace presence
