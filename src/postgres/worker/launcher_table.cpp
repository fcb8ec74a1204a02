// launcher_table.cpp: the table of databases in shared memory, with its lock.
//
// Lock: "presence_launcher", exclusive to change, shared to look. Functions that take a
// DatabaseEntry or say so expect it held. Under it there is nothing that can raise an error, and no
// other lock.
//
// A worker enters itself into the table before it connects, and leaves it after it has left the
// array of processes (on_shmem_exit callbacks run last in, first out). So what the table says is
// never better than what DROP DATABASE sees.
#include "postgres/worker/launcher_table.h"

#include <algorithm>
#include <csignal>
#include <new>

#include "postgres/worker/launcher_entry.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
}

namespace presence {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int max_probes = 2;
constexpr int max_holds = 64;

constexpr const char* tranche = "presence_launcher";

// A process that needs a database without connections.
struct Hold {
  Oid database;
  int holder;  // 0: this place is free
};

struct LauncherTable {
  int launcher_pid;
  Latch* launcher_latch;
  bool scan_requested;
  Hold holds[max_holds];
  DatabaseEntry databases[max_databases];
};

// Shared memory, mapped in every process; null when not preloaded.
LauncherTable* table = nullptr;
LWLock* table_lock = nullptr;

// This process may have holds in the table.
bool holding = false;

// Of the worker: its entry.
DatabaseEntry* own_entry = nullptr;

// --- Entries and holds. The lock is held ---

DatabaseEntry* find_entry(Oid database) {
  for (DatabaseEntry& entry : table->databases)
    if (entry.state != DatabaseState::none && entry.database == database) return &entry;
  return nullptr;
}

// Null when the table is full.
DatabaseEntry* add_entry(Oid database) {
  for (DatabaseEntry& entry : table->databases) {
    if (entry.state != DatabaseState::none) continue;
    entry = {};
    entry.database = database;
    entry.state = DatabaseState::unknown;
    return &entry;
  }
  return nullptr;
}

// Makes an entry wanted. False when there is no room for it.
bool want_database(Oid database) {
  DatabaseEntry* entry = find_entry(database);
  if (entry == nullptr) entry = add_entry(database);
  if (entry == nullptr) return false;
  entry->wanted = true;
  return true;
}

bool is_held(Oid database) {
  for (const Hold& hold : table->holds)
    if (hold.holder != 0 && hold.database == database) return true;
  return false;
}

// When all places are taken the command goes without: it then waits for the worker as it does for
// any other connection.
void place_hold(Oid database) {
  Hold* place = nullptr;
  for (Hold& hold : table->holds) {
    if (hold.holder == MyProcPid && hold.database == database) return;
    if (hold.holder == 0 && place == nullptr) place = &hold;
  }
  if (place != nullptr) *place = {database, MyProcPid};
}

// --- What is due. The lock is held ---

Moment due_at(const DatabaseEntry& entry) {
  const Moment due = may_start_at(entry);
  return due != Moment::max() && is_held(entry.database) ? Moment::max() : due;
}

// Null when there is none.
DatabaseEntry* find_due(Moment now) {
  for (DatabaseEntry& entry : table->databases)
    if (due_at(entry) <= now) return &entry;
  return nullptr;
}

bool is_enough_under_way(Moment now) {
  int count = 0;
  for (const DatabaseEntry& entry : table->databases)
    if (now < holds_up_until(entry)) count++;
  return count >= max_probes;
}

// --- Coming and going ---

void wake_launcher() {
  LWLockAcquire(table_lock, LW_SHARED);
  Latch* latch = table->launcher_latch;
  LWLockRelease(table_lock);
  if (latch != nullptr) SetLatch(latch);
}

// on_shmem_exit: the last that a worker does. When it died its database may be gone, so a scan
// comes before the next start.
void release_database(int, Datum) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  leave(*own_entry, Clock::now());
  if (own_entry->state == DatabaseState::waiting) table->scan_requested = true;
  free_if_unwanted(*own_entry);
  LWLockRelease(table_lock);
  own_entry = nullptr;
  wake_launcher();
}

void withdraw_launcher(int, Datum) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (table->launcher_pid == MyProcPid) {
    table->launcher_pid = 0;
    table->launcher_latch = nullptr;
  }
  LWLockRelease(table_lock);
}

void drop_hold(Hold& hold, const Hold& expected) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (hold.holder == expected.holder && hold.database == expected.database) hold = {};
  LWLockRelease(table_lock);
}

}  // namespace

// --- Start-up ---

