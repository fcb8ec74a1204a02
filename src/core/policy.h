// policy.h: the settings that the rules of section "The state machine" depend on.
#pragma once

#include "types.h"

namespace presence {

struct Policy {
  Duration idle_timeout = 5 * minute;
  Duration offline_timeout = 30 * minute;
  Duration session_timeout = 90 * second;
  Duration disconnect_grace = 10 * second;
  Duration flush_interval = 60 * second;
};

}  // namespace presence
