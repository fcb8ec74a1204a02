// launcher.cpp: the launcher process: which databases there are, starting their workers, sleeping.
//
// Whose turn it is the table says, which takes its lock by itself (launcher_table.h): here none of
// our locks is held, and errors may be raised. They are not caught: the process ends, and the
// postmaster starts another one.
#include "postgres/worker/launcher.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "postgres/settings.h"
#include "postgres/shared/realms.h"
#include "postgres/worker/entry.h"
#include "postgres/worker/launcher_table.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr Clock::time_point at_no_time = Clock::time_point::max();
constexpr milliseconds registration_pause{10'000};  // the postmaster had no place for a worker
constexpr milliseconds forget_pause{10'000};        // pg_database was too busy to tell what is gone
constexpr int restart_seconds = 5;
constexpr int32 invalid_database = -2;  // datconnlimit after a DROP DATABASE was interrupted

constexpr const char* launcher_type = "presence launcher";
constexpr const char* worker_type = "presence worker";

// What a scan of pg_database found.
struct FoundDatabases {
  Oid* all;
  Oid* eligible;
  int count;
  int eligible_count;
  int capacity;
};

BackgroundWorkerHandle* starts[max_databases];  // of entries that are starting
bool refused = false;  // the postmaster had no place for a worker, and this was reported
Clock::time_point registration_due{};
Clock::time_point forget_due = at_no_time;

// --- Which databases there are ---

bool is_eligible(Form_pg_database database) {
  return database->datallowconn && !database->datistemplate &&
         database->datconnlimit != invalid_database;
}

Oid* allocate_oids(int count) { return static_cast<Oid*>(palloc(count * sizeof(Oid))); }

FoundDatabases no_databases() {
  constexpr int capacity = 64;
  return {allocate_oids(capacity), allocate_oids(capacity), 0, 0, capacity};
}

void make_room(FoundDatabases& found) {
  if (found.count < found.capacity) return;
  found.capacity *= 2;
  found.all = static_cast<Oid*>(repalloc(found.all, found.capacity * sizeof(Oid)));
  found.eligible = static_cast<Oid*>(repalloc(found.eligible, found.capacity * sizeof(Oid)));
}

void append(FoundDatabases& found, Form_pg_database database) {
  make_room(found);
  found.all[found.count++] = database->oid;
  if (is_eligible(database)) found.eligible[found.eligible_count++] = database->oid;
}

FoundDatabases read_databases() {
  FoundDatabases found = no_databases();
  ::Relation relation = table_open(DatabaseRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, nullptr, 0, nullptr);
  while (HeapTuple tuple = systable_getnext(scan))
    append(found, reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple)));
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return found;
}

void report_left_out(int left_out) {
  static bool reported = false;
  if (left_out == 0 || reported) return;
  reported = true;
  ereport(
      LOG,
      (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
       errmsg("presence runs no worker in %d of the databases", left_out),
       errdetail("It looks after up to %d databases; the others answer reads, but persist and "
                 "broadcast nothing.",
                 max_databases),
       errhint("Mark databases that do not use presence with ALTER DATABASE ... ALLOW_CONNECTIONS "
               "false or IS_TEMPLATE true, or drop them.")));
}

// Brings table and realms up to date. A database made after the snapshot would look gone, and its
// realm with it, so realms are only forgotten while nobody can make one: ShareLock keeps CREATE
// DATABASE out. It is never waited for.
void scan_databases() {
  StartTransactionCommand();
  const bool nothing_moves = ConditionalLockRelationOid(DatabaseRelationId, ShareLock);
  const FoundDatabases found = read_databases();
  if (nothing_moves) forget_missing_databases(found.all, found.count);
  const int left_out =
      set_wanted_databases(std::span<const Oid>(found.eligible, found.eligible_count));
  CommitTransactionCommand();
  forget_due = nothing_moves ? at_no_time : Clock::now() + forget_pause;
  report_left_out(left_out);
}

// --- Starting workers ---

