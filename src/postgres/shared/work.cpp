// work.cpp: the worker's side of the roster and of the ring.
#include "postgres/shared/work.h"

#include <algorithm>
#include <cstring>

namespace presence {

namespace {

constexpr uint32_t at_once = 256;

// Calls `use` with each partition's lock held exclusively.
template <typename Use>
void for_each_partition(const RealmRef& realm, Use use) {
  Roster roster(shared.region);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
    if (!realm.gone()) use(roster, partition);
    LWLockRelease(shared.partition(partition));
  }
}

template <typename Ask>
bool any_partition(const RealmRef& realm, Ask ask) {
  Roster roster(shared.region);
  bool any = false;
  for (uint32_t partition = 0; partition < partition_count && !any; partition++) {
    LWLockAcquire(shared.partition(partition), LW_SHARED);
    any = !realm.gone() && ask(roster, partition);
    LWLockRelease(shared.partition(partition));
  }
  return any;
}

}  // namespace

namespace {

// Occupancies may be told again.
Time settle_channels(const RealmRef& realm, Time now) {
  ChannelIndex& channels = shared.region.channels;
  Time next = never;
  for (uint32_t partition = 0; partition < partition_count && !realm.gone(); partition++) {
    if (channels.next_due(realm.number, partition) <= now)
      channels.settle(realm.number, partition, now);
    next = std::min(next, channels.next_due(realm.number, partition));
  }
  return next;
}

}  // namespace

Time settle_realm(const RealmRef& realm, const Policy& policy, Time now) {
  Roster roster(shared.region);
  Time next = settle_channels(realm, now);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    for (bool settled = false; !settled;) {
      LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
      settled = realm.gone() || roster.settle(realm.number, partition, policy, now, at_once);
      if (settled && !realm.gone())
        next = std::min(next, roster.next_due(realm.number, partition, policy));
      LWLockRelease(shared.partition(partition));
    }
  }
  return next;
}

namespace {

// No marks of a policy, which are odd.
constexpr uint64_t placed_for_none = 0;
constexpr uint64_t being_placed = 2;

using Reschedule = void (Roster::*)(uint16_t, uint32_t, const Policy&, Time);

void reschedule_partitions(const RealmRef& realm, Reschedule reschedule, const Policy& policy,
                           Time now) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    (roster.*reschedule)(realm.number, partition, policy, now);
  });
}

}  // namespace

void reschedule_realm(const RealmRef& realm, const Policy& policy, Time now) {
  std::atomic<uint64_t>& placed_for = realm.control().placed_for;
  placed_for.store(being_placed);
  reschedule_partitions(realm, &Roster::apply_policy, policy, now);
  // Unless somebody else has done it meanwhile.
  uint64_t expected = being_placed;
  placed_for.compare_exchange_strong(expected, mark_of(policy));
}

void reschedule_until_worker_does(const RealmRef& realm, const Policy& policy, Time now) {
  std::atomic<uint64_t>& placed_for = realm.control().placed_for;
  placed_for.store(placed_for_none);  // who reads meanwhile looks at each
  reschedule_partitions(realm, &Roster::reschedule, policy, now);
  placed_for.store(placed_for_none);  // also when the worker has come between
}

bool is_scheduled(const RealmRef& realm, const Policy& policy) {
  return realm.control().placed_for.load() == mark_of(policy);
}

Time next_due_of_realm(const RealmRef& realm, const Policy& policy) {
  Time next = never;
  Roster roster(shared.region);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    LWLockAcquire(shared.partition(partition), LW_SHARED);
    if (!realm.gone()) next = std::min(next, roster.next_due(realm.number, partition, policy));
    LWLockRelease(shared.partition(partition));
    next = std::min(next, shared.region.channels.next_due(realm.number, partition));
  }
  return next;
}

namespace {

// Goes on from `partition` until one of them has something for `take`.
template <typename Take>
bool take_from(const RealmRef& realm, uint32_t& partition, Take take) {
  Roster roster(shared.region);
  for (; partition < partition_count; partition++) {
    LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
    const bool taken = !realm.gone() && take(roster);
    LWLockRelease(shared.partition(partition));
    if (taken) return true;
  }
  return false;
}

}  // namespace

bool snapshot_under_way(const RealmRef& realm) { return realm.control().snapshots.load() > 0; }

bool take_announcement(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                       UserNews& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.take_announcement(realm.number, partition, policy, snapshot_under_way(realm),
                                    out);
  });
}

bool take_member_news(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                      MemberNews& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.take_member_news(realm.number, partition, policy, now, snapshot_under_way(realm),
                                   out);
  });
}

bool take_channel_news(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                       ChannelNews& out) {
  for (; partition < partition_count && !realm.gone(); partition++)
    if (shared.region.channels.take_news(realm.number, partition, policy.large_channel, now, out))
      return true;
  return false;
}

bool has_announcements(const RealmRef& realm) {
  return any_partition(realm, [&](Roster& roster, uint32_t partition) {
    return roster.has_announcements(realm.number, partition) ||
           roster.has_member_news(realm.number, partition) ||
           shared.region.channels.has_news(realm.number, partition);
  });
}

namespace {

void note_shown(const RealmRef& realm) {
  Roster roster(shared.region);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    LWLockAcquire(shared.partition(partition), LW_SHARED);
    if (!realm.gone()) roster.note_shown(realm.number, partition);
    LWLockRelease(shared.partition(partition));
  }
}

}  // namespace

