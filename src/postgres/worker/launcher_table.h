// launcher_table.h: who may run in which database.
//
// A table in shared memory with an entry for each database that may have presence
// (launcher_entry.h has the states). The launcher makes it agree with pg_database and starts one
// worker per entry. A worker that finds no extension leaves, and its database is left alone until
// somebody asks. The table also keeps the *holds* of database commands, which need a database
// without connections.
//
// Everything is guarded by one LWLock, tranche "presence_launcher", which the functions here take
// by themselves; no other lock is taken inside it and nothing under it can raise an error. What
// anybody may call does nothing, quietly, when the library is not preloaded.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "postgres/boundary.h"

namespace presence {

// --- Start-up: shared_memory.cpp ---

// Asks for shared memory and the lock; in the shmem request hook (request_shmem_compat).
void launcher_shmem_request();

// Makes the table or finds it. The caller holds AddinShmemInitLock.
void launcher_shmem_init();

// --- Anybody ---

// Makes the launcher look at all databases, and into the current one even if it had no extension.
// Cannot fail: may be called from an XACT_EVENT_COMMIT callback.
void request_scan();

// The process of a database's worker, 0 when there is none. When it says 0 the worker, if there was
// one, no longer counts as connected to the database.
int current_worker_pid(Oid database);

// --- The database worker: entry.cpp and run_worker ---

// Makes this process the only worker of a database, until it exits. False when another one is, or
// when none may run now.
bool claim_database(Oid database);

// The worker found the extension.
void report_running();

// The worker found none, or it was dropped: no further look until somebody asks.
void report_no_extension();

// This worker is to leave soon: somebody needs its database without connections, or it may not run
// there any more.
bool worker_stop_requested();

// --- Database commands: databases.cpp ---

// Keeps workers out of a database until release_holds, and asks a running one to leave.
void hold_off_worker(Oid database);

// Sends SIGTERM to a database's worker.
void terminate_worker(Oid database);

// Drops this process's holds and makes the launcher look at all databases. Costs nothing when there
// are none. Cannot fail: may be called from a transaction callback.
void release_holds();

// --- The launcher: launcher.cpp ---

constexpr int max_databases = 1024;

// A start that the launcher is to make: the entry's place in the table, and its database.
struct Start {
  int place;
  Oid database;
};

// Makes this process the one that is woken, until it exits, and asks for a scan.
void announce_launcher();

// Whether a scan was asked for since the last call.
bool take_scan_request();

// Makes the table agree with a scan that found these databases. Returns how many of them found no
// room.
int set_wanted_databases(std::span<const Oid> databases);

// Drops the holds of processes that are gone.
void drop_void_holds();

// Chooses a database whose time has come and marks it as starting. Nothing when there is none, or
// enough is under way.
std::optional<Start> take_next_start();

// The start did not come about: it is due again.
void undo_start(int place);

// The worker that was started there is gone; whether it had claimed is what the table says.
void end_start(int place);

// Whether the worker that was started there has still to claim.
bool is_starting(int place);

// Whether a database's time has come, be there enough under way or not.
bool is_start_due();

// When the table needs the launcher next, if nothing wakes it before and it starts no worker before
// `first_start`. time_point::max(): never.
std::chrono::steady_clock::time_point next_wake(std::chrono::steady_clock::time_point first_start);

}  // namespace presence
