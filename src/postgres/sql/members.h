// members.h: those who are in a channel, as a viewer sees them there.
#pragma once

#include "postgres/sql/lists.h"

namespace presence {

struct MemberMaker {
  Datum (*make)(const MemberView&, void* context);
  void* context;
};
// In the order of presence_members(). It may find more than `most`.
Made list_channel(std::string_view channel_id, int most, const Viewer& viewer,
                  const MemberMaker& maker);

// How many a viewer sees there.
int count_for_viewer(std::string_view channel_id, const Viewer* viewer);

// Those who type there, members or not (cursors.cpp). Nobody on a standby, which does not hear of
// it.
Made list_typing(std::string_view channel_id, const Viewer* viewer, const MemberMaker& maker);
// As it was given, or as the application's data has it; empty: there is none.
std::string_view typing_name(const MemberView& view);

}  // namespace presence
