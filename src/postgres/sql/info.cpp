// info.cpp: how presence itself is doing.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/work.h"
#include "postgres/sql/people.h"
#include "postgres/tables/access.h"
#include "postgres/worker/launcher.h"

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
  column_version,
  column_epoch,
  column_seq,
  column_worker_pid,
  column_worker_alive,
  column_last_tick_at,
  column_complete,
  column_fresh,
  column_stale_since,
  column_server_time,
  info_columns
};

void fill_realm(const RealmRef& realm, Datum* values, bool* nulls) {
  const Stream stream = stream_of(realm);
  char epoch[epoch_bytes];
  write_epoch(stream.epoch, epoch);
  values[column_epoch] = text_datum({epoch, epoch_bytes});
  values[column_seq] = Int64GetDatum(static_cast<int64>(stream.seq));
  const bool complete = realm.complete();
  values[column_complete] = BoolGetDatum(complete);

  const int pid = current_worker_pid(MyDatabaseId);
  const bool alive = pid != 0;
  nulls[column_worker_pid] = !alive;
  values[column_worker_pid] = Int32GetDatum(pid);
  values[column_worker_alive] = BoolGetDatum(alive);
  const Time last_round = realm.control().last_round.load();
  nulls[column_last_tick_at] = last_round == 0;
  values[column_last_tick_at] = TimestampTzGetDatum(last_round);

  const Time now = current_time();
  const Time due = next_due_of_realm(realm, current_policy());
  const bool late = due < now - late_after;
  const bool slow = last_round < now - late_after;
  const bool untold = (!alive || slow) && has_announcements(realm);
  const Time behind_since = realm.control().behind_since.load();
  const bool fresh = complete && !late && !untold && behind_since == 0;
  Time stale_since = last_round;
  if (late) stale_since = due;
  if (behind_since != 0) stale_since = std::min(stale_since, behind_since);
  values[column_fresh] = BoolGetDatum(fresh);
  nulls[column_stale_since] = fresh || stale_since == 0;
  values[column_stale_since] = TimestampTzGetDatum(stale_since);
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_info) {
  const Extension& ours = extension();
  Datum values[info_columns] = {};
  bool nulls[info_columns];
  std::fill_n(nulls, static_cast<int>(info_columns), true);
  for (const InfoColumn filled : {column_version, column_server_time, column_worker_alive,
                                  column_complete, column_fresh, column_epoch, column_seq})
    nulls[filled] = false;
  values[column_version] = text_datum(version);
  values[column_server_time] = TimestampTzGetDatum(current_time());
  if (RecoveryInProgress())
    nulls[column_epoch] = nulls[column_seq] = true;
  else
    fill_realm(ours.realm, values, nulls);
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls)));
}
