// activities.h: the rows of user_activities.
#pragma once

#include <span>

#include "core/roster.h"
#include "postgres/boundary.h"

namespace presence {

// Writes one row in the caller's transaction, in a scope of its own.
void write_activity(const Activity& activity);
// Writes many, in an open scope.
void write_activities(const ActivityView* activities, int count);

}  // namespace presence
