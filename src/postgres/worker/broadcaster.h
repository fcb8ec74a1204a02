// broadcaster.h: from changed users to events to NOTIFY.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Takes the changed users and appends their events to the ring. True: there were some.
bool announce(const RealmRef& realm);

// Sends what the ring has and was not sent, many events in one transaction that writes no table.
enum class Sent { all, more, failed };
Sent broadcast(const RealmRef& realm);

// For the resync after a reset or a lapped ring.
void announce_resync(const RealmRef& realm);

}  // namespace presence
