// users.cpp: lock the partition, one call of the roster, unlock.
#include "postgres/shared/users.h"

namespace presence {

namespace {

constexpr uint32_t evict_at_once = 32;

// Finds the user with the lock taken; the caller releases it, whatever the answer.
Answer lock_user(const RealmRef& realm, const UserKey& key, LWLockMode mode, Cell& cell) {
  LWLockAcquire(shared.partition(key.partition()), mode);
  if (realm.gone()) return Answer::gone;
  cell = Roster(shared.region).find(key);
  return cell == no_cell ? Answer::missing : Answer::done;
}

void unlock_user(const UserKey& key) { LWLockRelease(shared.partition(key.partition())); }

}  // namespace

Answer touch_user(const RealmRef& realm, const UserKey& key, const Touch& touch,
                  const Policy& policy, Time now, Touched& touched) {
  Cell cell;
  Answer answer = lock_user(realm, key, LW_EXCLUSIVE, cell);
  if (answer == Answer::done) {
    touched = Roster(shared.region).touch(cell, touch, policy, now);
    if (touched.full) answer = Answer::full;
  }
  unlock_user(key);
  if (answer == Answer::done && touched.changed) wake_worker(realm);
  return answer;
}

Answer bring_user(const RealmRef& realm, const UserKey& key, const Row* row, uint32_t removals,
                  const Policy& policy, Time now) {
  Cell cell;
  Answer answer = lock_user(realm, key, LW_EXCLUSIVE, cell);
  Roster roster(shared.region);
  bool tell = false;
  if (answer != Answer::gone && roster.removals(realm.number, key.partition()) != removals)
    answer = answer == Answer::missing ? Answer::stale : answer;
  // Somebody asked for this user before there was a row.
  if (answer == Answer::done && row && roster.remove_if_blank(cell)) answer = Answer::missing;
  if (answer == Answer::missing) {
    cell = row ? roster.load(key, *row, policy, now) : roster.add(key);
    answer = cell == no_cell ? Answer::full : Answer::done;
    tell = roster.has_announcements(realm.number, key.partition());
  }
  unlock_user(key);
  if (tell) wake_worker(realm);
  return answer;
}

uint32_t removals_near(const RealmRef& realm, uint32_t partition) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const uint32_t removals = Roster(shared.region).removals(realm.number, partition);
  LWLockRelease(shared.partition(partition));
  return removals;
}

Answer claim_user(const RealmRef& realm, const UserKey& key, Claiming claiming,
                  const Policy& policy, Time now, Cell& cell) {
  Answer answer = lock_user(realm, key, LW_EXCLUSIVE, cell);
  if (answer == Answer::done) {
    Roster roster(shared.region);
    if (claiming == Claiming::unless_written && roster.is_being_written(cell)) {
      answer = Answer::writing;
    } else {
      roster.settle_user(cell, policy, now);
      roster.claim(cell);
    }
  }
  unlock_user(key);
  return answer;
}

void drop_claim(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  const bool awaited = !realm.gone() && Roster(shared.region).drop_claim(cell);
  LWLockRelease(shared.partition(partition));
  if (awaited) wake_worker(realm);
}

void begin_commit(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (!realm.gone()) Roster(shared.region).set_committing(cell);
  LWLockRelease(shared.partition(partition));
}

bool is_committing(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const bool committing = !realm.gone() && Roster(shared.region).is_committing(cell);
  LWLockRelease(shared.partition(partition));
  return committing;
}

void commit_user(const RealmRef& realm, uint32_t partition, Cell cell, std::span<Wish> wishes,
                 const Policy& policy, Time now) {
  Roster roster(shared.region);
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (realm.gone()) {
    for (Wish& wish : wishes) roster.free_wish(wish);
  } else {
    for (Wish& wish : wishes) roster.grant(cell, wish, policy, now);
    roster.drop_claim(cell);
  }
  LWLockRelease(shared.partition(partition));
}

Answer view_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                 const Policy& policy, Time now, UserView& out) {
  Cell cell;
  const Answer answer = lock_user(realm, key, LW_SHARED, cell);
  if (answer == Answer::done) Roster(shared.region).view(cell, wishes, policy, now, out);
  unlock_user(key);
  return answer;
}

Answer status_of_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                      const Policy& policy, Time now, Status& out) {
  Cell cell;
  const Answer answer = lock_user(realm, key, LW_SHARED, cell);
  if (answer == Answer::done) out = Roster(shared.region).status_at(cell, wishes, policy, now);
  unlock_user(key);
  return answer;
}

std::size_t choices_of_user(uint32_t partition, Cell cell, std::span<const Wish> wishes, Time now,
                            char* to) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const std::size_t bytes = Roster(shared.region).choices_line(cell, wishes, now, to);
  LWLockRelease(shared.partition(partition));
  return bytes;
}

namespace {

// A logout with memory full must work: it needs none.
bool may_need_session(ChangeKind kind) {
  return kind == ChangeKind::choose || kind == ChangeKind::be_automatic;
}

}  // namespace

bool reserve_wish(Wish& wish, std::optional<std::string_view> message,
                  std::string_view reason_text) {
  CellPool& pool = shared.region.pool;
  const std::string_view text = message.value_or(std::string_view{});
  const bool session = may_need_session(wish.change.kind);
  const bool extras =
      wish.change.kind == ChangeKind::choose || !text.empty() || !reason_text.empty();
  const std::optional<Cell> message_cell = put_text(pool, text);
  const std::optional<Cell> reason_cell = put_text(pool, reason_text);
  if (session) wish.spare_session = pool.take();
  if (extras) wish.spare_extras = pool.take();
  wish.reason_text = reason_cell.value_or(no_cell);
  if (message) wish.change.message = message_cell.value_or(no_cell);
  if (message_cell && reason_cell && (!session || wish.spare_session != no_cell) &&
      (!extras || wish.spare_extras != no_cell))
    return true;
  free_wish(wish);
  wish.spare_session = wish.spare_extras = wish.reason_text = no_cell;
  wish.change.message.reset();
  return false;
}

void free_wish(Wish& wish) { Roster(shared.region).free_wish(wish); }

// One is not enough: it may be the very user that needs more.
bool make_room(uint32_t near_partition) {
  Roster roster(shared.region);
  uint32_t evicted = 0;
  for (uint32_t i = 0; i < partition_count && evicted < evict_at_once; i++) {
    const uint32_t partition = (near_partition + i) % partition_count;
    LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
    evicted += roster.evict(partition, evict_at_once - evicted);
    LWLockRelease(shared.partition(partition));
  }
  return evicted > 0;
}

}  // namespace presence
