// session_rows.cpp: batches of rows of sessions.
//
// A session that ended and another of the same id may both be in a batch: rows are deleted first,
// and only those of the very connection that has ended.
#include "postgres/worker/session_rows.h"

#include <algorithm>

#include "postgres/shared/work.h"
#include "postgres/tables/row_deletes.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/session_details.h"
#include "postgres/worker/behind.h"

extern "C" {
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

// Those that somebody has locked.
Statement undeleted_rows = {
    "SELECT p.session_id FROM %s.presence_sessions p "
    "JOIN unnest($1, $2) AS r(session_id, connected_at) "
    "ON p.session_id = r.session_id AND p.connected_at = r.connected_at",
    2,
    {TEXTARRAYOID, TIMESTAMPTZARRAYOID}};

// What a session does not say again is kept, but not of another one with the same id.
#define KEPT(column) "WHEN p.connected_at = r.connected_at THEN p." column " END"

constexpr int batch_columns = 13;
#define SESSION_ROWS                                                                 \
  "unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS r(session_id, " \
  "user_id, status, connected_at, last_seen, last_heartbeat, current_page, lease, "  \
  "gateway, has_details, device, ip_address, user_agent)"
#define SESSION_TYPES                                                                              \
  {                                                                                                \
    TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID,            \
        TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT4ARRAYOID, TEXTARRAYOID, BOOLARRAYOID, TEXTARRAYOID, \
        TEXTARRAYOID, TEXTARRAYOID                                                                 \
  }

// Rows that somebody has locked are left for another time.
Statement update_rows = {
    "WITH free AS MATERIALIZED ("
    "  SELECT r.* FROM " SESSION_ROWS
    ", LATERAL ("
    "    SELECT FROM %s.presence_sessions p WHERE p.session_id = r.session_id "
    "    FOR NO KEY UPDATE SKIP LOCKED) p) "
    "UPDATE %s.presence_sessions p SET user_id = r.user_id, status = r.status, "
    "connected_at = r.connected_at, last_seen = r.last_seen, last_heartbeat = r.last_heartbeat, "
    "current_page = r.current_page, lease = r.lease, gateway = r.gateway, "
    "device = CASE WHEN r.has_details THEN r.device " KEPT("device") ", "
    "ip_address = CASE WHEN r.has_details THEN r.ip_address::inet " KEPT("ip_address") ", "
    "user_agent = CASE WHEN r.has_details THEN r.user_agent " KEPT("user_agent") " "
    "FROM free r WHERE p.session_id = r.session_id RETURNING p.session_id",
    batch_columns, SESSION_TYPES};
Statement add_rows = {
    "INSERT INTO %s.presence_sessions (session_id, user_id, status, connected_at, last_seen, "
    "last_heartbeat, current_page, lease, gateway, device, ip_address, user_agent) "
    "SELECT session_id, user_id, status, connected_at, last_seen, last_heartbeat, current_page, "
    "lease, gateway, device, ip_address::inet, user_agent FROM " SESSION_ROWS
    " WHERE NOT EXISTS "
    "  (SELECT FROM %s.presence_sessions p WHERE p.session_id = r.session_id) "
    "ON CONFLICT (session_id) DO NOTHING RETURNING session_id",
    batch_columns, SESSION_TYPES};

using Views = Taken<SessionView>;

void add_time(Column& column, Time time) {
  time == forever_ago ? column.add_null() : column.add(TimestampTzGetDatum(time));
}

// Marks those of the batch that the last result names, or takes their marks away.
void mark_named(const Views& taken, bool* marks, bool mark) {
  auto* ids = static_cast<std::string_view*>(
      palloc(sizeof(std::string_view) * static_cast<Size>(taken.count())));
  for (int i = 0; i < taken.count(); i++) ids[i] = taken[i].id();
  HTAB* places = places_of(ids, taken.count());
  for (uint64 i = 0; i < SPI_processed; i++) {
    Datum id;
    if (!get_value(i, 1, id)) continue;
    if (const int place = place_of(places, text_of(id)); place >= 0) marks[place] = mark;
  }
}

void delete_ended(const Views& ended, bool* locked) {
  Column ids(TEXTOID, ended.count()), connected(TIMESTAMPTZOID, ended.count());
  for (int i = 0; i < ended.count(); i++) {
    ids.add_text(ended[i].id());
    connected.add(TimestampTzGetDatum(ended[i].connected_at));
  }
  Datum values[] = {ids.array(), connected.array()};
  if (delete_session_rows(values[0], values[1]) == static_cast<uint64>(ended.count())) return;
  run(undeleted_rows, values, nullptr);
  mark_named(ended, locked, true);
}

void write_waiting(const Views& waiting, bool* locked) {
  const int count = waiting.count();
  Column ids(TEXTOID, count), users(TEXTOID, count), statuses(TEXTOID, count);
  Column connected(TIMESTAMPTZOID, count), seen(TIMESTAMPTZOID, count);
  Column heard(TIMESTAMPTZOID, count), pages(TEXTOID, count), leases(INT4OID, count);
  Column gateways(TEXTOID, count), given(BOOLOID, count), devices(TEXTOID, count);
  Column addresses(TEXTOID, count), agents(TEXTOID, count);
  for (int i = 0; i < count; i++) {
    const SessionView& session = waiting[i];
    const Details details = unpack_details(session.details());
    ids.add_text(session.id());
    users.add_text(session.user_id());
    statuses.add_text(name_of(session.status));
    connected.add(TimestampTzGetDatum(session.connected_at));
    add_time(seen, session.active_at);
    add_time(heard, session.heard_at);
    pages.add_text_or_null(session.page());
    leases.add(Int32GetDatum(static_cast<int32>(session.lease)));
    gateways.add_text_or_null(session.gateway());
    given.add(BoolGetDatum(session.has_details));
    devices.add_text_or_null(details.device);
    addresses.add_text_or_null(details.address);
    agents.add_text_or_null(details.agent);
  }
  Datum values[] = {ids.array(),      users.array(), statuses.array(), connected.array(),
                    seen.array(),     heard.array(), pages.array(),    leases.array(),
                    gateways.array(), given.array(), devices.array(),  addresses.array(),
                    agents.array()};
  if (run(update_rows, values, nullptr) == static_cast<uint64>(count)) return;
  std::fill_n(locked, count, true);
  mark_named(waiting, locked, false);
  run(add_rows, values, nullptr);
  mark_named(waiting, locked, false);
}

constexpr RowsBehind<SessionView> session_rows = {"write the rows of sessions",
                                                  &Extension::presence_sessions,
                                                  begin_deleting_session,
                                                  begin_writing_session,
                                                  leave_session_row,
                                                  end_session_rows,
                                                  delete_ended,
                                                  write_waiting};

}  // namespace

Outcome write_session_rows(const RealmRef& realm, int most) {
  return write_behind(realm, session_rows, most);
}

}  // namespace presence
