// whole.cpp: loading the rows of everybody who is not offline.
#include "postgres/tables/whole.h"

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/users.h"
#include "postgres/tables/rows.h"

extern "C" {
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

constexpr long rows_at_once = 2000;

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

}  // namespace

// Rows of the last run get session_timeout to be heard of again; rows that came by import or
// restore live by the rules of every day.
void load_everybody() {
  const RealmRef realm = extension().realm;
  RealmControl& control = realm.control();
  const uint64_t load = control.loads_wanted.load();
  const Time session_ends_at = loaded_session_ends_at(realm);
  uint32_t removals[partition_count];
  for (uint32_t i = 0; i < partition_count; i++) removals[i] = removals_near(realm, i);

  TableAccess access;
  access.begin();
  SPIPlanPtr plan = prepare(fetch_present);
  // Whatever snapshot the caller's transaction has: memory is about what is committed now.
  PushActiveSnapshot(GetLatestSnapshot());
  Portal rows = SPI_cursor_open(nullptr, plan, nullptr, nullptr, true);
  PopActiveSnapshot();
  for (;;) {
    SPI_cursor_fetch(rows, true, rows_at_once);
    SPITupleTable* portion = SPI_tuptable;
    const uint64 count = SPI_processed;
    if (count == 0) break;
    for (uint64 i = 0; i < count; i++) {
      SPI_tuptable = portion;
      ReadRow read = read_row(i);
      load_row(realm, read, session_ends_at, removals);
    }
    SPI_freetuptable(portion);
    CHECK_FOR_INTERRUPTS();
  }
  SPI_cursor_close(rows);
  access.end();
  mark_done(control, load);
}

RealmRef whole_realm() {
  const RealmRef realm = extension().realm;
  while (!realm.complete()) load_everybody();
  return realm;
}

}  // namespace presence
