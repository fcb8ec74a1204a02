// names.h: the names of channels in this server.
#pragma once

#include "core/channel_name.h"
#include "core/events.h"
#include "postgres/boundary.h"

namespace presence {

// With the setting presence.notify_prefix. `to` has room for max_channel_bytes and a zero.
void notify_name(std::string_view channel, char* to);

}  // namespace presence
