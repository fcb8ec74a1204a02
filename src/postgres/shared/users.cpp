// users.cpp: lock the partition, one call of the roster, unlock.
#include "postgres/shared/users.h"

#include "postgres/shared/ahead.h"
#include "postgres/shared/by_partition.h"
#include "postgres/shared/sessions.h"

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
    if (touched.foreign) answer = Answer::foreign;
    if (touched.crowded) answer = Answer::crowded;
  }
  unlock_user(key);
  if (answer == Answer::done && touched.changed) wake_worker(realm);
  return answer;
}

namespace {

constexpr int touches_at_once = 256;  // with the lock held

// Returns how many of the portion were not touched.
int touch_portion(const RealmRef& realm, const TouchOfMany* touches, const int* places, int count,
                  const Policy& policy, Time now, int* missed) {
  Roster roster(shared.region);
  int missing = 0;
  bool news = false;
  for (int i = 0; i < count; i++) fetch_record_ahead(touches[places[i]].key.hash);
  LWLock* lock = shared.partition(touches[places[0]].key.partition());
  LWLockAcquire(lock, LW_EXCLUSIVE);
  for (int i = 0; i < count; i++) {
    const TouchOfMany& one = touches[places[i]];
    const Cell cell = realm.gone() ? no_cell : roster.find(one.key);
    Touched touched{};
    if (cell != no_cell) touched = roster.touch(cell, one.touch, policy, now);
    if (cell == no_cell || touched.full) missed[missing++] = places[i];
    news |= touched.changed;
  }
  LWLockRelease(lock);
  if (news) wake_worker(realm);
  return missing;
}

}  // namespace

// In the order of the partitions; within one in the order of time, so that each user's place in the
// list is near the one before, and otherwise in the order given.
int touch_users(const RealmRef& realm, const TouchOfMany* touches, int count, const Policy& policy,
                Time now, int* missed) {
  const auto partition_of = [&](int i) { return static_cast<int>(touches[i].key.partition()); };
  ByPartition batch(count, partition_of, missed + count);
  batch.sort([&](int a, int b) {
    const Time seen_a = touches[a].touch.seen_at.value_or(now);
    const Time seen_b = touches[b].touch.seen_at.value_or(now);
    return seen_a != seen_b ? seen_a < seen_b : a < b;
  });
  int missing = 0;
  batch.for_each_portion(touches_at_once, [&](uint32_t, const int* places, int portion) {
    missing += touch_portion(realm, touches, places, portion, policy, now, missed + missing);
  });
  return missing;
}

bool queue_activity(const RealmRef& realm, uint32_t partition, const Activity& activity) {
  constexpr uint32_t share_of_memory = 4;  // a quarter of the cells, at most
  constexpr uint32_t wakes_every = 64;
  const uint32_t at_most = shared.region.pool.count() / share_of_memory / partition_count;
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  Roster roster(shared.region);
  const bool queued =
      !realm.gone() && roster.queue_activity(realm.number, partition, activity, at_most);
  const uint32_t waiting = roster.queued_activities(realm.number, partition);
  LWLockRelease(shared.partition(partition));
  if (waiting == 1 || waiting % wakes_every == 0) wake_worker(realm);
  return queued;
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
                  const Policy& policy, Time now, Claim& claim) {
  Cell cell;
  Answer answer = lock_user(realm, key, LW_EXCLUSIVE, cell);
  if (answer == Answer::done) {
    Roster roster(shared.region);
    if (claiming == Claiming::unless_written && roster.is_being_written(cell)) {
      answer = Answer::writing;
    } else {
      roster.settle_user(cell, policy, now);
      claim = {cell, roster.row_place(cell)};
      if (!roster.claim(cell)) answer = Answer::crowded;
    }
  }
  unlock_user(key);
  return answer;
}

void begin_forgetting(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (!realm.gone()) Roster(shared.region).set_forgetting(cell);
  LWLockRelease(shared.partition(partition));
}

void drop_claim(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  const bool awaited = !realm.gone() && Roster(shared.region).drop_claim(cell);
  LWLockRelease(shared.partition(partition));
  if (awaited) wake_worker(realm);
}

