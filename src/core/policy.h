// policy.h: the settings that the rules depend on.
#pragma once

#include "visibility.h"

namespace presence {

struct Policy {
  Duration idle_timeout = 5 * minute;
  Duration offline_timeout = 30 * minute;
  Duration session_timeout = 90 * second;
  Duration disconnect_grace = 10 * second;
  Duration typing_timeout = 3 * second;
  Duration cursor_interval = 50 * millisecond;
  Audience default_audience = Audience::everyone;
  bool application_decides = false;  // who sees whom: nothing about anybody is public
  uint32_t large_channel = 500;      // members, above which a channel tells how many they are
};

// The same for policies that place users alike, and almost surely another for others; never 0.
uint64_t mark_of(const Policy& policy);

}  // namespace presence
