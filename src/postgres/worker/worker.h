// worker.h: what a database worker does between its start and its end (entry.cpp has both).
#pragma once

#include "postgres/boundary.h"

namespace presence {

enum class WorkerEnd { extension_dropped, stop_requested };

// Works for the extension until it is dropped or worker_stop_requested() says so. Errors end the
// process.
WorkerEnd run_worker(Oid extension);

}  // namespace presence
