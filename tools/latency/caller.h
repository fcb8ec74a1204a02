// caller.h: makes COMMITs, and knows how long each took to be heard of.
//
// They come on a schedule, heard of or not: waiting for a slow one would leave out the slow ones
// that come meanwhile. The schedule is uneven, or it could be in step with the worker's rounds.
#pragma once

#include <chrono>
#include <vector>

#include "../demo/connection.h"
#include "kinds.h"
#include "listener.h"

namespace latency {

struct Schedule {
  int commits;                         // of each kind
  std::chrono::milliseconds interval;  // from one to the next, in the mean
};

// The kinds take turns. Us from before each COMMIT to its notification, in their order.
std::vector<double> measure(demo::Connection& caller, const Listener& listener,
                            const std::vector<Kind>& kinds, const Schedule& schedule);

}  // namespace latency
