// channels.cpp: lock the user's partition, one call of the roster, unlock.
#include "postgres/shared/channels.h"

#include "postgres/shared/many.h"

namespace presence {

namespace {

Answer answer_of(Done done) {
  switch (done) {
    case Done::done:
      return Answer::done;
    case Done::older:
      return Answer::older;
    case Done::no_member:
      return Answer::stranger;
    case Done::full:
      return Answer::full;
    case Done::crowded:
      return Answer::crowded;
  }
  return Answer::gone;
}

// Calls `use` with the user's cell and its partition locked.
template <typename Use>
Answer with_user(const RealmRef& realm, const UserKey& user, LWLockMode mode, Use use) {
  Answer answer = Answer::gone;
  LWLockAcquire(shared.partition(user.partition()), mode);
  if (!realm.gone()) {
    Roster roster(shared.region);
    const Cell cell = roster.find(user);
    answer = cell == no_cell ? Answer::missing : use(roster, cell);
  }
  LWLockRelease(shared.partition(user.partition()));
  return answer;
}

template <typename Act>
Answer act(const RealmRef& realm, const UserKey& user, Act deed) {
  bool changed = false;
  const Answer answer = with_user(realm, user, LW_EXCLUSIVE, [&](Roster& roster, Cell cell) {
    const DoneInChannel done = deed(roster, cell);
    changed = done.changed;
    return answer_of(done.what);
  });
  if (changed) wake_worker(realm);
  return answer;
}

}  // namespace

Answer move_in_channel(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                       const Move& move, const Policy& policy, Time now) {
  return act(realm, user, [&](Roster& roster, Cell cell) {
    return roster.move(cell, channel, move, policy, now);
  });
}

Answer type_in_channel(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                       std::string_view name, const Policy& policy, Time now) {
  return act(realm, user, [&](Roster& roster, Cell cell) {
    return roster.type(cell, channel, name, policy, now);
  });
}

Answer stop_typing(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   Reason reason, const Policy& policy, Time now) {
  return act(realm, user, [&](Roster& roster, Cell cell) {
    return roster.stop_typing(cell, channel, policy, now, reason);
  });
}

Answer room_for_channels(const RealmRef& realm, const UserKey& user, int more) {
  return with_user(realm, user, LW_SHARED, [&](Roster& roster, Cell cell) {
    return roster.has_room_for_channels(cell, static_cast<uint32_t>(more)) ? Answer::done
                                                                           : Answer::crowded;
  });
}

bool seated(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
            const SessionKey* session, std::span<const Wish> wishes) {
  return with_user(realm, user, LW_SHARED, [&](Roster& roster, Cell cell) {
           return roster.is_seated(cell, channel, session, wishes) ? Answer::done
                                                                   : Answer::stranger;
         }) == Answer::done;
}

Answer view_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   std::span<const Wish> wishes, const Policy& policy, Time now, MemberView& out) {
  return with_user(realm, user, LW_SHARED, [&](Roster& roster, Cell cell) {
    return roster.view_member(cell, channel, wishes, policy, now, out) ? Answer::done
                                                                       : Answer::stranger;
  });
}

Answer view_typing(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                   const Policy& policy, Time now, MemberView& out) {
  return with_user(realm, user, LW_SHARED, [&](Roster& roster, Cell cell) {
    return roster.view_typing(cell, channel, policy, now, out) ? Answer::done : Answer::stranger;
  });
}

uint32_t count_members(const RealmRef& realm, const ChannelKey& channel, const Policy& policy,
                       Time now) {
  settle_all(realm, policy, now);
  const uint32_t members = shared.region.channels.members(channel);
  return realm.gone() ? 0 : members;
}

std::optional<std::size_t> collect_members(const RealmRef& realm, const ChannelKey& channel,
                                           const UserKey* after, Time not_before,
                                           const Policy& policy, Time now,
                                           std::span<MemberCandidate> room) {
  settle_all(realm, policy, now);
  if (!after) return shared.region.channels.collect(channel, no_cell, not_before, room);
  std::optional<std::size_t> found;
  (void)with_user(realm, *after, LW_SHARED, [&](Roster& roster, Cell cell) {
    found = roster.members_after(cell, channel, not_before, room);
    return Answer::done;
  });
  return found;
}

std::size_t collect_typing(const RealmRef& realm, const ChannelKey& channel,
                           std::span<MemberCandidate> room) {
  const std::size_t found = shared.region.channels.collect_typing(channel, room);
  return realm.gone() ? 0 : found;
}

std::size_t channels_of_user(const RealmRef& realm, const UserKey& user, const Policy& policy,
                             Time now, std::span<char> room) {
  std::size_t bytes = 0;
  (void)with_user(realm, user, LW_EXCLUSIVE, [&](Roster& roster, Cell cell) {
    roster.settle_user(cell, policy, now);
    bytes = roster.channels(cell, room);
    return Answer::done;
  });
  return bytes;
}

Answer load_member(const RealmRef& realm, const UserKey& user, const MemberRowFacts& row,
                   uint32_t removals, const Policy& policy, Time now) {
  return with_user(realm, user, LW_EXCLUSIVE, [&](Roster& roster, Cell cell) {
    if (roster.member_removals(realm.number, user.partition()) != removals) return Answer::stale;
    return roster.load_member(cell, row, policy, now) ? Answer::done : Answer::stranger;
  });
}

uint32_t member_removals_near(const RealmRef& realm, uint32_t partition) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const uint32_t removals = Roster(shared.region).member_removals(realm.number, partition);
  LWLockRelease(shared.partition(partition));
  return removals;
}

void miss_member_row(const RealmRef& realm, const UserKey& user, const ChannelKey& channel) {
  (void)with_user(realm, user, LW_EXCLUSIVE, [&](Roster& roster, Cell cell) {
    roster.miss_member_row(cell, channel);
    return Answer::done;
  });
  wake_worker(realm);
}

bool is_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel) {
  return with_user(realm, user, LW_SHARED, [&](Roster& roster, Cell cell) {
           return roster.is_member(cell, channel) ? Answer::done : Answer::stranger;
         }) == Answer::done;
}

}  // namespace presence
