// worker.cpp: the rounds of a database's worker.
//
// A round: apply what is due, tell listeners, write rows. Then sleep until the next moment at
// which something is due, or until somebody sets the latch. Nothing due and nobody waking: no
// wake-up.
#include "postgres/worker/worker.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/realms.h"
#include "postgres/shared/work.h"
#include "postgres/tables/whole.h"
#include "postgres/worker/activity_rows.h"
#include "postgres/worker/announcer.h"
#include "postgres/worker/attempt.h"
#include "postgres/worker/batches.h"
#include "postgres/worker/broadcaster.h"
#include "postgres/worker/chains.h"
#include "postgres/worker/cleaning.h"
#include "postgres/worker/ending.h"
#include "postgres/worker/launcher_table.h"
#include "postgres/worker/member_rows.h"
#include "postgres/worker/partitions.h"
#include "postgres/worker/persister.h"
#include "postgres/worker/session_rows.h"

extern "C" {
#include "access/xact.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

constexpr Duration blocked_activities_wait = second;
constexpr Duration full_queue_waits = second;
constexpr Duration failed_load_waits = second;
constexpr Duration failed_log_waits = second;
constexpr uint32_t long_queue = 1000;  // of activities

bool wait_users(const RealmRef& realm) { return has_rows(realm, Persist::waiting); }

bool wait_sessions(const RealmRef& realm) {
  return has_sessions(realm, RowState::waiting) || has_sessions(realm, RowState::ended);
}

bool wait_members(const RealmRef& realm) {
  return has_members(realm, RowState::waiting) || has_members(realm, RowState::ended);
}

// What one worker knows from round to round.
struct Worker {
  RealmRef realm;
  Policy policy;
  Time next_due = never;    // of the users
  Time next_broadcast = 0;  // not before; 0: at once
  Time next_flush = never;  // of the dirty rows
  Time next_load = 0;       // not before
  Cleaning cleaning{};
  bool more_events = false;
  bool events_stuck = false;
  bool more_to_log = false;
  Time next_log = 0;  // not before
  KindOfRows users{wait_users, write_user_rows, try_user_rows_again};
  KindOfRows sessions{wait_sessions, write_session_rows, try_session_rows_again};
  KindOfRows members{wait_members, write_member_rows, try_member_rows_again};
  bool more_rows = false;
  Time next_activities = never;  // are written
  bool activities_blocked = false;
  int turn = 0;  // whose rows come first
  PartitionPlan history;
  PartitionPlan activities;
};

// Who is still to be told to take a new snapshot nobody knows but this process.
// The realm may be another's by now.
void leave(int, Datum number) {
  RealmControl& control = shared.controls[DatumGetUInt16(number)];
  int own = my_proc_number_compat();
  if (control.worker.compare_exchange_strong(own, -1) && has_to_resync())
    control.resync.store(true);
}

// Asks the catalog itself: the news of a DROP may come after the one who dropped it has woken us.
bool is_still_there(const RealmRef& realm) {
  StartTransactionCommand();
  const Oid oid = look_up_extension();
  CommitTransactionCommand();
  return OidIsValid(oid) && realm_identity(MyDatabaseId, oid) == realm.identity;
}

void load(Worker& worker, Time now) {
  if (worker.realm.complete() || now < worker.next_load || end_is_requested()) return;
  const bool done = attempt(
      "load its users from the tables", "Raise presence.memory if it is out of memory.",
      [](void*) {
        PushActiveSnapshot(GetTransactionSnapshot());
        load_everybody(extension().realm);
        PopActiveSnapshot();
      },
      nullptr);
  worker.next_load = done ? 0 : now + failed_load_waits;
}

// Almost surely another when what is told on all channels together is told elsewhere, or no more.
size_t mark_of_outlets() {
  const std::hash<std::string_view> hash;
  return (hash(private_channel()) * 31 + hash(firehose_channel())) * 2 + settings.global_broadcast;
}

void reload_settings(Worker& worker) {
  if (!ConfigReloadPending) return;
  ConfigReloadPending = false;
  const size_t outlets = mark_of_outlets();
  ProcessConfigFile(PGC_SIGHUP);
  // What was not told there before is missed by whoever goes on from before.
  if (mark_of_outlets() != outlets) worker.realm.control().resync.store(true);
  const Policy before = std::exchange(worker.policy, current_policy());
  // Who sees whom is another question now.
  if (worker.policy.default_audience != before.default_audience ||
      worker.policy.application_decides != before.application_decides)
    worker.realm.control().resync.store(true);
}

// The settings may have changed just now, or while there was no worker; or a backend has done it by
// its own.
void reschedule(const Worker& worker, Time now) {
  if (!is_scheduled(worker.realm, worker.policy))
    reschedule_realm(worker.realm, worker.policy, now);
}

void tell(Worker& worker, Time now) {
  if (now < worker.next_broadcast) return;
  // What is in the ring is sent before more is put into it.
  const bool has_room = !worker.more_events || worker.events_stuck;
  const Announced announced =
      has_room ? announce(worker.realm, worker.events_stuck) : Announced::nothing;
  worker.history.grows |= announced != Announced::nothing;
  if (announced == Announced::nothing && !worker.more_events) return;
  worker.next_broadcast = now + settings.broadcast_interval * millisecond;
  // Whoever was told of may be told of again after a while.
  worker.next_due = std::min(worker.next_due, next_due_of_realm(worker.realm, worker.policy));
  const Sent sent = broadcast(worker.realm);
  worker.events_stuck = sent == Sent::failed;
  switch (sent) {
    case Sent::all:
      worker.more_events = false;
      if (announced != Announced::all) worker.next_broadcast = 0;
      return;
    case Sent::more:
      worker.more_events = true;
      worker.next_broadcast = 0;
      return;
    case Sent::failed:
      worker.more_events = true;
      worker.next_broadcast = now + full_queue_waits;
      return;
  }
}

void log(Worker& worker, Time now) {
  if (now < worker.next_log) return;
  const Sent logged = log_events(worker.realm);
  worker.more_to_log = logged != Sent::all;
  worker.next_log = logged == Sent::failed ? now + failed_log_waits : 0;
}

void plan_flush(Worker& worker, Time now) {
  const bool dirty = has_rows(worker.realm, Persist::dirty) ||
                     has_sessions(worker.realm, RowState::dirty) ||
                     has_members(worker.realm, RowState::dirty);
  if (!dirty) {
    worker.next_flush = never;
    return;
  }
  const Time latest = now + settings.flush_interval * millisecond;
  worker.next_flush = std::min(worker.next_flush, latest);
}

// There are some that could not be written.
bool has_stuck_rows(const Worker& worker) {
  return worker.users.is_behind || worker.sessions.is_behind || worker.members.is_behind ||
         worker.activities_blocked;
}

// Since when there are rows that cannot be written, or events that cannot be sent or logged.
void note_behind(const Worker& worker, Time now) {
  std::atomic<Time>& since = worker.realm.control().behind_since;
  if (!has_stuck_rows(worker) && !worker.events_stuck && worker.next_log <= now)
    since.store(0);
  else if (since.load() == 0)
    since.store(now);
}

// ---- a batch of rows ----
//
// False: there are none of the kind that could be written now.

bool write_users(Worker& worker, Time now) { return write_batch(worker.realm, worker.users, now); }

bool write_sessions(Worker& worker, Time now) {
  return write_batch(worker.realm, worker.sessions, now);
}

bool write_members(Worker& worker, Time now) {
  return write_batch(worker.realm, worker.members, now);
}

// The queue is emptied when it is long, and otherwise as often as everything else is flushed.
bool write_activities(Worker& worker, Time now) {
  const uint32_t queued = queued_activities(worker.realm);
  if (queued == 0) {
    worker.next_activities = never;
    worker.activities_blocked = false;
    return false;
  }
  worker.next_activities =
      std::min(worker.next_activities, now + settings.flush_interval * millisecond);
  const bool must_wait = worker.activities_blocked || queued < long_queue;
  if (must_wait && now < worker.next_activities) return false;
  worker.activities.grows = true;
  make_partitions(Kept::activities, worker.activities);
  const Written written = write_activity_rows(worker.realm);
  worker.activities_blocked = written == Written::blocked;
  if (worker.activities_blocked)
    worker.next_activities = now + blocked_activities_wait;
  else
    worker.next_activities = written == Written::all ? never : now;
  return !worker.activities_blocked;
}

// One batch a round, of a kind in turn: what there is to tell waits for no more than that.
bool write_next_batch(Worker& worker, Time now) {
  constexpr bool (*kinds[])(Worker&, Time) = {write_users, write_sessions, write_members,
                                              write_activities};
  constexpr int count = std::size(kinds);
  for (int i = 0; i < count; i++) {
    const int kind = (worker.turn + i) % count;
    if (!kinds[kind](worker, now)) continue;
    worker.turn = (kind + 1) % count;
    return true;
  }
  return false;
}

void write(Worker& worker, Time now) {
  RealmControl& control = worker.realm.control();
  if (now >= worker.next_flush || control.flush.exchange(false)) {
    flush_realm(worker.realm);
    worker.next_flush = never;
    if (!worker.activities_blocked) worker.next_activities = now;
  }
  make_partitions(Kept::history, worker.history);
  make_partitions(Kept::activities, worker.activities);
  drop_partitions(Kept::history, worker.history);
  drop_partitions(Kept::activities, worker.activities);
  worker.more_rows = write_next_batch(worker, now);
  note_behind(worker, now);
  plan_flush(worker, now);
}

// Until when the worker may sleep, and whether events wait for the end of the broadcast interval.
struct Rest {
  Time until;
  bool batching;
};

Rest rest_of(const Worker& worker, Time now) {
  Rest rest{std::min({worker.next_due, worker.next_flush, worker.next_activities,
                      next_of(worker.users, now), next_of(worker.sessions, now),
                      next_of(worker.members, now), next_of(worker.history),
                      next_of(worker.activities), next_of(worker.cleaning, worker.realm)}),
            false};
  if (worker.more_rows) rest.until = now;
  if (worker.more_to_log) rest.until = std::min(rest.until, std::max(now, worker.next_log));
  if (!worker.realm.complete()) rest.until = std::min(rest.until, worker.next_load);
  rest.batching = worker.more_events || has_to_resync() || has_announcements(worker.realm) ||
                  worker.realm.control().resync.load();
  if (rest.batching) rest.until = std::min(rest.until, worker.next_broadcast);
  return rest;
}

// In whole milliseconds, never too early; -1 for ever.
long milliseconds_until(Time moment, Time now) {
  constexpr Duration longest = Duration{24 * 60} * minute;
  if (moment == never) return -1;
  if (moment <= now) return 0;
  return static_cast<long>((std::min(moment - now, longest) + millisecond - 1) / millisecond);
}

void pause(long milliseconds) {
  (void)WaitLatch(nullptr, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
  CHECK_FOR_INTERRUPTS();
}

// As in a planned stop: what only waits for the next flush is written, and then what could not be
// is tried again, for as long as ending.h gives.
void write_before_end(Worker& worker) {
  constexpr long pause_ms = 20;
  const Time began = current_time();
  while (current_time() - began < longest_end) {
    worker.next_flush = worker.next_activities = 0;
    write(worker, current_time());
    if (worker.more_rows) continue;
    if (!has_stuck_rows(worker)) return;
    pause(pause_ms);
    for (KindOfRows* kind : {&worker.users, &worker.sessions, &worker.members}) try_at_once(*kind);
  }
}

void sleep(Worker& worker, const Rest& rest) {
  const long timeout = milliseconds_until(rest.until, current_time());
  // Whoever waits for a lock resets the latch: somebody may have set it during the round.
  if (timeout == 0 || worker.realm.control().awake.load()) {
    CHECK_FOR_INTERRUPTS();
    return;
  }
  // The changes that join a waiting batch need not wake anybody: its end will.
  if (rest.batching) worker.realm.control().awake.store(true);
  pgstat_report_activity(STATE_IDLE, nullptr);
  const int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout > 0 ? WL_TIMEOUT : 0);
  (void)WaitLatch(MyLatch, events, timeout, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

Rest round(Worker& worker) {
  RealmControl& control = worker.realm.control();
  control.awake.store(false);
  const uint64_t wanted = control.rounds_wanted.load();
  const Time now = current_time();
  reload_settings(worker);
  reschedule(worker, now);
  load(worker, now);
  if (!end_is_requested()) clean_rows(worker.realm, worker.cleaning, now);
  worker.next_due = settle_realm(worker.realm, worker.policy, now);
  tell(worker, now);
  log(worker, now);
  write(worker, now);
  control.last_round.store(now);
  const Rest rest = rest_of(worker, now);
  // Whoever waits for a round waits until nothing is left that could be done at once.
  if (!rest.batching && rest.until > now) control.rounds_done.store(wanted);
  return rest;
}

Worker begin(const RealmRef& realm) {
  Worker worker;
  worker.realm = realm;
  worker.policy = current_policy();
  RealmControl& control = worker.realm.control();
  control.worker.store(my_proc_number_compat());
  before_shmem_exit(leave, UInt16GetDatum(worker.realm.number));
  close_other_realms(worker.realm.identity);
  recover_writing(worker.realm);
  for (const KindOfRows* kind : {&worker.users, &worker.sessions, &worker.members})
    kind->try_again(worker.realm);
  worker.more_events = true;
  // The one before may have died while it made events, and what it had taken is not told any more.
  if (control.announcing.load() % 2 != 0) {
    control.announcing.fetch_add(1);
    control.resync.store(true);
  }
  return worker;
}

RealmRef open() {
  StartTransactionCommand();
  const RealmRef realm = extension().realm;
  CommitTransactionCommand();
  return realm;
}

}  // namespace

WorkerEnd run_worker(Oid extension_oid) {
  handle_requests_to_end();
  hold_cancels();
  Worker worker = begin(open());
  for (;;) {
    if (worker_stop_requested()) return WorkerEnd::stop_requested;
    if (worker.realm.gone()) return WorkerEnd::extension_dropped;
    if (worker.realm.control().look_for_extension.exchange(false) &&
        !is_still_there(worker.realm)) {
      close_realm(worker.realm);
      return WorkerEnd::extension_dropped;
    }
    pgstat_report_activity(STATE_RUNNING, "presence: applying what is due");
    const Rest rest = round(worker);
    if (end_is_requested()) {
      write_before_end(worker);
      end_process();
    }
    sleep(worker, rest);
  }
}

}  // namespace presence
