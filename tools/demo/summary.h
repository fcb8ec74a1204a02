// summary.h: what is printed at the end.
#pragma once

#include <string>

#include "burst.h"
#include "listener.h"
#include "options.h"
#include "trace.h"

namespace demo {

void print_replay(const Trace& trace, double seconds);
void print_events(const Listener& listener);

// Each says whether everything is as it must be.
bool compare_with_replay(const Options& options, const std::string& log);
bool print_burst(const Burst& burst);

}  // namespace demo
