// activity_rows.h: from the queue of activities to their rows.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

enum class Written {
  all,     // none is left
  more,    // call again
  blocked  // the table is locked: again after a while
};

// Writes a batch of the oldest, in one transaction.
Written write_activity_rows(const RealmRef& realm);

}  // namespace presence
