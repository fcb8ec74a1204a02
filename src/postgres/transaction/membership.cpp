// membership.cpp: wishes about channels.
#include "postgres/transaction/membership.h"

#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/change.h"

namespace presence {

void raise_too_many_channels(std::string_view user_id) {
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("user \"%.*s\" is in too many channels", static_cast<int>(user_id.size()),
                         user_id.data()),
                  errdetail("A user is in at most %u at a time.", max_channels),
                  errhint("Leave those that are not shown any more.")));
}

namespace {

bool is_join(const Wish& wish) { return wish.change.kind == ChangeKind::join; }

// The channels that the user is not in and that this transaction wants it to join.
int count_new_channels(const RealmRef& realm, const UserKey& user, std::span<const Wish> wishes) {
  int count = 0;
  for (size_t i = 0; i < wishes.size(); i++) {
    const auto is_same = [&](const Wish& other) {
      return is_join(other) && other.channel.id == wishes[i].channel.id;
    };
    count += is_join(wishes[i]) && std::none_of(wishes.begin(), wishes.begin() + i, is_same) &&
             !seated(realm, user, wishes[i].channel, nullptr, {});
  }
  return count;
}

// Most are far from the limit: only near it is counted which wishes are about the same channel.
void check_room(const RealmRef& realm, const ClaimedUser& user, const ChannelKey& channel) {
  const UserKey key = realm.key(user.id());
  const std::span<const Wish> wishes{user.wishes, static_cast<size_t>(user.count)};
  const auto is_crowded = [&](int more) {
    return room_for_channels(realm, key, more) == Answer::crowded;
  };
  if (seated(realm, key, channel, nullptr, wishes) || !is_crowded(user.count + 1)) return;
  if (is_crowded(count_new_channels(realm, key, wishes) + 1)) raise_too_many_channels(user.id());
}

}  // namespace

void make_joined(const WantedJoin& wanted, MemberView& after) {
  const RealmRef realm = whole_realm();
  NewSession session;
  if (wanted.session_id) {
    session.key = realm.session_key(*wanted.session_id);
    check_session_owner(realm, session.key, wanted.user_id);
  }
  ClaimedUser* user = claim_for_change(realm, realm.key(wanted.user_id));
  const ChannelKey channel = realm.channel_key(wanted.channel_id);
  check_room(realm, *user, channel);
  const Time now = current_time();
  if (wanted.session_id) make_session_known(user, session, now);

  WishParts parts;
  parts.change.kind = ChangeKind::join;
  parts.change.at = now;
  parts.reason = Reason::activity;
  parts.writes_row = false;
  parts.session = wanted.session_id ? &session : nullptr;
  parts.data = wanted.data;
  parts.channel = &channel;
  parts.move = wanted.move;
  add_wish(user, parts);
  if (!see_member(realm, realm.key(wanted.user_id), channel, after)) raise_gone();
}

bool make_left(std::string_view user_id, std::string_view channel_id,
               std::optional<std::string_view> session_id) {
  const RealmRef realm = whole_realm();
  const UserKey key = realm.key(user_id);
  const ChannelKey channel = realm.channel_key(channel_id);
  NewSession session;
  if (session_id) session.key = realm.session_key(*session_id);
  if (!seated(realm, key, channel, session_id ? &session.key : nullptr, wishes_for(key))) {
    // Who types there without having joined stops.
    if (!session_id)
      stop_typing(realm, key, channel, Reason::leave, current_policy(), current_time());
    return false;
  }
  ClaimedUser* user = claim_for_change(realm, key);
  WishParts parts;
  parts.change.kind = ChangeKind::leave_channel;
  parts.change.at = current_time();
  parts.reason = Reason::leave;
  parts.writes_row = false;
  parts.session = session_id ? &session : nullptr;
  parts.channel = &channel;
  add_wish(user, parts);
  return true;
}

bool is_joining(const UserKey& user, const ChannelKey& channel) {
  const std::span<const Wish> wishes = wishes_for(user);
  return !wishes.empty() && seated(extension().realm, user, channel, nullptr, wishes);
}

void move_at_commit(std::string_view user_id, std::string_view channel_id, const Move& move) {
  static MemberView after;
  make_joined({user_id, channel_id, std::nullopt, std::nullopt, &move}, after);
}

bool see_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                MemberView& out) {
  return view_member(realm, user, channel, wishes_for(user), current_policy(), current_time(),
                     out) == Answer::done;
}

}  // namespace presence
