// ending.h: how the worker is told to end (SIGTERM: a planned stop, pg_terminate_backend, DROP
// DATABASE ... FORCE).
//
// Ending in the middle of a round would lose what waits for the next flush. So the first request
// is only noted, for the worker to end when its round is over; whatever a round waits for is short
// (lock_timeout). A second request ends it at once, and so does the first while it loads: a load
// may wait for long, and there is nothing to lose yet.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Requests to end are handled as above from here on.
void handle_requests_to_end();

// As long as this is in scope, a request ends the process at once, and so does one that was noted
// before.
class EndsAtOnce {
 public:
  EndsAtOnce();
  ~EndsAtOnce();
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;
};

bool end_is_requested();

// Does what is now due. Does not return.
[[noreturn]] void end_process();

}  // namespace presence
