// clock.cpp: now.
#include "postgres/clock.h"

#include "postgres/shared/state.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace presence {

#ifdef PRESENCE_TESTING
Time current_time() {
  return GetCurrentTimestamp() + (shared.attached() ? shared.header->clock_offset.load() : 0);
}
#else
Time current_time() { return GetCurrentTimestamp(); }
#endif

}  // namespace presence
