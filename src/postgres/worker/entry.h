// entry.h: how a process of ours begins, and a database worker's life around run_worker.
//
// It owns no shared state: what others see of the worker is its entry in the launcher's table
// (launcher_table.h).
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Sets signal handlers, and the settings that ALTER DATABASE and postgresql.conf must not change
// for a process of ours. Called by launcher and worker before they connect, so that a database's
// own settings find something stronger.
void prepare_process(const char* application_name);

}  // namespace presence

// The database worker's main function, found by name. The argument is the database's oid.
extern "C" PGDLLEXPORT void presence_worker_main(Datum argument);
