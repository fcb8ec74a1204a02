// whole.cpp: loading the rows of everybody who is not offline.
#include "postgres/tables/whole.h"

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/sessions.h"
#include "postgres/shared/users.h"
#include "postgres/tables/each_row.h"
#include "postgres/tables/member_rows.h"
#include "postgres/tables/rows.h"

extern "C" {
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

// In the order in which they go into the lists.
Statement fetch_present = {"SELECT " PRESENCE_ROW_COLUMNS
                           " FROM %s.user_presence WHERE status <> 'offline' "
                           "ORDER BY last_seen",
                           0,
                           {}};

// Somebody who left memory since the rows were read may have a newer row, or none.
void load_row(const RealmRef& realm, ReadRow& read, Time session_ends_at,
              const uint32_t* removals) {
  read.row.session_ends_at = session_ends_at;
  const UserKey key = realm.key(read.user_id);
  switch (bring_user(realm, key, &read.row, removals[key.partition()], current_policy(),
                     current_time())) {
    case Answer::gone:
      raise_gone();
    case Answer::full:
    case Answer::stale:
      bring_from_row(realm, key);
      return;
    default:
      return;
  }
}

void mark_done(RealmControl& control, uint64_t load) {
  uint64_t done = control.loads_done.load();
  while (done < load && !control.loads_done.compare_exchange_weak(done, load)) continue;
}

// Whoever was seen last comes first: a user's newest session takes the place of the one that was
// made up.
#define SESSION_COLUMNS                                                                         \
  "session_id, user_id, status, last_seen, last_heartbeat, connected_at, lease, current_page, " \
  "gateway"
#define STRONGEST_OF_USER                                        \
  "CASE WHEN bool_or(status = 'busy') OVER by_user THEN 'busy' " \
  "WHEN bool_or(status = 'online') OVER by_user THEN 'online' ELSE 'away' END"
Statement fetch_sessions = {"SELECT " SESSION_COLUMNS ", " STRONGEST_OF_USER
                            " FROM %s.presence_sessions WINDOW by_user AS (PARTITION BY user_id) "
                            "ORDER BY last_seen DESC NULLS LAST",
                            0,
                            {}};

// A gateway of the last run has session_timeout to call again, as everybody else.
Cell gateway_of_row(const RealmRef& realm, std::string_view name) {
  if (!is_id(name)) return no_cell;
  const Duration ahead = current_policy().session_timeout - default_gateway_lease;
  return hold_gateway(realm, name, default_gateway_lease, current_time() + Max(ahead, Duration{0}));
}

// A restored row may hold what no function would have let in.
uint32_t sensible_lease(int32 lease) {
  const bool sensible =
      lease >= shortest_lease / millisecond && lease <= longest_lease / millisecond;
  return sensible ? static_cast<uint32_t>(lease) : 0;
}

void load_session_row(const RealmRef& realm, uint64 row, Time ends_at) {
  const std::string_view id = text_column(row, 1);
  if (!is_id(id)) return;
  Datum lease;
  SessionRowFacts facts;
  facts.key = realm.session_key(id);
  facts.status = status_named(text_column(row, 3)).value_or(Status::online);
  facts.strongest = status_named(text_column(row, 10)).value_or(facts.status);
  const Time now = current_time();
  facts.active_at = Min(time_column(row, 4), now);
  facts.heard_at = Min(time_column(row, 5), now);
  facts.connected_at = time_column(row, 6);
  if (get_value(row, 7, lease)) facts.lease = sensible_lease(DatumGetInt32(lease));
  facts.page = clipped(text_column(row, 8), max_page_bytes);
  facts.gateway = gateway_of_row(realm, text_column(row, 9));
  // Nothing but its gateway keeps or ends a session that has one.
  facts.ends_at = facts.gateway == no_cell ? ends_at : never;
  const UserKey user = realm.key(text_column(row, 2));
  if (!load_session(realm, user, facts, current_policy(), current_time()))
    release_gateway(facts.gateway);
}

// Rows of the last run get session_timeout to be heard of again; rows that came by import or
// restore live by the rules of every day. What is loaded is not told to anybody: so once somebody
// else has done it, and others may have taken snapshots, nothing more is loaded.
void load_rows(const RealmRef& realm) {
  RealmControl& control = realm.control();
  const uint64_t load = control.loads_wanted.load();
  const Time session_ends_at = loaded_session_ends_at(realm);
  uint32_t removals[partition_count];
  for (uint32_t i = 0; i < partition_count; i++) removals[i] = removals_near(realm, i);

  TableAccess access;
  access.begin();
  // Rules may be long.
  MemoryContext of_row =
      AllocSetContextCreate(CurrentMemoryContext, "presence: a row", ALLOCSET_DEFAULT_SIZES);
  const auto is_done = [&] { return control.loads_done.load() >= load; };
  for_each_row(fetch_present, [&](uint64 row) {
    if (is_done()) return;
    MemoryContext before = MemoryContextSwitchTo(of_row);
    ReadRow read = read_row(row);
    load_row(realm, read, session_ends_at, removals);
    MemoryContextSwitchTo(before);
    MemoryContextReset(of_row);
  });
  if (session_ends_at != never) {
    for_each_row(fetch_sessions, [&](uint64 row) {
      if (!is_done()) load_session_row(realm, row, session_ends_at);
    });
    load_members(realm, load);
  }
  access.end();
  mark_done(control, load);
}

// One at a time loads, for all. Conditionally: nobody waits for somebody who waits for a table that
// it has locked itself.
class LoadLock {
 public:
  LoadLock() {
    constexpr uint16 of_loading = 1;  // no other lock of the extension has this number
    SET_LOCKTAG_OBJECT(tag_, MyDatabaseId, ExtensionRelationId, extension().oid, of_loading);
  }
  bool try_take() {
    return LockAcquire(&tag_, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
  }
  void release() { LockRelease(&tag_, ExclusiveLock, false); }

 private:
  LOCKTAG tag_;
};

constexpr Duration loader_is_lost_after = 10 * second;  // then the next one loads as well
constexpr long looks_again_after = 2000;                // µs

// True: it must be loaded by this process. The lock may be its own then, or nobody's.
bool wait_for_loader(const RealmRef& realm, LoadLock& lock, bool& is_locked) {
  const TimestampTz end = GetCurrentTimestamp() + loader_is_lost_after;
  while (!realm.complete()) {
    is_locked = lock.try_take();
    if (is_locked || GetCurrentTimestamp() > end) return true;
    CHECK_FOR_INTERRUPTS();
    pg_usleep(looks_again_after);
  }
  return false;
}

}  // namespace

void load_everybody(const RealmRef& realm) {
  LoadLock lock;
  bool is_locked = false;
  while (wait_for_loader(realm, lock, is_locked)) {
    if (!realm.complete()) load_rows(realm);
    if (is_locked) lock.release();
  }
}

RealmRef whole_realm() {
  const RealmRef realm = extension().realm;
  if (!realm.complete()) load_everybody(realm);
  return realm;
}

}  // namespace presence
