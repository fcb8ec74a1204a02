// signals.h: a signal that asks the demo to stop becomes an exception at the next place that waits,
// so that the temporary server and its files go away as they would at the end.
#pragma once

namespace demo {

struct Interrupted {};

void catch_signals();
void stop_if_interrupted();  // throws Interrupted

}  // namespace demo
