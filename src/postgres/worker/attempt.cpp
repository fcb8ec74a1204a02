// attempt.cpp: the worker's only PG_TRY.
#include "postgres/worker/attempt.h"

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/elog.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr int report_every_ms = 60 * 1000;

int error_of_last = 0;

struct Reported {
  const char* what;
  TimestampTz at;
};
constexpr int kinds_of_work = 16;

void report(const char* what, const char* hint, const ErrorData* error) {
  static Reported reported[kinds_of_work];
  Reported* last = reported;
  while (last->what && last->what != what && last != reported + kinds_of_work - 1) last++;
  const TimestampTz now = GetCurrentTimestamp();
  if (last->what == what && !TimestampDifferenceExceeds(last->at, now, report_every_ms)) return;
  *last = {what, now};
  ereport(
      LOG,
      (errcode(error->sqlerrcode), errmsg("presence could not %s: %s", what, error->message),
       error->detail ? errdetail("%s", error->detail) : 0, errhint("It is tried again. %s", hint)));
}

}  // namespace

bool attempt(const char* what, const char* hint, void (*work)(void*), void* context) {
  MemoryContext outer = CurrentMemoryContext;
  volatile bool done = false;
  error_of_last = 0;
  QueryCancelPending = false;
  QueryCancelHoldoffCount = 0;
  PG_TRY();
  {
    // So that now() is now, for triggers of the application, too.
    SetCurrentStatementStartTimestamp();
    StartTransactionCommand();
    work(context);
    CommitTransactionCommand();
    done = true;
    // No main loop of a backend does it for us; autovacuum goes by these numbers.
    (void)pgstat_report_stat(true);
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(outer);
    HOLD_INTERRUPTS();
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    AbortCurrentTransaction();
    report(what, hint, error);
    error_of_last = error->sqlerrcode;
    FreeErrorData(error);
    RESUME_INTERRUPTS();
  }
  PG_END_TRY();
  hold_cancels();
  MemoryContextSwitchTo(outer);
  return done;
}

int last_error() { return error_of_last; }

// An error has set it to 0.
void hold_cancels() { QueryCancelHoldoffCount = 1; }

}  // namespace presence
