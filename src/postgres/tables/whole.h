// whole.h: the realm with everybody in it.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// After a restart, an import or a restore the worker loads the rows of whoever is not offline. A
// reader that needs them all before that does it itself.
RealmRef whole_realm();

// Loads those rows, in portions, and in the first load of a run the sessions and members; or waits
// until somebody else has. Users in memory stay as they are.
void load_everybody(const RealmRef& realm);

}  // namespace presence
