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
// The columns of presence_members(), in order.
enum MemberColumn {
  member_user_id,
  member_status,
  member_data,
  member_joined_at,
  member_last_active,
  member_cursor,
  member_selection,
  member_state,
  member_typing,
  member_columns
};
struct MemberColumns {
  Datum values[member_columns];
  bool nulls[member_columns];
};
void fill_member(const MemberView& view, MemberColumns& out);
// A row of presence_members().
HeapTuple member_tuple(const MemberView& view, TupleDesc type);

}  // namespace presence
