// launcher.cpp: the launcher process and the table of databases in shared memory; launcher.h has
// the states.
//
// Lock: "presence_launcher", exclusive to change, shared to look. Functions that take a
// DatabaseEntry or say so expect it held. Under it there is nothing that can raise an error, and no
// other lock.
//
// A worker enters itself into the table before it connects, and leaves it after it has left the
// array of processes (on_shmem_exit callbacks run last in, first out). So what the table says is
// never better than what DROP DATABASE sees.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>

#include "postgres/boundary.h"
#include "postgres/settings.h"
#include "postgres/shared/realms.h"
#include "postgres/worker/entry.h"
#include "postgres/worker/launcher.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

// Milliseconds of a clock that nobody can set, the same in all processes.
using Millis = int64_t;

constexpr Millis never = std::numeric_limits<Millis>::max();
constexpr Millis first_backoff = 1'000;
constexpr Millis longest_backoff = 60'000;
constexpr Millis well_after = 60'000;          // from then on the next back-off is the first again
constexpr Millis registration_pause = 10'000;  // after the postmaster had no place for a worker
constexpr Millis forget_pause = 10'000;    // after pg_database was too busy to tell what is gone
constexpr Millis probe_patience = 10'000;  // a start that takes longer holds up no others
constexpr int max_probes = 2;
constexpr int max_databases = 1024;
constexpr int max_holds = 64;
constexpr int restart_seconds = 5;
constexpr int32 invalid_database = -2;  // datconnlimit after a DROP DATABASE was interrupted

constexpr const char* tranche = "presence_launcher";
constexpr const char* launcher_type = "presence launcher";
constexpr const char* worker_type = "presence worker";

enum class State : uint8_t { none, unknown, starting, probing, running, waiting, absent };

struct DatabaseEntry {
  Oid database;
  State state;
  bool wanted;       // the last scan found a database that may have a worker
  bool stop;         // its worker was asked to leave
  bool asked_again;  // somebody asked after the worker had begun to look
  int worker_pid;    // 0: none
  Latch* worker_latch;
  Millis since;       // when the state became starting, or when the worker claimed
  Millis next_start;  // of waiting
  Millis backoff;     // 0: none yet
};

// A process that needs a database without connections until its transaction ends.
struct Hold {
  Oid database;
  int holder;  // 0: this place is free
};

struct LauncherState {
  int launcher_pid;
  Latch* launcher_latch;
  bool scan_requested;
  Hold holds[max_holds];
  DatabaseEntry databases[max_databases];
};

// What a scan of pg_database found.
struct FoundDatabases {
  Oid* oids;
  bool* eligible;
  int count;
  int capacity;
};

// Shared memory, mapped in every process; null when not preloaded.
LauncherState* table = nullptr;
LWLock* table_lock = nullptr;

// This process may have holds in the table.
bool holding = false;

// Of the worker: its entry.
DatabaseEntry* own_entry = nullptr;

// Of the launcher.
BackgroundWorkerHandle* starts[max_databases];  // of entries that are starting
bool refused = false;  // the postmaster had no place for a worker, and this was reported
Millis registration_due = 0;
Millis forget_due = never;

Millis monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// --- The table. The lock is held ---

DatabaseEntry* find_entry(Oid database) {
  for (DatabaseEntry& entry : table->databases)
    if (entry.state != State::none && entry.database == database) return &entry;
  return nullptr;
}

// Null when the table is full.
DatabaseEntry* add_entry(Oid database) {
  for (DatabaseEntry& entry : table->databases) {
    if (entry.state != State::none) continue;
    entry = {};
    entry.database = database;
    entry.state = State::unknown;
    return &entry;
  }
  return nullptr;
}

bool is_held(Oid database) {
  for (const Hold& hold : table->holds)
    if (hold.holder != 0 && hold.database == database) return true;
  return false;
}

bool is_under_way(const DatabaseEntry& entry) {
  return entry.state == State::starting || entry.state == State::probing;
}

// When an entry may be started, as far as it alone is concerned.
Millis due_at(const DatabaseEntry& entry) {
  if (!entry.wanted || entry.worker_pid != 0 || is_held(entry.database)) return never;
  if (entry.state == State::unknown) return 0;
  if (entry.state == State::waiting) return entry.next_start;
  return never;
}

void ask_to_stop(DatabaseEntry& entry) {
  if (entry.worker_pid == 0) return;
  entry.stop = true;
  SetLatch(entry.worker_latch);
}

// The worker died or never came up. Its database may be gone, so a scan comes before the next
// start.
void back_off(DatabaseEntry& entry, Millis now) {
  const bool ran_well = entry.state == State::running && now - entry.since >= well_after;
  entry.backoff =
      ran_well || entry.backoff == 0 ? first_backoff : std::min(2 * entry.backoff, longest_backoff);
  entry.next_start = now + entry.backoff;
  entry.state = State::waiting;
  table->scan_requested = true;
}

