// testing.cpp: moves the clock. In a build made with PRESENCE_TESTING=1 alone.
#ifdef PRESENCE_TESTING

#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/realms.h"
#include "postgres/shared/work.h"

extern "C" {
#include "pgstat.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr int max_steps = 100000;
constexpr int poll_us = 500;
constexpr Duration worker_must_come_within = 150 * second;  // of real time

struct Realms {
  RealmRef items[max_realms];
  int count;
};

Realms* all_realms() {
  auto* realms = static_cast<Realms*>(palloc0(sizeof(Realms)));
  for_each_realm(
      [](const RealmRef& realm, void* context) {
        auto* to = static_cast<Realms*>(context);
        to->items[to->count++] = realm;
      },
      realms);
  return realms;
}

bool has_worker(const RealmRef& realm) { return realm.control().worker.load() >= 0; }

Time next_due_of_all(const Realms& realms) {
  Time next = never;
  for (int i = 0; i < realms.count; i++)
    if (has_worker(realms.items[i]))
      next = std::min(next, next_due_of_realm(realms.items[i], current_policy()));
  return next;
}

// Waits until the worker has done a round that began after this, and has nothing left to do.
void wait_for_round(const RealmRef& realm) {
  RealmControl& control = realm.control();
  const uint64_t wanted = control.rounds_wanted.fetch_add(1) + 1;
  const TimestampTz began = GetCurrentTimestamp();
  while (has_worker(realm) && !realm.gone() && control.rounds_done.load() < wanted) {
    control.awake.store(false);
    wake_worker(realm);
    CHECK_FOR_INTERRUPTS();
    pg_usleep(poll_us);
    if (GetCurrentTimestamp() - began > worker_must_come_within)
      ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
                      errmsg("the worker has not come to rest within 150 s")));
  }
}

// The worker of this database may only just be starting.
void wait_for_own_worker() {
  const RealmRef realm = extension().realm;
  const TimestampTz began = GetCurrentTimestamp();
  while (!has_worker(realm) && GetCurrentTimestamp() - began < worker_must_come_within) {
    CHECK_FOR_INTERRUPTS();
    pg_usleep(poll_us);
  }
}

void wait_for_all(const Realms& realms) {
  for (int i = 0; i < realms.count; i++) wait_for_round(realms.items[i]);
}

// The offset at which the clock shows `moment`, with time going on meanwhile.
void move_clock_to(Time moment) {
  const Duration ahead = moment - current_time();
  if (ahead > 0) shared.header->clock_offset.fetch_add(ahead);
}

}  // namespace

}  // namespace presence

using namespace presence;

// Stops at each moment at which something is due, as time itself would.
PRESENCE_FUNCTION(presence_test_advance) {
  extension();
  const Datum now = TimestampTzGetDatum(current_time());
  const Time target =
      DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, now, PG_GETARG_DATUM(0)));
  wait_for_own_worker();
  const Realms* realms = all_realms();
  wait_for_all(*realms);
  for (int step = 0; step < max_steps; step++) {
    const Time due = next_due_of_all(*realms);
    if (due > target) break;
    move_clock_to(due);
    wait_for_all(*realms);
  }
  move_clock_to(target);
  wait_for_all(*realms);
  PG_RETURN_TIMESTAMPTZ(current_time());
}

#endif
