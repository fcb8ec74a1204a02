// info.cpp: how presence itself is doing.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/events.h"
#include "postgres/shared/work.h"
#include "postgres/sql/info.h"
#include "postgres/sql/people.h"
#include "postgres/tables/access.h"
#include "postgres/worker/launcher_table.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr const char* version = "1.0";
// What is due may wait for so long before tables and listeners count as behind.
constexpr Duration late_after = second;

enum InfoColumn {
  info_version,
  info_epoch,
  info_seq,
  info_worker_pid,
  info_worker_alive,
  info_last_tick_at,
  info_complete,
  info_fresh,
  info_stale_since,
  info_server_time,
  info_columns
};

void fill_realm(const RealmRef& realm, Datum* values, bool* nulls) {
  const Stream stream = stream_of(realm);
  char epoch[epoch_bytes];
  write_epoch(stream.epoch, epoch);
  values[info_epoch] = text_datum({epoch, epoch_bytes});
  values[info_seq] = Int64GetDatum(static_cast<int64>(stream.seq));
  values[info_complete] = BoolGetDatum(realm.complete());

  const int pid = current_worker_pid(MyDatabaseId);
  const bool alive = pid != 0;
  nulls[info_worker_pid] = !alive;
  values[info_worker_pid] = Int32GetDatum(pid);
  values[info_worker_alive] = BoolGetDatum(alive);
  const Time last_round = realm.control().last_round.load();
  nulls[info_last_tick_at] = last_round == 0;
  values[info_last_tick_at] = TimestampTzGetDatum(last_round);

  const Freshness freshness = freshness_of(realm);
  values[info_fresh] = BoolGetDatum(freshness.fresh);
  nulls[info_stale_since] = freshness.stale_since == 0;
  values[info_stale_since] = TimestampTzGetDatum(freshness.stale_since);
}

}  // namespace

Freshness freshness_of(const RealmRef& realm) {
  const Time now = current_time();
  const Time due = next_due_of_realm(realm, current_policy());
  const Time last_round = realm.control().last_round.load();
  const bool alive = current_worker_pid(MyDatabaseId) != 0;
  const bool late = due < now - late_after;
  const bool slow = last_round < now - late_after;
  const bool untold = (!alive || slow) && has_announcements(realm);
  const Time behind_since = realm.control().behind_since.load();
  Freshness freshness{};
  freshness.fresh = realm.complete() && !late && !untold && behind_since == 0;
  if (freshness.fresh) return freshness;
  freshness.stale_since = late ? due : last_round;
  if (behind_since != 0) freshness.stale_since = std::min(freshness.stale_since, behind_since);
  return freshness;
}

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_info) {
  const Extension& ours = extension();
  Datum values[info_columns] = {};
  bool nulls[info_columns];
  std::fill_n(nulls, static_cast<int>(info_columns), true);
  for (const InfoColumn filled : {info_version, info_server_time, info_worker_alive, info_complete,
                                  info_fresh, info_epoch, info_seq})
    nulls[filled] = false;
  values[info_version] = text_datum(version);
  values[info_server_time] = TimestampTzGetDatum(current_time());
  if (RecoveryInProgress())
    nulls[info_epoch] = nulls[info_seq] = true;
  else
    fill_realm(ours.realm, values, nulls);
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls)));
}