// Frees an entry that the last scan did not want, unless a worker is there or on its way.
void free_if_unwanted(DatabaseEntry& entry) {
  if (entry.wanted || entry.worker_pid != 0 || entry.state == State::starting) return;
  entry.state = State::none;
}

// --- Waking the launcher ---

void wake_launcher() {
  LWLockAcquire(table_lock, LW_SHARED);
  Latch* latch = table->launcher_latch;
  LWLockRelease(table_lock);
  if (latch != nullptr) SetLatch(latch);
}

// --- Holds of this process ---

// When all places are taken the command goes without: it then waits for the worker as it does for
// any other connection. The lock is held.
void place_hold(Oid database) {
  Hold* place = nullptr;
  for (Hold& hold : table->holds) {
    if (hold.holder == MyProcPid && hold.database == database) return;
    if (hold.holder == 0 && place == nullptr) place = &hold;
  }
  if (place != nullptr) *place = {database, MyProcPid};
}

// --- The worker's way in and out ---

// The lock is held.
void take_entry(DatabaseEntry& entry) {
  entry.state = State::probing;
  entry.stop = false;
  entry.asked_again = false;
  entry.worker_pid = MyProcPid;
  entry.worker_latch = MyLatch;
  entry.since = monotonic_now();
  own_entry = &entry;
}

// A worker came up that may not run now. The lock is held.
void give_up_start(DatabaseEntry& entry) {
  if (entry.state != State::starting) return;
  entry.state = State::unknown;
  free_if_unwanted(entry);
}

// The lock is held.
void leave_entry(DatabaseEntry& entry) {
  entry.worker_pid = 0;
  entry.worker_latch = nullptr;
  if (entry.state == State::absent || entry.state == State::unknown) return;
  if (entry.stop)
    entry.state = State::unknown;
  else
    back_off(entry, monotonic_now());
}

// on_shmem_exit: the last that a worker does.
void release_database(int, Datum) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  leave_entry(*own_entry);
  free_if_unwanted(*own_entry);
  LWLockRelease(table_lock);
  own_entry = nullptr;
  wake_launcher();
}

// --- The launcher: coming and going ---

void withdraw_launcher(int, Datum) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (table->launcher_pid == MyProcPid) {
    table->launcher_pid = 0;
    table->launcher_latch = nullptr;
  }
  LWLockRelease(table_lock);
}

// Workers that an earlier launcher registered may still come up: the claim lets only one in.
void announce_launcher() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  table->launcher_pid = MyProcPid;
  table->launcher_latch = MyLatch;
  table->scan_requested = true;
  for (DatabaseEntry& entry : table->databases)
    if (entry.state == State::starting) entry.state = State::unknown;
  LWLockRelease(table_lock);
  on_shmem_exit(withdraw_launcher, 0);
}

// --- The launcher: which databases there are ---

bool take_scan_request() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  const bool requested = table->scan_requested;
  table->scan_requested = false;
  LWLockRelease(table_lock);
  return requested || monotonic_now() >= forget_due;
}

bool is_eligible(Form_pg_database database) {
  return database->datallowconn && !database->datistemplate &&
         database->datconnlimit != invalid_database;
}

FoundDatabases no_databases() {
  constexpr int capacity = 64;
  return {static_cast<Oid*>(palloc(capacity * sizeof(Oid))),
          static_cast<bool*>(palloc(capacity * sizeof(bool))), 0, capacity};
}

void append(FoundDatabases& found, Form_pg_database database) {
  if (found.count == found.capacity) {
    found.capacity *= 2;
    found.oids = static_cast<Oid*>(repalloc(found.oids, found.capacity * sizeof(Oid)));
    found.eligible = static_cast<bool*>(repalloc(found.eligible, found.capacity * sizeof(bool)));
  }
  found.oids[found.count] = database->oid;
  found.eligible[found.count] = is_eligible(database);
  found.count++;
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

// Makes an entry wanted. False when there is no room for it. The lock is held.
bool want_database(Oid database) {
  DatabaseEntry* entry = find_entry(database);
  if (entry == nullptr) entry = add_entry(database);
  if (entry == nullptr) return false;
  entry->wanted = true;
  return true;
}

// Makes the table agree with a scan. Returns how many databases found no room.
int update_table(const FoundDatabases& found) {
  int left_out = 0;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  for (DatabaseEntry& entry : table->databases) entry.wanted = false;
  for (int i = 0; i < found.count; i++)
    if (found.eligible[i] && !want_database(found.oids[i])) left_out++;
  for (DatabaseEntry& entry : table->databases) {
    if (entry.state == State::none || entry.wanted) continue;
    ask_to_stop(entry);
    free_if_unwanted(entry);
  }
  LWLockRelease(table_lock);
  return left_out;
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
  if (nothing_moves) forget_missing_databases(found.oids, found.count);
  const int left_out = update_table(found);
  CommitTransactionCommand();
  forget_due = nothing_moves ? never : monotonic_now() + forget_pause;
  report_left_out(left_out);
}

// --- The launcher: holds whose process is gone ---

void drop_hold(Hold& hold, const Hold& expected) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (hold.holder == expected.holder && hold.database == expected.database) hold = {};
  LWLockRelease(table_lock);
}

