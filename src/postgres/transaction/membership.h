// membership.h: users join and leave channels at COMMIT. No row is written here: the worker does.
#pragma once

#include "postgres/transaction/transaction.h"

namespace presence {

struct WantedJoin {
  std::string_view user_id;
  std::string_view channel_id;
  std::optional<std::string_view> session_id;  // nothing: the newest
  std::optional<std::string_view> data;        // nothing keeps the old one, or what the user has
  const Move* move = nullptr;                  // a cursor that comes with it
};

// Raises 42501 when the session is another user's, 54000 when the user is in too many channels.
// `after` is how this transaction sees the member.
void make_joined(const WantedJoin& wanted, MemberView& after);
// False: it is not there, as this transaction sees it.
bool make_left(std::string_view user_id, std::string_view channel_id,
               std::optional<std::string_view> session_id);

[[noreturn]] void raise_too_many_channels(std::string_view user_id);

// Whether this transaction wants the user to be in the channel, who is not there for others yet.
bool is_joining(const UserKey& user, const ChannelKey& channel);
// What a member moves becomes a part of its join, which is not committed yet.
void move_at_commit(std::string_view user_id, std::string_view channel_id, const Move& move);

// How this transaction sees a member. False: it is none.
bool see_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                MemberView& out);

}  // namespace presence
