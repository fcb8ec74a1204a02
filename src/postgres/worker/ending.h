// ending.h: how the worker is told to end (SIGTERM: a planned stop, pg_terminate_backend, DROP
// DATABASE ... FORCE).
//
// Ending in the middle of a round would lose what waits for the next flush. So the first request
// is only noted, for the worker to end when its round is over and that is written. But whoever
// stops the server waits for it, and a statement takes as long as it likes: it may wait for a lock,
// or run a trigger of the application. So what runs is cancelled after a second, and what comes
// after it after 2.5 s more, that something else can be written, and after `longest_end` the
// process ends in any case. So it does at a second request, half a second after the first or later.
#pragma once

#include "postgres/boundary.h"
#include "postgres/clock.h"

namespace presence {

// Shorter than DROP DATABASE ... FORCE is patient, which is 5 s.
constexpr Duration longest_end = 4 * second;

// Requests to end are handled as above from here on.
void handle_requests_to_end();

bool end_is_requested();

// Does what is now due. Does not return.
[[noreturn]] void end_process();

}  // namespace presence