void begin_snapshot(const RealmRef& realm) { realm.control().snapshots.fetch_add(1); }

namespace {

RealmControl* asked_for_quiet = nullptr;  // by this process

}  // namespace

bool ask_for_quiet(const RealmRef& realm) {
  if (asked_for_quiet) return false;
  asked_for_quiet = &realm.control();
  asked_for_quiet->quiet.fetch_add(1);
  return true;
}

void end_quiet() {
  if (!asked_for_quiet) return;
  asked_for_quiet->quiet.fetch_sub(1);
  asked_for_quiet = nullptr;
}

// What is waiting by now may have been seen; what was taken meanwhile has been told for that.
void end_snapshot(const RealmRef& realm) {
  note_shown(realm);
  realm.control().snapshots.fetch_sub(1);
}

bool begin_writing(const RealmRef& realm, uint32_t& partition, const Policy& policy, Time now,
                   UserView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_writing(realm.number, partition, policy, now, out);
  });
}

void end_writing(const RealmRef& realm, const UserKey& key, Cell cell) {
  LWLockAcquire(shared.partition(key.partition()), LW_EXCLUSIVE);
  Roster roster(shared.region);
  // A reset may have taken the user away.
  if (!realm.gone() && roster.find(key) == cell && roster.is_being_written(cell))
    roster.end_writing(cell);
  LWLockRelease(shared.partition(key.partition()));
}

void give_up_writing(const RealmRef& realm, const UserKey& key, Cell cell) {
  LWLockAcquire(shared.partition(key.partition()), LW_EXCLUSIVE);
  Roster roster(shared.region);
  if (!realm.gone() && roster.find(key) == cell && roster.is_being_written(cell))
    roster.give_up_writing(cell);
  LWLockRelease(shared.partition(key.partition()));
}

void flush_realm(const RealmRef& realm) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.flush(realm.number, partition);
    roster.flush_sessions(realm.number, partition);
    roster.flush_members(realm.number, partition);
  });
}

void try_user_rows_again(const RealmRef& realm) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.try_again(realm.number, partition);
  });
}

void recover_writing(const RealmRef& realm) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.recover_writing(realm.number, partition);
    roster.end_session_rows(realm.number, partition, false);
    roster.end_member_rows(realm.number, partition, false);
    roster.end_activities(realm.number, partition, false);
  });
}

bool begin_deleting_member(const RealmRef& realm, uint32_t& partition, MemberView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_deleting_member(realm.number, partition, out);
  });
}

bool begin_writing_member(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                          Time now, MemberView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_writing_member(realm.number, partition, policy, now, out);
  });
}

void leave_member_row(const RealmRef& realm, const MemberView& taken) {
  LWLockAcquire(shared.partition(taken.partition), LW_EXCLUSIVE);
  if (!realm.gone())
    Roster(shared.region).leave_member_row(realm.number, taken.partition, taken.cell);
  LWLockRelease(shared.partition(taken.partition));
}

void end_member_rows(const RealmRef& realm, bool committed) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.end_member_rows(realm.number, partition, committed);
  });
}

void try_member_rows_again(const RealmRef& realm) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.try_member_rows_again(realm.number, partition);
  });
}

bool has_members(const RealmRef& realm, RowState state) {
  return any_partition(realm, [&](Roster& roster, uint32_t partition) {
    return roster.has_members(realm.number, partition, state);
  });
}

bool begin_deleting_session(const RealmRef& realm, uint32_t& partition, SessionView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_deleting_session(realm.number, partition, out);
  });
}

bool begin_writing_session(const RealmRef& realm, uint32_t& partition, const Policy& policy,
                           Time now, SessionView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_writing_session(realm.number, partition, policy, now, out);
  });
}

void leave_session_row(const RealmRef& realm, const SessionView& taken) {
  LWLockAcquire(shared.partition(taken.partition), LW_EXCLUSIVE);
  if (!realm.gone())
    Roster(shared.region).leave_session_row(realm.number, taken.partition, taken.cell);
  LWLockRelease(shared.partition(taken.partition));
}

void end_session_rows(const RealmRef& realm, bool committed) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.end_session_rows(realm.number, partition, committed);
  });
}

void try_session_rows_again(const RealmRef& realm) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.try_session_rows_again(realm.number, partition);
  });
}

bool has_sessions(const RealmRef& realm, RowState state) {
  return any_partition(realm, [&](Roster& roster, uint32_t partition) {
    return roster.has_sessions(realm.number, partition, state);
  });
}

bool begin_writing_activity(const RealmRef& realm, uint32_t& partition, ActivityView& out) {
  return take_from(realm, partition, [&](Roster& roster) {
    return roster.begin_writing_activity(realm.number, partition, out);
  });
}

void end_activities(const RealmRef& realm, bool committed) {
  for_each_partition(realm, [&](Roster& roster, uint32_t partition) {
    roster.end_activities(realm.number, partition, committed);
  });
}

uint32_t queued_activities(const RealmRef& realm) {
  uint32_t queued = 0;
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    LWLockAcquire(shared.partition(partition), LW_SHARED);
    if (!realm.gone()) queued += Roster(shared.region).queued_activities(realm.number, partition);
    LWLockRelease(shared.partition(partition));
  }
  return queued;
}

bool has_rows(const RealmRef& realm, Persist state) {
  return any_partition(realm, [&](Roster& roster, uint32_t partition) {
    return roster.has(realm.number, partition, state);
  });
}

}  // namespace presence
