// sessions.cpp: connections of users: they come, are heard of, and go.
//
// connect, disconnect and logout happen at COMMIT. Heartbeats are immediate and write shared memory
// only.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/sessions.h"
#include "postgres/shared/events.h"
#include "postgres/shared/work.h"
#include "postgres/sql/address.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/binding.h"
#include "postgres/sql/name_texts.h"
#include "postgres/sql/people.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/session_details.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/change.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

namespace presence {

namespace {

Datum interval_datum(Duration duration) {
  auto* interval = static_cast<Interval*>(palloc0(sizeof(Interval)));
  interval->time = duration;
  return IntervalPGetDatum(interval);
}

// In ms; 0 for NULL.
uint32_t lease_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return 0;
  const Interval* given = DatumGetIntervalP(call->args[number].value);
  const Duration lease =
      given->time + (given->day + given->month * Duration{30}) * 24 * 60 * minute;
  if (given->month != 0 || lease < shortest_lease || lease > longest_lease)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("lease must be between 10 seconds and 4 hours"),
                    errhint("Clients should be heard of three times within it.")));
  return static_cast<uint32_t>(lease / millisecond);
}

// 128 random bits: whoever knows it was told.
std::string_view made_up_id() {
  constexpr int random_bytes = 16;
  unsigned char bytes[random_bytes];
  if (!pg_strong_random(bytes, sizeof bytes))
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
  char* digits = static_cast<char*>(palloc(2 * random_bytes));
  hex_encode(reinterpret_cast<const char*>(bytes), sizeof bytes, digits);
  return {digits, 2 * random_bytes};
}

Status session_status_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) raise_null("status");
  const Status status = status_of_text(text_of(call->args[number].value));
  if (status == Status::offline)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("a session cannot connect as \"offline\""),
                    errhint("A session is online, away or busy. presence_disconnect() ends it.")));
  return status;
}

// What a session wants to be told apart by is cut to what fits: it never fails a connect.
std::string_view cut_argument(FunctionCallInfo call, int number, std::size_t most) {
  if (call->args[number].isnull) return {};
  return clipped(text_of(call->args[number].value), most);
}

std::string_view gateway_argument(FunctionCallInfo call, int number) {
  const auto name = text_argument(call, number, "gateway", max_id_bytes);
  if (name && name->empty())
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("gateway must not be empty"),
                    errhint("Leave it out when the session sends its own heartbeats.")));
  return name.value_or(std::string_view{});
}

struct ConnectArguments {
  std::string_view user_id;
  NewSession session;
  Status status;
  std::optional<std::string_view> data, page;
  std::string_view gateway;
  bool bind;
};

ConnectArguments connect_arguments(FunctionCallInfo fcinfo, const RealmRef& realm) {
  ConnectArguments given{};
  given.user_id = acting_user_argument(fcinfo, 0);
  const auto id = session_argument(fcinfo, 1);
  given.data = data_argument(fcinfo, 2);
  given.session.details =
      pack_details({cut_argument(fcinfo, 3, max_device_bytes), address_argument(fcinfo, 4),
                    cut_argument(fcinfo, 5, max_agent_bytes)});
  given.page = text_argument(fcinfo, 6, "page_url", max_page_bytes);
  given.session.page = given.page.value_or(std::string_view{});
  given.status = session_status_argument(fcinfo, 7);
  given.session.lease = lease_argument(fcinfo, 8);
  given.bind = bool_argument(fcinfo, 10, "bind");
  given.session.key = realm.session_key(id ? *id : made_up_id());
  given.session.is_secret = !id;
  given.gateway = gateway_argument(fcinfo, 9);
  if (!given.gateway.empty()) require_service("a gateway");
  return given;
}

// What is told about how long the session lives.
Duration lease_of(const RealmRef& realm, const ConnectArguments& given) {
  if (!given.gateway.empty())
    return lease_of_gateway(realm, given.gateway, current_time()).value_or(default_gateway_lease);
  const uint32_t lease = given.session.lease;
  return lease > 0 ? lease * millisecond : current_policy().session_timeout;
}

