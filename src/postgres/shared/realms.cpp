// realms.cpp: making, freeing and emptying realms.
#include "postgres/shared/realms.h"

extern "C" {
#include "storage/proc.h"
}

namespace presence {

Shared shared;

namespace {

LWLock* session_lock(uint32_t number) { return &shared.sessions[number].lock; }
LWLock* channel_lock(uint32_t number) { return &shared.channels[number].lock; }
LWLock* viewer_lock(uint32_t number) { return &shared.viewers[number].lock; }

template <LWLock* (*lock)(uint32_t)>
constexpr IndexLocks locks_of = {
    [](uint32_t number) { (void)LWLockAcquire(lock(number), LW_SHARED); },
    [](uint32_t number) { (void)LWLockAcquire(lock(number), LW_EXCLUSIVE); },
    [](uint32_t number) { LWLockRelease(lock(number)); }};

}  // namespace

const Region::Locks index_locks = {locks_of<session_lock>, locks_of<channel_lock>,
                                   locks_of<viewer_lock>};

namespace {

constexpr uint64_t dying = 1;  // no database has the oid 0
constexpr uint32_t portion = 512;

uint64_t identity_of(uint32_t number) {
  return shared.region.realm(static_cast<uint16_t>(number)).identity.load();
}

Oid database_of(uint64_t identity) { return static_cast<Oid>(identity >> 32); }

void remove_users(uint16_t number) {
  Roster roster(shared.region);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    for (bool done = false; !done;) {
      LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
      done = roster.remove_all(number, partition, portion);
      LWLockRelease(shared.partition(partition));
    }
  }
  shared.region.sessions.free_gateways(shared.region.realm(number).gateways);
  for (uint32_t partition = 0; partition < partition_count; partition++)
    shared.region.channels.forget_news(number, partition);
}

// With the realms lock. Nobody adds users to a realm whose identity is not theirs, so it is
// empty when all partitions have been gone through.
void free_slot(uint32_t number) {
  Realm& realm = shared.region.realm(static_cast<uint16_t>(number));
  realm.identity.store(dying);
  remove_users(static_cast<uint16_t>(number));
  realm.identity.store(0);
}

void begin_stream(RealmControl& control, uint64_t epoch) {
  LWLockAcquire(shared.events, LW_EXCLUSIVE);
  const uint64_t end = shared.ring.end();
  control.stream = Stream{epoch, 0, end, 0, {end, 0}, {end, 0}, 0};
  control.marks = EventMarks{};
  LWLockRelease(shared.events);
}

void begin_realm(uint32_t number, uint64_t identity, uint64_t epoch, Audience default_audience) {
  RealmControl& control = shared.controls[number];
  begin_stream(control, epoch);
  control.worker.store(-1);
  control.awake.store(false);
  control.look_for_extension.store(false);
  control.flush.store(false);
  control.resync.store(false);
  control.loads_wanted.store(1);
  control.loads_done.store(0);
  control.restores.store(0);
  control.behind_since.store(0);
  control.writer.store(InvalidTransactionId);
  control.last_round.store(0);
  control.rounds_wanted.store(0);
  control.rounds_done.store(0);
  control.placed_for.store(0);
  for (uint32_t partition = 0; partition < partition_count; partition++)
    shared.region.share(static_cast<uint16_t>(number), partition).default_audience =
        default_audience;
  shared.region.realm(static_cast<uint16_t>(number)).identity.store(identity);
}

// With the realms lock.
RealmRef find_realm(uint64_t identity) {
  for (uint32_t number = 0; number < shared.region.realm_count(); number++)
    if (identity_of(number) == identity) return {static_cast<uint16_t>(number), identity};
  return {};
}

RealmRef make_realm(uint64_t identity, uint64_t epoch, Audience default_audience) {
  for (uint32_t number = 0; number < shared.region.realm_count(); number++) {
    if (identity_of(number) != 0) continue;
    begin_realm(number, identity, epoch, default_audience);
    return {static_cast<uint16_t>(number), identity};
  }
  return {};
}

}  // namespace

RealmRef open_realm(uint64_t identity, uint64_t epoch, Audience default_audience) {
  LWLockAcquire(shared.realms, LW_EXCLUSIVE);
  RealmRef realm = find_realm(identity);
  if (!realm.valid()) realm = make_realm(identity, epoch, default_audience);
  LWLockRelease(shared.realms);
  return realm;
}

void close_realm(const RealmRef& realm) {
  LWLockAcquire(shared.realms, LW_EXCLUSIVE);
  if (!realm.gone()) free_slot(realm.number);
  LWLockRelease(shared.realms);
}

void close_other_realms(uint64_t identity) {
  LWLockAcquire(shared.realms, LW_EXCLUSIVE);
  for (uint32_t number = 0; number < shared.region.realm_count(); number++) {
    const uint64_t there = identity_of(number);
    const bool same_database = database_of(there) == database_of(identity);
    if (there > dying && same_database && there != identity) free_slot(number);
  }
  LWLockRelease(shared.realms);
}

void forget_missing_databases(const Oid* existing, int count) {
  if (!shared.attached()) return;
  LWLockAcquire(shared.realms, LW_EXCLUSIVE);
  for (uint32_t number = 0; number < shared.region.realm_count(); number++) {
    const uint64_t identity = identity_of(number);
    bool exists = identity == 0;
    for (int i = 0; i < count && !exists; i++) exists = existing[i] == database_of(identity);
    if (!exists) free_slot(number);
  }
  LWLockRelease(shared.realms);
}

void reset_realm(const RealmRef& realm, uint64_t epoch) {
  LWLockAcquire(shared.realms, LW_EXCLUSIVE);
  if (!realm.gone()) {
    Roster roster(shared.region);
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      for (bool done = false; !done;) {
        LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
        done = roster.blank_all(realm.number, partition, portion);
        LWLockRelease(shared.partition(partition));
      }
    }
    for (uint32_t partition = 0; partition < partition_count; partition++)
      shared.region.channels.forget_news(realm.number, partition);
    begin_stream(realm.control(), epoch);
    realm.control().resync.store(true);
  }
  LWLockRelease(shared.realms);
}

void for_each_realm(void (*use)(const RealmRef&, void*), void* context) {
  LWLockAcquire(shared.realms, LW_SHARED);
  for (uint32_t number = 0; number < shared.region.realm_count(); number++) {
    const uint64_t identity = identity_of(number);
    if (identity > dying) use({static_cast<uint16_t>(number), identity}, context);
  }
  LWLockRelease(shared.realms);
}

void wake_worker(const RealmRef& realm) {
  RealmControl& control = realm.control();
  const int worker = control.worker.load();
  if (worker < 0 || control.awake.exchange(true)) return;
  SetLatch(&ProcGlobal->allProcs[worker].procLatch);
}

}  // namespace presence