// The array of processes has a lock of its own, so that it is asked outside of ours.
void drop_void_holds() {
  Hold holds[max_holds];
  LWLockAcquire(table_lock, LW_SHARED);
  std::copy(table->holds, table->holds + max_holds, holds);
  LWLockRelease(table_lock);
  for (int i = 0; i < max_holds; i++)
    if (holds[i].holder != 0 && BackendPidGetProc(holds[i].holder) == nullptr)
      drop_hold(table->holds[i], holds[i]);
}

// --- The launcher: starting workers ---

// A registered worker's process is gone; whether it had claimed is what the state says.
void end_start(DatabaseEntry& entry) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (entry.state == State::starting) back_off(entry, monotonic_now());
  free_if_unwanted(entry);
  LWLockRelease(table_lock);
}

bool is_starting(const DatabaseEntry& entry) {
  LWLockAcquire(table_lock, LW_SHARED);
  const bool starting = entry.state == State::starting;
  LWLockRelease(table_lock);
  return starting;
}

// Follows the workers that were registered until they have claimed or are gone: from then on the
// table tells.
void watch_starts() {
  for (int i = 0; i < max_databases; i++) {
    if (starts[i] == nullptr) continue;
    pid_t pid;
    const bool gone = GetBackgroundWorkerPid(starts[i], &pid) == BGWH_STOPPED;
    if (gone) end_start(table->databases[i]);
    if (!gone && is_starting(table->databases[i])) continue;
    pfree(starts[i]);
    starts[i] = nullptr;
  }
}

// The lock is held.
int count_under_way(Millis now) {
  int count = 0;
  for (const DatabaseEntry& entry : table->databases)
    if (is_under_way(entry) && now < entry.since + probe_patience) count++;
  return count;
}

// Chooses a database whose time has come and marks it as starting. Null when there is none, or
// enough is under way.
DatabaseEntry* take_next_start(Millis now) {
  DatabaseEntry* next = nullptr;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (count_under_way(now) < max_probes) {
    next = std::find_if(table->databases, table->databases + max_databases,
                        [now](const DatabaseEntry& entry) { return due_at(entry) <= now; });
    if (next == table->databases + max_databases) next = nullptr;
  }
  if (next != nullptr) {
    next->state = State::starting;
    next->since = now;
  }
  LWLockRelease(table_lock);
  return next;
}

bool is_anything_due(Millis now) {
  LWLockAcquire(table_lock, LW_SHARED);
  const bool due = std::any_of(table->databases, table->databases + max_databases,
                               [now](const DatabaseEntry& entry) { return due_at(entry) <= now; });
  LWLockRelease(table_lock);
  return due;
}

// The start did not come about: it is due again.
void undo_start(DatabaseEntry& entry) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (entry.state == State::starting) entry.state = State::unknown;
  LWLockRelease(table_lock);
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
bool register_worker(const DatabaseEntry& entry) {
  BackgroundWorker worker = describe_process(worker_type, "presence_worker_main");
  snprintf(worker.bgw_name, sizeof(worker.bgw_name), "%s for database %u", worker_type,
           entry.database);
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_main_arg = ObjectIdGetDatum(entry.database);
  worker.bgw_notify_pid = MyProcPid;
  MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
  const bool registered =
      RegisterDynamicBackgroundWorker(&worker, &starts[&entry - table->databases]);
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
void report_recovery(Millis now) {
  if (!refused || is_anything_due(now)) return;
  refused = false;
  ereport(LOG, (errmsg("presence workers can be started again")));
}

// The postmaster has no place: everybody waits a while.
void refuse_start(DatabaseEntry& entry) {
  report_refusal();
  undo_start(entry);
  registration_due = monotonic_now() + registration_pause;
}

void start_workers() {
  for (Millis now = monotonic_now(); now >= registration_due; now = monotonic_now()) {
    DatabaseEntry* entry = take_next_start(now);
    if (entry == nullptr) return report_recovery(now);
    if (!register_worker(*entry)) refuse_start(*entry);
  }
}

// --- The launcher: sleeping ---

// When an entry needs the launcher next, if nothing wakes it before. A start that is due waits for
// those under way: when they end, they wake the launcher. The lock is held.
Millis wake_for(const DatabaseEntry& entry, Millis now, bool enough_under_way) {
  if (is_under_way(entry)) {
    const Millis patience_ends = entry.since + probe_patience;
    return patience_ends > now ? patience_ends : never;
  }
  const Millis due = std::max(due_at(entry), registration_due);
  return due <= now && enough_under_way ? never : due;
}

Millis next_wake(Millis now) {
  Millis wake = forget_due;
  LWLockAcquire(table_lock, LW_SHARED);
  const bool enough_under_way = count_under_way(now) >= max_probes;
  for (const DatabaseEntry& entry : table->databases)
    if (entry.state != State::none) wake = std::min(wake, wake_for(entry, now, enough_under_way));
  LWLockRelease(table_lock);
  return wake;
}

// Sleeps for ever when there is nothing to do.
void sleep_launcher() {
  const Millis now = monotonic_now();
  const Millis wake = next_wake(now);
  constexpr int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
  if (wake == never)
    WaitLatch(MyLatch, events, -1, PG_WAIT_EXTENSION);
  else
    WaitLatch(MyLatch, events | WL_TIMEOUT, std::max<Millis>(wake - now, 0), PG_WAIT_EXTENSION);
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
    if (take_scan_request()) scan_databases();
    drop_void_holds();
    watch_starts();
    start_workers();
    sleep_launcher();
  }
}

}  // namespace