void begin_commit(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (!realm.gone()) Roster(shared.region).set_committing(cell, true);
  LWLockRelease(shared.partition(partition));
}

void end_commit(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (!realm.gone()) Roster(shared.region).set_committing(cell, false);
  LWLockRelease(shared.partition(partition));
}

bool is_committing(const RealmRef& realm, uint32_t partition, Cell cell) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const bool committing = !realm.gone() && Roster(shared.region).is_committing(cell);
  LWLockRelease(shared.partition(partition));
  return committing;
}

void commit_user(const RealmRef& realm, uint32_t partition, Cell cell, std::span<Wish> wishes,
                 RowPlace row_place, bool begun, const Policy& policy, Time now) {
  Roster roster(shared.region);
  LWLockAcquire(shared.partition(partition), LW_EXCLUSIVE);
  if (realm.gone()) {
    for (Wish& wish : wishes) roster.free_wish(wish);
  } else {
    for (Wish& wish : wishes) roster.grant(cell, wish, policy, now);
    if (row_place.is_known()) roster.set_row_place(cell, row_place);
    if (begun) roster.set_committing(cell, false);
    roster.drop_claim(cell);
  }
  LWLockRelease(shared.partition(partition));
}

namespace {

// Calls `look` with the roster and the user, who stays as it is meanwhile.
template <typename Look>
Answer look_at_user(const RealmRef& realm, const UserKey& key, Look look) {
  Cell cell;
  const Answer answer = lock_user(realm, key, LW_SHARED, cell);
  if (answer == Answer::done) look(Roster(shared.region), cell);
  unlock_user(key);
  return answer;
}

}  // namespace

Answer view_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                 const Policy& policy, Time now, UserView& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    roster.view(cell, wishes, policy, now, out);
  });
}

Answer view_claimed_user(const RealmRef& realm, uint32_t partition, Cell cell,
                         std::span<const Wish> wishes, const Policy& policy, Time now,
                         UserView& out) {
  LWLockAcquire(shared.partition(partition), LW_SHARED);
  const bool gone = realm.gone();
  if (!gone) Roster(shared.region).view(cell, wishes, policy, now, out);
  LWLockRelease(shared.partition(partition));
  return gone ? Answer::gone : Answer::done;
}

Answer view_user_for(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                     std::span<const Wish> wishes, const Policy& policy, Time now, UserView& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    roster.view_for(cell, viewer, wishes, policy, now, out);
  });
}

Answer view_user_at(const RealmRef& realm, const UserKey& key, Detail detail, const Viewer& viewer,
                    std::span<const Wish> wishes, const Policy& policy, Time now, UserView& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    roster.view_at(cell, detail, viewer, wishes, policy, now, out);
  });
}

Answer glance_at_user(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                      std::span<const Wish> wishes, const Policy& policy, Time now, Glance& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    out = roster.glance(cell, viewer, wishes, policy, now);
  });
}

Answer detail_of_user(const RealmRef& realm, const UserKey& key, const Viewer& viewer,
                      const ChannelKey* channel, std::span<const Wish> wishes, const Policy& policy,
                      Detail& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    out = roster.detail_for(cell, viewer, channel, wishes, policy);
  });
}

