// broadcaster.h: from events to NOTIFY, and to the WAL.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

enum class Sent { all, more, failed };

// Sends what the ring has and was not sent, many events in one transaction that writes no table.
Sent broadcast(const RealmRef& realm);

// Writes what the ring has and was not written as logical messages, if presence.wal_messages is on,
// in a transaction of its own. It begins with the first event after it was turned on.
Sent log_events(const RealmRef& realm);

}  // namespace presence
