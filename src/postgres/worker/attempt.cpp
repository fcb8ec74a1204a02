// attempt.cpp: the worker's only PG_TRY.
#include "postgres/worker/attempt.h"

extern "C" {
#include "access/xact.h"
#include "pgstat.h"
#include "utils/elog.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr int report_every_ms = 60 * 1000;

void report(const char* what, const char* hint, const ErrorData* error) {
  static TimestampTz reported_at;
  static const char* reported;
  const TimestampTz now = GetCurrentTimestamp();
  if (reported == what && !TimestampDifferenceExceeds(reported_at, now, report_every_ms)) return;
  reported = what;
  reported_at = now;
  ereport(
      LOG,
      (errcode(error->sqlerrcode), errmsg("presence could not %s: %s", what, error->message),
       error->detail ? errdetail("%s", error->detail) : 0, errhint("It is tried again. %s", hint)));
}

}  // namespace

bool attempt(const char* what, const char* hint, void (*work)(void*), void* context) {
  MemoryContext outer = CurrentMemoryContext;
  volatile bool done = false;
  PG_TRY();
  {
    StartTransactionCommand();
    work(context);
    CommitTransactionCommand();
    // No main loop of a backend does it for us; autovacuum goes by these numbers.
    (void)pgstat_report_stat(true);
    done = true;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(outer);
    HOLD_INTERRUPTS();
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    AbortCurrentTransaction();
    report(what, hint, error);
    FreeErrorData(error);
    RESUME_INTERRUPTS();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(outer);
  return done;
}

}  // namespace presence
