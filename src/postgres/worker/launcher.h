// launcher.h: the launcher, one static background worker that knows shared catalogs only.
//
// It finds out which databases there are and starts their workers. It owns no shared state: what
// others see and ask for is in its table (launcher_table.h).
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Registers the launcher with the postmaster; not during pg_upgrade. In _PG_init, when preloaded.
void register_launcher();

}  // namespace presence

// The launcher's main function, found by name.
extern "C" PGDLLEXPORT void presence_launcher_main(Datum argument);
