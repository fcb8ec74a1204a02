// channels.h: what users do in channels, and who is there. None of these can raise an error.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// missing: the user is not in memory. stranger: it is no member. full: make_room() first. crowded:
// it is in too many channels.
Answer move_in_channel(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                       const Move& move, const Policy& policy, Time now);
Answer type_in_channel(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                       std::string_view name, const Policy& policy, Time now);
Answer stop_typing(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   Reason reason, const Policy& policy, Time now);

// Whether there is room for so many channels more; done, crowded, or why nobody can tell.
Answer room_for_channels(const RealmRef& realm, const UserKey& user, int more);
// Whether the user is in the channel, by its wishes; through that session, if one is given.
bool seated(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
            const SessionKey* session, std::span<const Wish> wishes);

// stranger: it is no member.
Answer view_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   std::span<const Wish> wishes, const Policy& policy, Time now, MemberView& out);
// stranger: it does not type.
Answer view_typing(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   const Policy& policy, Time now, MemberView& out);

// Members as everybody sees them, with nothing due.
uint32_t count_members(const RealmRef& realm, const ChannelKey& channel, const Policy& policy,
                       Time now);
// Those behind a user (nobody: from the first on), latest activity first. Nothing: that user is no
// member.
std::optional<std::size_t> collect_members(const RealmRef& realm, const ChannelKey& channel,
                                           const UserKey* after, Time not_before,
                                           const Policy& policy, Time now,
                                           std::span<MemberCandidate> room);
// Those who type, members or not; some may be done.
std::size_t collect_typing(const RealmRef& realm, const ChannelKey& channel,
                           std::span<MemberCandidate> room);
// The ids of a user's channels, each with a zero byte behind it. Returns how many bytes they are.
std::size_t channels_of_user(const RealmRef& realm, const UserKey& user, const Policy& policy,
                             Time now, std::span<char> room);

// Puts a member of the last run in its place. `removals` is what member_removals_near said before
// the row was read. stale: some member is gone since; it may have been this one. stranger: its user
// is not there.
Answer load_member(const RealmRef& realm, const UserKey& user, const MemberRowFacts& row,
                   uint32_t removals, const Policy& policy, Time now);
uint32_t member_removals_near(const RealmRef& realm, uint32_t partition);
// A row was deleted: if its member has come back meanwhile it is written again.
void miss_member_row(const RealmRef& realm, const UserKey& user, const ChannelKey& channel);
bool is_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel);

}  // namespace presence
