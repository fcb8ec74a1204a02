// announcer.h: from changed users to events.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Takes the changed users and appends their events to the ring: no more than a part of it holds, so
// that they can be sent before it is lapped. While nothing can be sent, all of them: who asks for
// events must not wait for that.
enum class Announced { nothing, some, all };
Announced announce(const RealmRef& realm, bool stuck);

}  // namespace presence