// --- Start-up ---

void register_launcher() {
  if (IsBinaryUpgrade) return;
  BackgroundWorker worker = describe_process(launcher_type, "presence_launcher_main");
  worker.bgw_restart_time = restart_seconds;
  RegisterBackgroundWorker(&worker);
}

Size launcher_shmem_size() { return MAXALIGN(sizeof(LauncherState)); }

void launcher_shmem_request() {
  RequestAddinShmemSpace(launcher_shmem_size());
  RequestNamedLWLockTranche(tranche, 1);
}

void launcher_shmem_init() {
  bool found;
  table = static_cast<LauncherState*>(ShmemInitStruct(tranche, launcher_shmem_size(), &found));
  table_lock = &GetNamedLWLockTranche(tranche)->lock;
  if (!found) memset(table, 0, sizeof(*table));
}

// --- Anybody ---

void request_scan() {
  if (table == nullptr) return;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  table->scan_requested = true;
  if (DatabaseEntry* entry = find_entry(MyDatabaseId)) {
    entry->asked_again = true;
    if (entry->state == State::absent) entry->state = State::unknown;
  }
  LWLockRelease(table_lock);
  wake_launcher();
}

int current_worker_pid(Oid database) {
  if (table == nullptr) return 0;
  LWLockAcquire(table_lock, LW_SHARED);
  const DatabaseEntry* entry = find_entry(database);
  const int pid = entry == nullptr ? 0 : entry->worker_pid;
  LWLockRelease(table_lock);
  return pid;
}

// --- The database worker ---

bool claim_database(Oid database) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  DatabaseEntry* entry = find_entry(database);
  const bool vacant = entry != nullptr && entry->worker_pid == 0;
  const bool claimed = vacant && entry->wanted && !is_held(database);
  if (claimed) take_entry(*entry);
  if (vacant && !claimed) give_up_start(*entry);
  LWLockRelease(table_lock);
  if (claimed) on_shmem_exit(release_database, 0);
  return claimed;
}

void report_running() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  own_entry->state = State::running;
  LWLockRelease(table_lock);
  wake_launcher();
}

void report_no_extension() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  own_entry->state = own_entry->asked_again ? State::unknown : State::absent;
  own_entry->backoff = 0;
  LWLockRelease(table_lock);
}

bool worker_stop_requested() {
  LWLockAcquire(table_lock, LW_SHARED);
  const bool stop = own_entry->stop;
  LWLockRelease(table_lock);
  return stop;
}

// --- Database commands ---

void hold_off_worker(Oid database) {
  if (table == nullptr) return;
  holding = true;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  place_hold(database);
  if (DatabaseEntry* entry = find_entry(database)) ask_to_stop(*entry);
  LWLockRelease(table_lock);
}

// The signal is sent under the lock: as long as the pid is in the table, the process is the worker.
void terminate_worker(Oid database) {
  if (table == nullptr) return;
  LWLockAcquire(table_lock, LW_SHARED);
  const DatabaseEntry* entry = find_entry(database);
  if (entry != nullptr && entry->worker_pid != 0) kill(entry->worker_pid, SIGTERM);
  LWLockRelease(table_lock);
}

void release_holds() {
  if (!holding) return;
  holding = false;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  for (Hold& hold : table->holds)
    if (hold.holder == MyProcPid) hold = {};
  table->scan_requested = true;
  LWLockRelease(table_lock);
  wake_launcher();
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