Datum connected_row(FunctionCallInfo fcinfo, const NewSession& session, Duration lease,
                    Status status) {
  const Stream stream = stream_of(extension().realm);
  char epoch[epoch_bytes];
  write_epoch(stream.epoch, epoch);
  Datum values[] = {text_datum(session.key.id),
                    status_text(status),
                    text_datum({epoch, epoch_bytes}),
                    Int64GetDatum(static_cast<int64>(stream.seq)),
                    interval_datum(lease),
                    interval_datum(lease / 3)};
  bool nulls[6] = {};
  return HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls));
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_connect) {
  static UserView after;
  extension();
  require_primary("presence_connect()");
  ConnectArguments given = connect_arguments(fcinfo, extension().realm);
  if (given.bind) given.session.binder = bind_session(given.session.key);
  make_connected(given.user_id, given.session, given.status, given.data, given.page, given.gateway,
                 after);
  const Duration lease = lease_of(extension().realm, given);
  PG_RETURN_DATUM(connected_row(fcinfo, given.session, lease, after.status));
}

PRESENCE_FUNCTION(presence_disconnect) {
  extension();
  require_primary("presence_disconnect()");
  const auto id = session_argument(fcinfo, 0);
  if (!id) raise_null("session_id");
  check_known_session(whole_realm(), *id);
  PG_RETURN_BOOL(make_disconnected(*id, why_of(reason_argument(fcinfo, 1))));
}

PRESENCE_FUNCTION(presence_logout) {
  static UserView view;
  extension();
  require_writable("presence_logout()");
  WantedChange wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  wanted.change.kind = ChangeKind::log_out;
  wanted.why.reason = Reason::logout;
  const uint32_t sessions =
      see_user(wanted.user_id, nullptr, current_time(), view) ? view.session_count : 0;
  make_changes(&wanted, 1, view);
  PG_RETURN_INT32(static_cast<int32>(sessions));
}

namespace presence {

namespace {

// Sessions of the last run are heard of again only when they are in memory.
bool is_heard(const RealmRef& realm, std::string_view id) {
  const SessionKey key = realm.session_key(id);
  switch (heartbeat_session(realm, key, current_policy(), current_time())) {
    case Answer::done:
      return true;
    case Answer::gone:
      raise_gone();
    default:
      return false;
  }
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_heartbeat) {
  extension();
  require_primary("presence_heartbeat()");
  const auto id = session_argument(fcinfo, 0);
  if (!id) raise_null("session_id");
  const RealmRef realm = whole_realm();
  check_acting_session(realm, *id);
  PG_RETURN_BOOL(is_heard(realm, *id));
}

PRESENCE_FUNCTION(presence_heartbeat_many) {
  extension();
  require_primary("presence_heartbeat_many()");
  require_service("presence_heartbeat_many()");
  if (PG_ARGISNULL(0)) raise_null("session_ids");
  const Elements ids = elements_of(PG_GETARG_ARRAYTYPE_P(0));
  for (int i = 0; i < ids.count; i++) {
    if (ids.nulls[i]) raise_null("an element of session_ids");
    check_session_id(text_of(ids.values[i]));
  }
  const RealmRef realm = whole_realm();
  const auto count = static_cast<Size>(Max(ids.count, 1));
  auto* keys = static_cast<SessionKey*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(SessionKey) * count));
  for (int i = 0; i < ids.count; i++)
    new (keys + i) SessionKey(realm.session_key(text_of(ids.values[i])));
  auto* unknown = static_cast<bool*>(palloc0(count));
  auto* room =
      static_cast<int*>(MemoryContextAllocHuge(CurrentMemoryContext, 2 * sizeof(int) * count));
  const int missing =
      heartbeat_sessions(realm, keys, ids.count, current_policy(), current_time(), unknown, room);
  if (realm.gone()) raise_gone();
  Column result(TEXTOID, Max(missing, 1));
  for (int i = 0; i < ids.count; i++)
    if (unknown[i]) result.add(ids.values[i]);
  PG_RETURN_DATUM(result.array());
}