void launcher_shmem_request() {
  RequestAddinShmemSpace(sizeof(LauncherTable));
  RequestNamedLWLockTranche(tranche, 1);
}

void launcher_shmem_init() {
  bool found;
  void* memory = ShmemInitStruct(tranche, sizeof(LauncherTable), &found);
  table = static_cast<LauncherTable*>(memory);
  table_lock = &GetNamedLWLockTranche(tranche)->lock;
  if (!found) new (memory) LauncherTable{};
}

// --- Anybody ---

void request_scan() {
  if (table == nullptr) return;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  table->scan_requested = true;
  if (DatabaseEntry* entry = find_entry(MyDatabaseId)) ask_again(*entry);
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

// A worker that came up and may not run now cancels its start.
bool claim_database(Oid database) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  DatabaseEntry* entry = find_entry(database);
  const bool vacant = entry != nullptr && entry->worker_pid == 0;
  const bool claimed = vacant && entry->wanted && !is_held(database);
  if (claimed) {
    claim(*entry, Clock::now());
    own_entry = entry;
  } else if (vacant) {
    cancel_start(*entry);
    free_if_unwanted(*entry);
  }
  LWLockRelease(table_lock);
  if (claimed) on_shmem_exit(release_database, 0);
  return claimed;
}

void report_running() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  own_entry->state = DatabaseState::running;
  LWLockRelease(table_lock);
  wake_launcher();
}

void report_no_extension() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  become_absent(*own_entry);
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

// --- The launcher ---

// Workers that an earlier launcher registered may still come up: the claim lets only one in.
void announce_launcher() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  table->launcher_pid = MyProcPid;
  table->launcher_latch = MyLatch;
  table->scan_requested = true;
  for (DatabaseEntry& entry : table->databases) cancel_start(entry);
  LWLockRelease(table_lock);
  on_shmem_exit(withdraw_launcher, 0);
}

bool take_scan_request() {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  const bool requested = table->scan_requested;
  table->scan_requested = false;
  LWLockRelease(table_lock);
  return requested;
}

int set_wanted_databases(std::span<const Oid> databases) {
  int left_out = 0;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  for (DatabaseEntry& entry : table->databases) entry.wanted = false;
  for (Oid database : databases)
    if (!want_database(database)) left_out++;
  for (DatabaseEntry& entry : table->databases) {
    if (entry.state == DatabaseState::none || entry.wanted) continue;
    ask_to_stop(entry);
    free_if_unwanted(entry);
  }
  LWLockRelease(table_lock);
  return left_out;
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

std::optional<Start> take_next_start() {
  const Moment now = Clock::now();
  std::optional<Start> start;
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  DatabaseEntry* entry = is_enough_under_way(now) ? nullptr : find_due(now);
  if (entry != nullptr) {
    begin_start(*entry, now);
    start = {static_cast<int>(entry - table->databases), entry->database};
  }
  LWLockRelease(table_lock);
  return start;
}

void undo_start(int place) {
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  cancel_start(table->databases[place]);
  LWLockRelease(table_lock);
}

// A worker that never came up is like one that died.
void end_start(int place) {
  DatabaseEntry& entry = table->databases[place];
  LWLockAcquire(table_lock, LW_EXCLUSIVE);
  if (entry.state == DatabaseState::starting) {
    back_off(entry, Clock::now());
    table->scan_requested = true;
  }
  free_if_unwanted(entry);
  LWLockRelease(table_lock);
}

bool is_starting(int place) {
  LWLockAcquire(table_lock, LW_SHARED);
  const bool starting = table->databases[place].state == DatabaseState::starting;
  LWLockRelease(table_lock);
  return starting;
}

bool is_start_due() {
  LWLockAcquire(table_lock, LW_SHARED);
  const bool due = find_due(Clock::now()) != nullptr;
  LWLockRelease(table_lock);
  return due;
}

// A start that is due waits for those under way: when they end, they wake the launcher.
Moment next_wake(Moment first_start) {
  const Moment now = Clock::now();
  Moment wake = Moment::max();
  LWLockAcquire(table_lock, LW_SHARED);
  const bool enough_under_way = is_enough_under_way(now);
  for (const DatabaseEntry& entry : table->databases) {
    const Moment patience_ends = holds_up_until(entry);
    if (patience_ends > now) wake = std::min(wake, patience_ends);
    const Moment due = std::max(due_at(entry), first_start);
    if (due > now || !enough_under_way) wake = std::min(wake, due);
  }
  LWLockRelease(table_lock);
  return wake;
}

}  // namespace presence