// Follows the workers that were registered until they have claimed or are gone: from then on the
// table tells.
void watch_starts() {
  for (int place = 0; place < max_databases; place++) {
    if (starts[place] == nullptr) continue;
    pid_t pid;
    const bool gone = GetBackgroundWorkerPid(starts[place], &pid) == BGWH_STOPPED;
    if (gone) end_start(place);
    if (!gone && is_starting(place)) continue;
    pfree(starts[place]);
    starts[place] = nullptr;
  }
}

BackgroundWorker describe_process(const char* type, const char* function) {
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s", type);
  snprintf(worker.bgw_type, sizeof(worker.bgw_type), "%s", type);
  snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "presence");
  snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "%s", function);
  return worker;
}

// False when all background worker slots are taken.
bool register_worker(const Start& start) {
  BackgroundWorker worker = describe_process(worker_type, "presence_worker_main");
  snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for database %u", worker_type,
           start.database);
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_main_arg = ObjectIdGetDatum(start.database);
  worker.bgw_notify_pid = MyProcPid;
  // Of an earlier start in this place, which has ended between two looks.
  if (starts[start.place] != nullptr) {
    pfree(starts[start.place]);
    starts[start.place] = nullptr;  // a refused registration leaves it as it is
  }
  MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
  const bool registered = RegisterDynamicBackgroundWorker(&worker, &starts[start.place]);
  MemoryContextSwitchTo(before);
  return registered;
}

void report_refusal() {
  if (refused) return;
  refused = true;
  ereport(
      LOG,
      (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
       errmsg("no background worker slot is free for a presence worker"),
       errdetail("Until there is one, some databases get no broadcasts, and nothing is persisted "
                 "there but what is written by transactions."),
       errhint("Raise max_worker_processes: presence needs one for each database that uses "
               "it, and two more.")));
}

// Once nobody waits for a place any more: one of several that got one is no news.
void report_recovery() {
  if (!refused || is_start_due()) return;
  refused = false;
  ereport(LOG, (errmsg("presence workers can be started again")));
}

// The postmaster has no place: everybody waits a while.
void refuse_start(const Start& start) {
  report_refusal();
  undo_start(start.place);
  registration_due = Clock::now() + registration_pause;
}

void start_workers() {
  while (Clock::now() >= registration_due) {
    const std::optional<Start> start = take_next_start();
    if (!start) return report_recovery();
    if (!register_worker(*start)) refuse_start(*start);
  }
}

// --- Sleeping ---

// Sleeps for ever when there is nothing to do.
void sleep_launcher() {
  const Clock::time_point wake = std::min(next_wake(registration_due), forget_due);
  constexpr int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
  if (wake == at_no_time) {
    WaitLatch(MyLatch, events, -1, PG_WAIT_EXTENSION);
  } else {
    const auto left = std::chrono::ceil<milliseconds>(wake - Clock::now());
    WaitLatch(MyLatch, events | WL_TIMEOUT, std::max<long>(left.count(), 0), PG_WAIT_EXTENSION);
  }
  ResetLatch(MyLatch);
}

void reload_settings() {
  if (!ConfigReloadPending) return;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  warn_about_settings();
}

[[noreturn]] void run_launcher() {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    reload_settings();
    if (take_scan_request() || Clock::now() >= forget_due) scan_databases();
    drop_void_holds();
    watch_starts();
    start_workers();
    sleep_launcher();
  }
}

}  // namespace

void register_launcher() {
  if (IsBinaryUpgrade) return;
  BackgroundWorker worker = describe_process(launcher_type, "presence_launcher_main");
  worker.bgw_restart_time = restart_seconds;
  RegisterBackgroundWorker(&worker);
}

}  // namespace presence

extern "C" void presence_launcher_main(Datum) {
  using namespace presence;
  prepare_process(launcher_type);
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  pgstat_report_activity(STATE_IDLE, nullptr);
  announce_launcher();
  warn_about_settings();
  run_launcher();
}
