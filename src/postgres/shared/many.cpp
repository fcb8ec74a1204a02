// many.cpp: settle the partition, read it.
#include "postgres/shared/many.h"

namespace presence {

namespace {

constexpr uint32_t settle_at_once = 256;

// Takes the lock, shared, with nothing due.
void lock_settled(const RealmRef& realm, uint32_t partition, const Policy& policy, Time now) {
  Roster roster(shared.region);
  LWLock* lock = shared.partition(partition);
  LWLockAcquire(lock, LW_SHARED);
  while (!realm.gone() && roster.next_due(realm.number, partition, policy) <= now) {
    LWLockRelease(lock);
    LWLockAcquire(lock, LW_EXCLUSIVE);
    if (!realm.gone()) roster.settle(realm.number, partition, policy, now, settle_at_once);
    LWLockRelease(lock);
    wake_worker(realm);
    LWLockAcquire(lock, LW_SHARED);
  }
}

}  // namespace

void settle_all(const RealmRef& realm, const Policy& policy, Time now) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    lock_settled(realm, partition, policy, now);
    LWLockRelease(shared.partition(partition));
  }
}

void count_users(const RealmRef& realm, const Policy& policy, Time now, Counts& counts) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    lock_settled(realm, partition, policy, now);
    if (!realm.gone()) Roster(shared.region).count(realm.number, partition, counts);
    LWLockRelease(shared.partition(partition));
  }
}

void count_seen_users(const RealmRef& realm, const Policy& policy, Time now, Counts& counts) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    lock_settled(realm, partition, policy, now);
    if (!realm.gone()) Roster(shared.region).count_seen(realm.number, partition, counts);
    LWLockRelease(shared.partition(partition));
  }
}

void find_cutoff(const RealmRef& realm, Status status, const Viewer* viewer, const Policy& policy,
                 Time now, Cutoff& cutoff) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    lock_settled(realm, partition, policy, now);
    if (!realm.gone())
      Roster(shared.region).find_cutoff(realm.number, partition, status, viewer, policy, cutoff);
    LWLockRelease(shared.partition(partition));
  }
}

std::size_t collect_users(const RealmRef& realm, uint32_t partition, Status status,
                          const Viewer* viewer, const Policy& policy, Time not_before,
                          std::span<Candidate> room) {
  std::size_t found = 0;
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  if (!realm.gone())
    found = Roster(shared.region)
                .collect(realm.number, partition, status, viewer, policy, not_before, room);
  LWLockRelease(shared.partition(partition));
  return found;
}

std::size_t collect_users_of(const RealmRef& realm, uint32_t partition, Status status,
                             UserKind kind, std::span<Candidate> room) {
  std::size_t found = 0;
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  if (!realm.gone())
    found = Roster(shared.region).collect_kind(realm.number, partition, status, kind, room);
  LWLockRelease(shared.partition(partition));
  return found;
}

std::size_t find_related_cutoffs(const RealmRef& realm, const Viewer& viewer, const Policy& policy,
                                 Time now, Cutoffs& cutoffs) {
  std::size_t count = 0;
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    lock_settled(realm, partition, policy, now);
    if (!realm.gone())
      count += Roster(shared.region).find_related_cutoffs(partition, viewer, policy, cutoffs);
    LWLockRelease(shared.partition(partition));
  }
  return count;
}

std::size_t collect_related_users(const RealmRef& realm, uint32_t partition, const Viewer& viewer,
                                  const Policy& policy, Time now, const Cutoffs* cutoffs,
                                  std::span<Special> room) {
  std::size_t found = 0;
  lock_settled(realm, partition, policy, now);
  if (!realm.gone())
    found = Roster(shared.region).collect_related(partition, viewer, policy, cutoffs, room);
  LWLockRelease(shared.partition(partition));
  return found;
}

}  // namespace presence