Answer status_of_user(const RealmRef& realm, const UserKey& key, std::span<const Wish> wishes,
                      const Policy& policy, Time now, Status& out) {
  return look_at_user(realm, key, [&](const Roster& roster, Cell cell) {
    out = roster.status_at(cell, wishes, policy, now);
  });
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

bool reserve_text(std::string_view text, Cell& to) {
  const std::optional<Cell> put = put_text(shared.region.pool, text);
  to = put.value_or(no_cell);
  return put.has_value();
}

bool reserve_cell(Cell& to) {
  to = shared.region.pool.take();
  return to != no_cell;
}

// With its gateway, which is alive: it connects somebody.
Cell reserve_connect(const RealmRef& realm, const WishParts& parts, const Policy& policy) {
  NewSession session = *parts.session;
  if (!parts.gateway.empty()) {
    session.gateway =
        wake_gateway(realm, parts.gateway, default_gateway_lease, policy, parts.change.at);
    if (session.gateway == no_cell) return no_cell;
  }
  Roster roster(shared.region);
  const Cell made = roster.make_session(session);
  if (made == no_cell) shared.region.sessions.release_gateway(session.gateway);
  return made;
}

// The id itself stays in the transaction's memory.
bool reserve_session(const RealmRef& realm, Wish& wish, const WishParts& parts,
                     const Policy& policy) {
  wish.session = parts.session->key;
  if (wish.change.kind != ChangeKind::connect) return true;
  wish.spare_session = reserve_connect(realm, parts, policy);
  wish.gives_data = parts.data.has_value();
  wish.gives_page = parts.page.has_value();
  return wish.spare_session != no_cell && reserve_text(parts.data.value_or(""), wish.data) &&
         reserve_text(parts.page.value_or(""), wish.page);
}

// All that a first join may need. The ids stay in the transaction's memory.
bool reserve_channel(Wish& wish, const WishParts& parts) {
  wish.channel = *parts.channel;
  if (parts.session) wish.session = parts.session->key;
  if (wish.change.kind != ChangeKind::join) return true;
  wish.gives_data = parts.data.has_value();
  if (parts.move) {
    const std::optional<Cell> placed = Roster(shared.region).make_placed(*parts.move);
    if (!placed) return false;
    wish.placed = *placed;
    (parts.move->is_state ? wish.gives_state : wish.gives_cursor) = true;
  }
  wish.spare_channel = shared.region.channels.make(wish.channel);
  return wish.spare_channel != no_cell && reserve_text(parts.data.value_or(""), wish.data) &&
         reserve_cell(wish.spare_member) && reserve_cell(wish.spare_extras) &&
         reserve_cell(wish.spare_seats) && reserve_cell(wish.spare_session);
}

// None at all when the user is to have no rules any more.
bool reserve_visibility(const RealmRef& realm, Wish& wish, const VisibilityFacts* facts) {
  if (!facts) return true;
  const std::optional<Cell> made = Roster(shared.region).make_visibility(realm.number, *facts);
  wish.visibility = made.value_or(no_cell);
  return made && reserve_cell(wish.spare_extras);
}

bool reserve_parts(const RealmRef& realm, Wish& wish, const WishParts& parts,
                   const Policy& policy) {
  const ChangeKind kind = wish.change.kind;
  if (kind == ChangeKind::set_visibility) return reserve_visibility(realm, wish, parts.visibility);
  if (names_channel(kind)) return reserve_channel(wish, parts);
  const std::string_view message = parts.message.value_or(std::string_view{});
  const bool needs_extras =
      kind == ChangeKind::choose || !message.empty() || !parts.reason_text.empty();
  if (parts.message) wish.change.message = no_cell;
  if (!message.empty() && !reserve_text(message, *wish.change.message)) return false;
  if (!reserve_text(parts.reason_text, wish.reason_text)) return false;
  if (needs_extras && !reserve_cell(wish.spare_extras)) return false;
  if (names_session(kind)) return reserve_session(realm, wish, parts, policy);
  return !may_need_session(kind) || reserve_cell(wish.spare_session);
}

}  // namespace

bool reserve_wish(const RealmRef& realm, Wish& wish, const WishParts& parts, const Policy& policy) {
  wish = Wish{};
  wish.change = parts.change;
  wish.reason = parts.reason;
  wish.writes_row = parts.writes_row;
  wish.shows_or_hides = parts.shows_or_hides;
  if (reserve_parts(realm, wish, parts, policy)) return true;
  free_wish(wish);
  return false;
}

void free_wish(Wish& wish) { Roster(shared.region).free_wish(wish); }

std::size_t free_cells() {
  const CellPool& pool = shared.region.pool;
  return pool.count() - std::min(pool.used(), pool.count());
}

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

// Others may take what has been freed: there is an end to it.
void make_room_for(std::size_t cells) {
  std::size_t tries = cells / evict_at_once + partition_count;
  for (uint32_t partition = 0; tries > 0 && free_cells() < cells; tries--) {
    if (!make_room(partition)) return;
    partition = (partition + 1) % partition_count;
  }
}

}  // namespace presence
