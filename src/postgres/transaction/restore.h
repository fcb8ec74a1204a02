// restore.h: COPY FROM into the tables of presence, as pg_restore does it. The utility hook calls
// begin and end around every COPY FROM.
#pragma once

#include "postgres/boundary.h"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace presence {

// Before a COPY FROM. Returns what end_restore is to be given.
int begin_restore(const CopyStmt* statement);

// After it, also when it failed.
void end_restore(int token);

// The transaction has failed.
void end_all_restores();

// Inside a COPY FROM: the guard on the tables lets it through, whose owner alone may do it.
bool is_restoring();

}  // namespace presence
