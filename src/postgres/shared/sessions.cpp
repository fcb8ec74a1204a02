// sessions.cpp: find the partition, lock it, find the session again, one call of the roster.
#include "postgres/shared/sessions.h"

#include <algorithm>

#include "postgres/shared/by_partition.h"
#include "postgres/shared/work.h"

namespace presence {

namespace {

// Takes the lock of the partition of the session's user. no_cell: there is no such session, and
// no lock is held.
Cell lock_session(const RealmRef& realm, const SessionKey& key, LWLockMode mode,
                  uint32_t& partition) {
  for (;;) {
    const SessionIndex::Found found = shared.region.sessions.find(key);
    if (found.session == no_cell || realm.gone()) return no_cell;
    partition = found.partition;
    LWLockAcquire(shared.partition(partition), mode);
    const Cell session = Roster(shared.region).session_in(partition, key);
    if (session != no_cell && !realm.gone()) return session;
    // It has ended meanwhile, and perhaps begun again.
    LWLockRelease(shared.partition(partition));
  }
}

}  // namespace

Answer find_session(const RealmRef& realm, const SessionKey& key, const Policy& policy, Time now,
                    SessionOwner& owner) {
  uint32_t partition;
  const Cell cell = lock_session(realm, key, LW_SHARED, partition);
  if (cell == no_cell) return realm.gone() ? Answer::gone : Answer::missing;
  const Session& session = shared.region.pool.at<Session>(cell);
  owner.id_bytes =
      get_id(shared.region.pool, shared.region.pool.at<User>(session.user), owner.id_text);
  owner.is_secret = session.is_secret;
  owner.disconnected = !Roster(shared.region).is_connected(cell, policy, now);
  LWLockRelease(shared.partition(partition));
  return Answer::done;
}

Answer heartbeat_session(const RealmRef& realm, const SessionKey& key, const Policy& policy,
                         Time now) {
  uint32_t partition;
  const Cell cell = lock_session(realm, key, LW_EXCLUSIVE, partition);
  if (cell == no_cell) return realm.gone() ? Answer::gone : Answer::missing;
  bool changed;
  const bool counts = Roster(shared.region).heartbeat(cell, policy, now, changed);
  LWLockRelease(shared.partition(partition));
  if (changed) wake_worker(realm);
  return counts ? Answer::done : Answer::missing;
}

namespace {

constexpr int heartbeats_at_once = 256;  // with the lock held

// Returns whether the worker has something to do.
bool hear_portion(const RealmRef& realm, uint32_t partition, const SessionKey* keys,
                  const int* places, int count, const Policy& policy, Time now, bool* unknown) {
  Roster roster(shared.region);
  bool news = false;
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  for (int i = 0; i < count; i++) {
    const SessionKey& key = keys[places[i]];
    const Cell session = realm.gone() ? no_cell : roster.session_in(partition, key);
    bool changed = false;
    unknown[places[i]] = session == no_cell || !roster.heartbeat(session, policy, now, changed);
    news |= changed;
  }
  LWLockRelease(shared.partition(partition));
  return news;
}

}  // namespace

int heartbeat_sessions(const RealmRef& realm, const SessionKey* keys, int count,
                       const Policy& policy, Time now, bool* unknown, int* room) {
  int* partitions = room;
  for (int i = 0; i < count; i++) {
    const SessionIndex::Found found = shared.region.sessions.find(keys[i]);
    partitions[i] =
        found.session == no_cell ? ByPartition::nowhere : static_cast<int>(found.partition);
    unknown[i] = true;
  }
  const ByPartition batch(
      count, [&](int i) { return partitions[i]; }, room + count);
  bool news = false;
  batch.for_each_portion(
      heartbeats_at_once, [&](uint32_t partition, const int* places, int portion) {
        news |= hear_portion(realm, partition, keys, places, portion, policy, now, unknown);
      });
  if (news) wake_worker(realm);
  return static_cast<int>(std::count(unknown, unknown + count, true));
}

void unbind_session(const RealmRef& realm, const SessionKey& key, uint32_t binder,
                    const Policy& policy, Time now) {
  uint32_t partition;
  const Cell cell = lock_session(realm, key, LW_EXCLUSIVE, partition);
  if (cell == no_cell) return;
  const bool unbound = Roster(shared.region).unbind(cell, binder, policy, now);
  LWLockRelease(shared.partition(partition));
  if (unbound) wake_worker(realm);
}

void settle_owner(const RealmRef& realm, const SessionKey& key, const Policy& policy, Time now) {
  uint32_t partition;
  const Cell cell = lock_session(realm, key, LW_EXCLUSIVE, partition);
  if (cell == no_cell) return;
  Roster(shared.region).settle_user(shared.region.pool.at<Session>(cell).user, policy, now);
  LWLockRelease(shared.partition(partition));
  wake_worker(realm);
}

Cell hold_gateway(const RealmRef& realm, std::string_view name, Duration lease, Time now) {
  SessionIndex& index = shared.region.sessions;
  const Cell cell = index.hold_gateway(realm.realm().gateways, name, lease, now, 1);
  if (cell == no_cell || !realm.gone()) return cell;
  index.release_gateway(cell);
  return no_cell;
}

void release_gateway(Cell gateway) { shared.region.sessions.release_gateway(gateway); }

Cell wake_gateway(const RealmRef& realm, std::string_view name, Duration lease,
                  const Policy& policy, Time now) {
  const Cell cell = hold_gateway(realm, name, lease, now);
  if (cell == no_cell) return no_cell;
  Gateway& gateway = shared.region.pool.at<Gateway>(cell);
  const Time silent_from = gateway.heard_at.load() + gateway.lease.load();
  if (silent_from + policy.disconnect_grace <= now) {
    settle_realm(realm, policy, now);
    wake_worker(realm);
  }
  if (gateway.heard_at.load() < now) gateway.heard_at.store(now);
  return cell;
}

std::optional<uint32_t> hear_gateway(const RealmRef& realm, std::string_view name, Duration lease,
                                     const Policy& policy, Time now) {
  const Cell cell = wake_gateway(realm, name, lease, policy, now);
  if (cell == no_cell) return std::nullopt;
  Gateway& gateway = shared.region.pool.at<Gateway>(cell);
  // A due moment may be too early, not too late.
  if (gateway.lease.exchange(lease) > lease) {
    reschedule_until_worker_does(realm, policy, now);
    wake_worker(realm);
  }
  // Counting it has kept it from being forgotten meanwhile.
  const uint32_t sessions = (gateway.sessions.load() & ~orphaned_gateway) - 1;
  release_gateway(cell);
  return sessions;
}

std::optional<Duration> lease_of_gateway(const RealmRef& realm, std::string_view name, Time now) {
  const Cell cell = hold_gateway(realm, name, default_gateway_lease, now);
  if (cell == no_cell) return std::nullopt;
  const Duration lease = shared.region.pool.at<Gateway>(cell).lease.load();
  shared.region.sessions.release_gateway(cell);
  return lease;
}

std::size_t sessions_of_user(const RealmRef& realm, const UserKey& key, const Policy& policy,
                             Time now, std::span<SessionView> room) {
  std::size_t found = 0;
  LWLockAcquire(shared.partition(key.partition()), LW_SHARED);
  Roster roster(shared.region);
  const Cell cell = realm.gone() ? no_cell : roster.find(key);
  if (cell != no_cell) found = roster.sessions(cell, policy, now, room);
  LWLockRelease(shared.partition(key.partition()));
  return found;
}

bool load_session(const RealmRef& realm, const UserKey& user, const SessionRowFacts& row,
                  const Policy& policy, Time now) {
  bool loaded = false;
  LWLockAcquire(shared.partition(user.partition()), LW_EXCLUSIVE);
  Roster roster(shared.region);
  const Cell cell = realm.gone() ? no_cell : roster.find(user);
  if (cell != no_cell) loaded = roster.load_session(cell, row, policy, now);
  LWLockRelease(shared.partition(user.partition()));
  return loaded;
}

}  // namespace presence
