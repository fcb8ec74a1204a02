// delivery.cpp: polling, with and without waiting.
#include <charconv>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/shared/realms.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/events.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/json_text.h"
#include "postgres/sql/snapshot.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/access.h"

extern "C" {
#include "access/xlog.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr int64 longest_wait = 60 * 60 * 1000;  // ms
constexpr int most_events = 10000;

// ---- arguments -------------------------------------------------------------------

// Whatever is no epoch is the epoch of no run of any server.
uint64_t epoch_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return 0;
  const std::string_view text = text_of(call->args[number].value);
  uint64_t epoch = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), epoch, 16);
  const bool is_whole = text.size() == epoch_bytes && read.ptr == text.data() + text.size();
  return is_whole && read.ec == std::errc{} ? epoch : 0;
}

Position position_argument(FunctionCallInfo call, int number) {
  const Position position{epoch_argument(call, number), 0};
  if (call->args[number + 1].isnull) return {};
  const int64 seq = DatumGetInt64(call->args[number + 1].value);
  if (seq < 0)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("seq must not be negative"),
                    errhint("Pass the epoch and seq of a snapshot, or of the events before.")));
  return {position.epoch, static_cast<uint64_t>(seq)};
}

Asked asked_argument(FunctionCallInfo call, int viewer, int most) {
  Asked asked{};
  asked.channel_id = channel_argument(call, 0);
  if (is_private_channel(asked.channel_id)) refuse_viewer(call, viewer);
  asked.viewer = &hearing_viewer_argument(call, viewer, asked.channel_id);
  asked.most = most;
  auto* naming = static_cast<char*>(palloc(max_user_key_bytes));
  asked.naming = {naming, write_user_key(asked.viewer->key.id, naming)};
  return asked;
}

int64 timeout_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) raise_null("timeout");
  const Datum now = TimestampTzGetDatum(GetCurrentTimestamp());
  const Datum end = DirectFunctionCall2(timestamptz_pl_interval, now, call->args[number].value);
  const int64 timeout = (DatumGetTimestampTz(end) - DatumGetTimestampTz(now)) / 1000;
  if (timeout > longest_wait)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("timeout is longer than an hour"),
             errhint("Wait for some seconds, and again: a connection is taken meanwhile.")));
  return timeout;
}

// ---- the answer --------------------------------------------------------------------

Datum answer(const Told& told) {
  JsonText json;
  json.begin_object();
  if (told.position.epoch == 0) {
    for (const char* name : {"epoch", "seq"}) json.null(name);
  } else {
    char epoch[epoch_bytes];
    write_epoch(told.position.epoch, epoch);
    json.text("epoch", {epoch, epoch_bytes});
    json.number("seq", static_cast<int64>(told.position.seq));
  }
  json.boolean("resync", told.resync);
  json.begin_array("events");
  for (int i = 0; i < told.count; i++) json.element(told.events[i]);
  json.end_array();
  json.end_object();
  return json.to_jsonb();
}

// A standby has no events: whoever asks takes snapshots.
constexpr Told no_events{{0, 0}, true, nullptr, 0};

// ---- waiting -----------------------------------------------------------------------

// What there is, in memory that lasts until the next look.
Told look(const Asked& asked, const Position& position, MemoryContext looking) {
  if (extension().realm.gone()) raise_gone();
  MemoryContextReset(looking);
  MemoryContext before = MemoryContextSwitchTo(looking);
  // The application may be asked, and must not answer as of when the wait began.
  PushActiveSnapshot(GetLatestSnapshot());
  // And the viewer may be in other channels by now.
  Asked now = asked;
  if (!asked.viewer->is_everybody) now.viewer = viewer_of(asked.viewer->key.id);
  const Told told = events_after(now, position);
  PopActiveSnapshot();
  MemoryContextSwitchTo(before);
  return told;
}

Told wait_for_events(const Asked& asked, Position position, int64 timeout) {
  ConditionVariable* told_something = &extension().realm.control().told;
  MemoryContext looking = AllocSetContextCreate(CurrentMemoryContext, "presence: a look at events",
                                                ALLOCSET_DEFAULT_SIZES);
  const TimestampTz end = GetCurrentTimestamp() + timeout * 1000;
  ConditionVariablePrepareToSleep(told_something);
  Told told;
  for (;;) {
    told = look(asked, position, looking);
    position = told.position;
    const long left = static_cast<long>((end - GetCurrentTimestamp()) / 1000);
    if (told.resync || told.count > 0 || left <= 0) break;
    (void)ConditionVariableTimedSleep(told_something, left, PG_WAIT_EXTENSION);
  }
  ConditionVariableCancelSleep();
  return told;
}

// Or until the standby is promoted.
void wait_in_vain(int64 timeout) {
  const TimestampTz end = GetCurrentTimestamp() + timeout * 1000;
  for (;;) {
    const TimestampTz now = GetCurrentTimestamp();
    if (now >= end || !RecoveryInProgress()) return;
    constexpr int64 looks_after = 1000;  // ms
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                    static_cast<long>(Min((end - now) / 1000 + 1, looks_after)), PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_events) {
  extension();
  const int most = int_argument(fcinfo, 3, "max_events", 1);
  const Asked asked = asked_argument(fcinfo, 4, Min(most, most_events));
  const Position position = position_argument(fcinfo, 1);
  PG_RETURN_DATUM(answer(RecoveryInProgress() ? no_events : events_after(asked, position)));
}

PRESENCE_FUNCTION(presence_wait) {
  extension();
  const int64 timeout = timeout_argument(fcinfo, 3);
  const Asked asked = asked_argument(fcinfo, 4, most_events);
  const Position position = position_argument(fcinfo, 1);
  if (RecoveryInProgress()) {
    wait_in_vain(timeout);
    PG_RETURN_DATUM(answer(no_events));
  }
  PG_RETURN_DATUM(answer(wait_for_events(asked, position, timeout)));
}

PRESENCE_FUNCTION(presence_resync) {
  const RealmRef& realm = extension().realm;
  require_primary("presence_resync()");
  require_service("presence_resync()");
  realm.control().resync.store(true);
  wake_worker(realm);
  PG_RETURN_VOID();
}
