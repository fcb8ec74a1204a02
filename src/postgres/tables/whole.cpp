// whole.cpp: loading the rows of everybody who is not offline.
#include "postgres/tables/whole.h"

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/users.h"
#include "postgres/tables/rows.h"

namespace presence {

namespace {

constexpr long rows_at_once = 2000;

Statement fetch_present = {
    "SELECT " PRESENCE_ROW_COLUMNS " FROM %s.user_presence WHERE status <> 'offline'", 0, {}};

void load_row(const RealmRef& realm, ReadRow& read, Time session_ends_at) {
  read.row.session_ends_at = session_ends_at;
  const UserKey key = realm.key(read.user_id);
  while (bring_user(realm, key, &read.row, current_policy(), current_time()) == Answer::full)
    need_room(key.partition());
}

}  // namespace

// Rows of the last run get session_timeout to be heard of again; rows that came by import or
// restore live by the rules of every day.
void load_everybody() {
  const RealmRef realm = extension().realm;
  const bool imported = realm.control().reload.exchange(false);
  const Time session_ends_at = imported ? never : current_time() + current_policy().session_timeout;

  TableAccess access;
  access.begin();
  SPIPlanPtr plan = prepare(fetch_present);
  Portal rows = SPI_cursor_open(nullptr, plan, nullptr, nullptr, false);
  for (;;) {
    SPI_cursor_fetch(rows, true, rows_at_once);
    if (SPI_processed == 0) break;
    for (uint64 i = 0; i < SPI_processed; i++) {
      ReadRow read = read_row(i);
      load_row(realm, read, session_ends_at);
    }
    SPI_freetuptable(SPI_tuptable);
    CHECK_FOR_INTERRUPTS();
  }
  SPI_cursor_close(rows);
  access.end();
  // More rows may have come meanwhile.
  if (!realm.control().reload.load()) realm.realm().complete.store(true);
}

RealmRef whole_realm() {
  const RealmRef realm = extension().realm;
  if (!realm.realm().complete.load()) load_everybody();
  return realm;
}

}  // namespace presence
