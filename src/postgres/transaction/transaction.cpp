// transaction.cpp: the log, and what commit and abort make of it.
#include "postgres/transaction/transaction.h"

#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/ahead.h"
#include "postgres/shared/many.h"
#include "postgres/shared/realms.h"
#include "postgres/shared/work.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/restore.h"
#include "postgres/transaction/visibility.h"
#include "postgres/worker/launcher_table.h"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

enum class Kind : uint8_t {
  claim,
  wish,
  reset,
  reload,
  clean,
  restored_rules,
  drop,
  start,
  snapshot,
  over  // was a snapshot
};

struct LogEntry {
  Kind kind;
  int level;
  ClaimedUser* user;  // of claim and wish
  RealmRef realm;     // of the others
};

struct Connecting {
  uint64_t hash;
  ClaimedUser* user;
};

// One transaction's state; all of it is gone with TopTransactionContext.
struct Pending {
  LogEntry* log;
  int count, capacity;
  HTAB* users;       // ClaimedUser by its hash
  HTAB* connecting;  // for whom a session was last wished, by the hash of its id
  int wishes;
  int resets;
  uint64_t reset_epoch;
};
Pending pending;

void begin() {
  if (pending.users) return;
  HASHCTL control{};
  control.keysize = sizeof(uint64_t);
  control.entrysize = sizeof(ClaimedUser);
  control.hcxt = TopTransactionContext;
  pending.users = hash_create("presence: users claimed by this transaction", 64, &control,
                              HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  control.entrysize = sizeof(Connecting);
  pending.connecting = hash_create("presence: sessions connected by this transaction", 64, &control,
                                   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

// Doubles an array of the transaction when it is full.
template <typename Item>
void make_space(Item*& items, int count, int& capacity) {
  if (count < capacity) return;
  capacity = capacity == 0 ? 1 : capacity * 2;  // most transactions have one wish for a user
  const Size bytes = sizeof(Item) * static_cast<Size>(capacity);
  void* space =
      items ? repalloc_huge(items, bytes) : MemoryContextAlloc(TopTransactionContext, bytes);
  items = static_cast<Item*>(space);
}

void make_log_space() { make_space(pending.log, pending.count, pending.capacity); }

// There is space: cannot fail.
void log(Kind kind, ClaimedUser* user, const RealmRef& realm) {
  pending.log[pending.count++] = {kind, GetCurrentTransactionNestLevel(), user, realm};
}

ClaimedUser* find_user(const UserKey& key) {
  if (!pending.users) return nullptr;
  auto* user = static_cast<ClaimedUser*>(hash_search(pending.users, &key.hash, HASH_FIND, nullptr));
  if (!user || user->cell == no_cell) return nullptr;
  if (user->id() != key.id || user->realm.number != key.realm)
    elog(ERROR, "two users of one transaction have the same hash");
  return user;
}

}  // namespace

// ---- claims ----------------------------------------------------------------

// The persister never waits for an application, so this is short.
void wait_for_persister(const RealmRef& realm) {
  const TransactionId writer = realm.control().writer.load();
  if (TransactionIdIsValid(writer) && TransactionIdIsInProgress(writer))
    XactLockTableWait(writer, nullptr, nullptr, XLTW_None);
}

namespace {

constexpr long crowded_poll_us = 1000;

Claim claim(const RealmRef& realm, const UserKey& key) {
  Claiming claiming = Claiming::unless_written;
  RoomNeeded room;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Claim claim;
    switch (claim_user(realm, key, claiming, current_policy(), current_time(), claim)) {
      case Answer::done:
        return claim;
      case Answer::missing:
        bring_from_row(realm, key);
        break;
      case Answer::gone:
        raise_gone();
      case Answer::full:
        room.near(key.partition());
        break;
      case Answer::stale:
        break;
      case Answer::crowded:
        pg_usleep(crowded_poll_us);
        break;
      case Answer::writing:
        wait_for_persister(realm);
        // Its transaction is over, whether or not it has said so.
        claiming = Claiming::though_written;
        break;
      default:
        break;
    }
  }
}

}  // namespace

namespace {

// After a reset in this transaction there is nothing that anybody could build on.
void forget_before_reset(ClaimedUser* user) {
  WishParts parts;
  parts.change.kind = ChangeKind::forget;
  parts.reason = Reason::forgotten;
  add_wish(user, parts);
}

}  // namespace

ClaimedUser* claim_for_change(const RealmRef& realm, const UserKey& key) {
  begin();
  if (ClaimedUser* claimed = find_user(key)) return claimed;
  make_log_space();
  bool found;
  auto* user = static_cast<ClaimedUser*>(hash_search(pending.users, &key.hash, HASH_ENTER, &found));
  user->cell = no_cell;
  user->realm = realm;
  user->partition = key.partition();
  user->id_bytes = static_cast<uint32_t>(key.id.size());
  std::memcpy(user->id_text, key.id.data(), key.id.size());
  user->count = user->capacity = 0;
  user->wishes = nullptr;
  user->committing = false;
  user->rules_since = never;
  const Claim claimed = claim(realm, key);
  user->row_place = claimed.row_place;
  user->cell = claimed.cell;
  log(Kind::claim, user, {});
  if (pending.resets > 0) forget_before_reset(user);
  return user;
}

void wait_for_commits(ClaimedUser* const* users, int count) {
  constexpr long poll_us = 50;
  for (int i = 0; i < count; i++) {
    while (is_committing(users[i]->realm, users[i]->partition, users[i]->cell)) {
      CHECK_FOR_INTERRUPTS();
      pg_usleep(poll_us);
    }
  }
}

namespace {

std::string_view kept_by_transaction(std::string_view text) {
  char* copy = static_cast<char*>(MemoryContextAlloc(TopTransactionContext, text.size()));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace

namespace {

// Only the last rules of a user count: those before them would take memory until COMMIT. False: its
// last wish is another one, or of a savepoint around this.
bool replace_last_rules(ClaimedUser* user, const Wish& wish) {
  if (user->count == 0) return false;
  Wish& last = user->wishes[user->count - 1];
  if (last.change.kind != ChangeKind::set_visibility) return false;
  int at = pending.count - 1;
  while (pending.log[at].kind != Kind::wish || pending.log[at].user != user) at--;
  if (pending.log[at].level != GetCurrentTransactionNestLevel()) return false;
  const bool shows_or_hides = last.shows_or_hides;
  free_wish(last);
  last = wish;
  last.shows_or_hides |= shows_or_hides;
  return true;
}

}  // namespace

void add_wish(ClaimedUser* user, const WishParts& parts) {
  make_log_space();
  make_space(user->wishes, user->count, user->capacity);
  WishParts kept = parts;
  NewSession session;
  if (parts.session) {
    session = *parts.session;
    session.key.id = kept_by_transaction(session.key.id);
    kept.session = &session;
  }
  ChannelKey channel;
  if (parts.channel) {
    channel = *parts.channel;
    channel.id = kept_by_transaction(channel.id);
    kept.channel = &channel;
  }
  if (kept.change.kind == ChangeKind::connect) {
    auto* entry = static_cast<Connecting*>(
        hash_search(pending.connecting, &session.key.hash, HASH_ENTER, nullptr));
    entry->user = user;
  }
  Wish wish;
  RoomNeeded room;
  while (!reserve_wish(user->realm, wish, kept, current_policy())) room.near(user->partition);
  if (wish.change.kind == ChangeKind::set_visibility && replace_last_rules(user, wish)) return;
  user->wishes[user->count++] = wish;
  pending.wishes++;
  log(Kind::wish, user, {});
}

// An entry may be of a savepoint that was rolled back: the user's wishes tell.
const ClaimedUser* user_connecting(const SessionKey& session) {
  if (pending.wishes == 0) return nullptr;
  auto* entry =
      static_cast<Connecting*>(hash_search(pending.connecting, &session.hash, HASH_FIND, nullptr));
  if (!entry || entry->user->cell == no_cell) return nullptr;
  for (int i = 0; i < entry->user->count; i++) {
    const Wish& wish = entry->user->wishes[i];
    if (wish.change.kind == ChangeKind::connect && wish.session.id == session.id)
      return entry->user;
  }
  return nullptr;
}

std::optional<ChangeKind> last_wish_about(const ClaimedUser* user, std::string_view session_id) {
  for (int wish = user->count - 1; wish >= 0; wish--) {
    const Wish& last = user->wishes[wish];
    const ChangeKind kind = last.change.kind;
    // All of the user's sessions, or this one.
    if (kind == ChangeKind::leave || kind == ChangeKind::log_out || kind == ChangeKind::forget)
      return kind;
    if ((kind == ChangeKind::connect || kind == ChangeKind::disconnect) &&
        last.session.id == session_id)
      return kind;
  }
  return std::nullopt;
}

const ClaimedUser* claimed_user(const UserKey& key) { return find_user(key); }

std::span<const Wish> wishes_for(const UserKey& key) {
  const ClaimedUser* user = pending.wishes > 0 ? find_user(key) : nullptr;
  if (!user) return {};
  return {user->wishes, static_cast<size_t>(user->count)};
}

void for_each_wisher(void (*use)(const ClaimedUser&, void*), void* context) {
  for (int i = 0; i < pending.count; i++) {
    const LogEntry& entry = pending.log[i];
    if (entry.kind == Kind::claim && entry.user->count > 0) use(*entry.user, context);
  }
}

int wisher_count() {
  int count = 0;
  for_each_wisher([](const ClaimedUser&, void* to) { ++*static_cast<int*>(to); }, &count);
  return count;
}

bool has_changes() { return pending.count > 0; }

void reset_at_commit(const RealmRef& realm) {
  const uint64_t epoch = new_epoch();
  make_log_space();
  pending.reset_epoch = epoch;
  pending.resets++;
  log(Kind::reset, nullptr, realm);
}

void reload_at_commit(const RealmRef& realm) {
  make_log_space();
  log(Kind::reload, nullptr, realm);
}

void clean_at_commit(const RealmRef& realm) {
  make_log_space();
  log(Kind::clean, nullptr, realm);
}

void know_rules_at_commit(const RealmRef& realm) {
  make_log_space();
  log(Kind::restored_rules, nullptr, realm);
}

void drop_at_commit(const RealmRef& realm) {
  make_log_space();
  log(Kind::drop, nullptr, realm);
}

int hold_snapshot(const RealmRef& realm) {
  make_log_space();
  begin_snapshot(realm);
  log(Kind::snapshot, nullptr, realm);
  return pending.count - 1;
}

namespace {

// Whatever time has done by now may have been seen.
void end_held_snapshot(const RealmRef& realm, const Policy& policy, Time now) {
  settle_all(realm, policy, now);
  end_snapshot(realm);
}

}  // namespace

// The application may have logged more behind it, when it was asked who sees whom.
void release_snapshot(int held) {
  end_held_snapshot(pending.log[held].realm, current_policy(), current_time());
  if (held == pending.count - 1)
    pending.count--;
  else
    pending.log[held].kind = Kind::over;
}

void start_at_commit() {
  make_log_space();
  log(Kind::start, nullptr, {});
}

// ---- the end ---------------------------------------------------------------

namespace {

void forget_all() { pending = Pending{}; }

// From here to the end of commit() nothing can fail, so nothing is allocated.

// Asks for the users of this entry and of the next ones.
void fetch_claims_ahead(int from) {
  Cell cells[users_ahead];
  int count = 0;
  for (int i = from; i < pending.count && count < users_ahead; i++)
    if (pending.log[i].kind == Kind::claim) cells[count++] = pending.log[i].user->cell;
  fetch_users_ahead(cells, count, Use::change);
  fetch_neighbours_ahead(cells, count);
}

void commit_entry(const LogEntry& entry, const Policy& policy, Time now) {
  switch (entry.kind) {
    case Kind::claim: {
      ClaimedUser& user = *entry.user;
      commit_user(user.realm, user.partition, user.cell,
                  {user.wishes, static_cast<size_t>(user.count)}, user.row_place, user.committing,
                  policy, now);
      wake_worker(user.realm);
      return;
    }
    case Kind::wish:
      return;  // with its claim
    case Kind::reset:
      return;  // before all
    case Kind::restored_rules:
      return;  // before the commit record
    case Kind::reload:
      // The loading is silent: whoever has a picture takes a new one.
      entry.realm.control().loads_wanted.fetch_add(1);
      entry.realm.control().resync.store(true);
      wake_worker(entry.realm);
      return;
    case Kind::clean:
      entry.realm.control().restores.fetch_add(1);
      wake_worker(entry.realm);
      return;
    case Kind::drop:
      entry.realm.control().look_for_extension.store(true);
      wake_worker(entry.realm);
      return;
    case Kind::start:
      request_scan();
      return;
    case Kind::snapshot:
      end_held_snapshot(entry.realm, policy, now);
      return;
    case Kind::over:
      return;
  }
}

void commit() {
  const Policy policy = current_policy();
  const Time now = current_time();
  for (int i = 0; i < pending.count; i++) {
    if (pending.log[i].kind != Kind::reset) continue;
    reset_realm(pending.log[i].realm, pending.reset_epoch);
    wake_worker(pending.log[i].realm);
  }
  int claims = 0;
  for (int i = 0; i < pending.count; i++) {
    if (pending.log[i].kind == Kind::claim && claims++ % users_ahead == 0) fetch_claims_ahead(i);
    commit_entry(pending.log[i], policy, now);
  }
  forget_all();
}

void know_restored_rules() {
  const bool any = std::any_of(pending.log, pending.log + pending.count, [](const LogEntry& entry) {
    return entry.kind == Kind::restored_rules;
  });
  if (any && find_extension()) make_restored_rules_known();
}

// The row of a user may be seen by others before memory follows: they wait while this is set.
void before_commit() {
  for (int i = 0; i < pending.count; i++) {
    const LogEntry& entry = pending.log[i];
    if (entry.kind != Kind::wish || entry.user->committing) continue;
    const std::span<const Wish> wishes{entry.user->wishes, static_cast<size_t>(entry.user->count)};
    if (std::none_of(wishes.begin(), wishes.end(),
                     [](const Wish& wish) { return wish.writes_row; }))
      continue;
    begin_commit(entry.user->realm, entry.user->partition, entry.user->cell);
    entry.user->committing = true;
  }
}

void undo(const LogEntry& entry) {
  if (entry.kind == Kind::reset) pending.resets--;
  if (entry.kind == Kind::snapshot) {
    end_quiet();
    end_snapshot(entry.realm);
  }
  if (entry.kind == Kind::wish) {
    free_wish(entry.user->wishes[--entry.user->count]);
    pending.wishes--;
  } else if (entry.kind == Kind::claim) {
    if (entry.user->committing)
      end_commit(entry.user->realm, entry.user->partition, entry.user->cell);
    drop_claim(entry.user->realm, entry.user->partition, entry.user->cell);
    entry.user->cell = no_cell;
  }
}

void undo_from(int level) {
  while (pending.count > 0 && pending.log[pending.count - 1].level >= level)
    undo(pending.log[--pending.count]);
}

void on_transaction(XactEvent event, void*) {
  switch (event) {
    case XACT_EVENT_PRE_PREPARE:
      if (has_changes())
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot PREPARE a transaction that has changed presence"),
                        errhint("Commit it instead.")));
      return;
    case XACT_EVENT_PREPARE:
      forget_all();
      forget_creation();
      return;
    case XACT_EVENT_PRE_COMMIT:
      know_restored_rules();
      before_commit();
      return;
    case XACT_EVENT_COMMIT:
      commit();
      forget_creation();
      return;
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PARALLEL_ABORT:
    case XACT_EVENT_PARALLEL_COMMIT:  // its leader does not know what was logged here
      end_all_restores();
      undo_from(0);
      forget_all();
      if (event == XACT_EVENT_ABORT) undo_creation(1);
      forget_creation();
      return;
    default:
      return;
  }
}

void on_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  const int level = GetCurrentTransactionNestLevel();
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    undo_from(level);
    undo_creation(level);
  }
  if (event != SUBXACT_EVENT_COMMIT_SUB) return;
  keep_creation(level);
  for (int i = pending.count - 1; i >= 0 && pending.log[i].level >= level; i--)
    pending.log[i].level = level - 1;
}

}  // namespace

void init_transaction() {
  RegisterXactCallback(on_transaction, nullptr);
  RegisterSubXactCallback(on_subtransaction, nullptr);
}

}  // namespace presence
