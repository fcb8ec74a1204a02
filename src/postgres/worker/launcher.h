// launcher.h: who may run in which database.
//
// The launcher is one static background worker that knows shared catalogs only. It keeps a table in
// shared memory with an entry for each database that may have presence, and starts one worker per
// entry. A worker that finds no extension leaves, and its database is left alone until somebody
// asks. The table also keeps the *holds* of database commands, which need a database without
// connections.
//
//   none     -- a scan finds the database ----> unknown
//   unknown  -- the launcher registers --------> starting
//   starting -- the worker claims -------------> probing
//               held by then ------------------> unknown
//               never came up -----------------> waiting
//   probing  -- it finds the extension --------> running
//               it finds none -----------------> absent; unknown when somebody asked meanwhile
//               it dies -----------------------> waiting
//   running  -- the extension is dropped ------> absent; unknown when somebody asked meanwhile
//               it leaves for a hold ----------> unknown
//               it dies -----------------------> waiting
//   waiting  -- the back-off is over ----------> starting
//   absent   -- somebody asks -----------------> unknown
//   any      -- a scan misses the database ----> none, once no worker is there
//
// Everything is guarded by one LWLock, tranche "presence_launcher"; no other lock is taken inside
// it and nothing under it can raise an error. All functions do nothing, quietly, when the library
// is not preloaded.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// --- Start-up: module.cpp, when preloaded ---

// Registers the launcher with the postmaster; not during pg_upgrade.
void register_launcher();

Size launcher_shmem_size();

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

}  // namespace presence

// The launcher's main function, found by name.
extern "C" PGDLLEXPORT void presence_launcher_main(Datum argument);