PRESENCE_FUNCTION(presence_gateway) {
  const RealmRef realm = extension().realm;
  require_primary("presence_gateway()");
  require_service("presence_gateway()");
  const auto name = text_argument(fcinfo, 0, "gateway", max_id_bytes);
  if (!name) raise_null("gateway");
  if (name->empty())
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("gateway must not be empty"),
                    errhint("Pass the name that presence_connect() was given.")));
  if (PG_ARGISNULL(1)) raise_null("lease");
  const Duration lease = lease_argument(fcinfo, 1) * millisecond;
  whole_realm();
  RoomNeeded room;
  for (;;) {
    const auto sessions = hear_gateway(realm, *name, lease, current_policy(), current_time());
    if (sessions) PG_RETURN_INT32(static_cast<int32>(*sessions));
    room.near(0);
  }
}

namespace presence {

namespace {

enum SessionColumn {
  column_id,
  column_device,
  column_address,
  column_agent,
  column_session_status,
  column_connected_at,
  column_last_seen,
  column_last_heartbeat,
  column_session_page,
  session_columns
};

void time_or_null(Time time, int column, Datum* values, bool* nulls) {
  nulls[column] = time == forever_ago;
  values[column] = TimestampTzGetDatum(time);
}

void put_session(const SessionView& session, ReturnSetInfo* result) {
  Datum values[session_columns] = {};
  bool nulls[session_columns] = {};
  const auto text = [&](std::string_view value, int column) {
    nulls[column] = value.empty();
    if (!value.empty()) values[column] = text_datum(value);
  };
  const Details details = details_of(session);
  text(session.id(), column_id);
  text(details.device, column_device);
  text(details.address, column_address);
  text(details.agent, column_agent);
  text(name_of(session.status), column_session_status);
  time_or_null(session.connected_at, column_connected_at, values, nulls);
  time_or_null(session.active_at, column_last_seen, values, nulls);
  time_or_null(session.heard_at, column_last_heartbeat, values, nulls);
  text(session.page(), column_session_page);
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// On a standby the table is all there is.
void put_session_rows(std::string_view user_id, ReturnSetInfo* result) {
  static Statement fetch = {
      "SELECT session_id, device, host(ip_address), user_agent, status, connected_at, last_seen, "
      "last_heartbeat, current_page FROM %s.presence_sessions WHERE user_id = $1 "
      "ORDER BY connected_at DESC",
      1,
      {TEXTOID}};
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(user_id)};
  const uint64 found = run_fresh(fetch, values, nullptr);
  for (uint64 i = 0; i < found; i++) {
    Datum columns[session_columns];
    bool nulls[session_columns];
    for (int column = 0; column < session_columns; column++)
      nulls[column] = !get_value(i, column + 1, columns[column]);
    tuplestore_putvalues(result->setResult, result->setDesc, columns, nulls);
  }
  access.end();
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_sessions) {
  extension();
  const std::string_view id = acting_user_argument(fcinfo, 0);
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (RecoveryInProgress()) {
    put_session_rows(id, result);
    return 0;
  }
  const RealmRef realm = whole_realm();
  const UserKey key = realm.key(id);
  SessionView* sessions = nullptr;
  std::size_t room = 0;
  std::size_t found = 0;
  // They may become more between two looks.
  do {
    room = found;
    sessions = static_cast<SessionView*>(MemoryContextAllocHuge(
        CurrentMemoryContext, sizeof(SessionView) * Max(room, std::size_t{1})));
    found = sessions_of_user(realm, key, current_policy(), current_time(), {sessions, room});
  } while (found > room);
  for (std::size_t i = 0; i < found; i++)
    // What was made up has no id that anybody could use.
    if (sessions[i].id_bytes > 0) put_session(sessions[i], result);
  return 0;
}
