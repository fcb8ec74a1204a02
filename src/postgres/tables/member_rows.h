// member_rows.h: the rows of channel_presence, read: at a start, and on a standby.
#pragma once

#include <optional>

#include "postgres/shared/state.h"

extern "C" {
#include "nodes/execnodes.h"
}

namespace presence {

// The sessions of a member as text[].
Datum array_of_seats(std::string_view seats);
std::string_view text_of_array(Datum array);

// At a start, when users and sessions are loaded: who was in channels is so again. In a scope.
// Until that load has been done by somebody else.
void load_members(const RealmRef& realm, uint64_t load);

// On a standby the table is all there is. False: the user behind whom the page begins is no member.
bool put_member_rows(std::string_view channel_id, int most, std::optional<std::string_view> after,
                     Time not_before, ReturnSetInfo* result);
int count_member_rows(std::string_view channel_id);
// The users of a channel, in memory of the caller; and one of its members. False: it is none.
std::span<const std::string_view> users_of_member_rows(std::string_view channel_id);
bool view_member_row(std::string_view channel_id, std::string_view user_id, MemberView& out);
void put_channel_rows(std::string_view user_id, ReturnSetInfo* result);

}  // namespace presence
