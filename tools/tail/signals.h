// signals.h: SIGINT and SIGTERM ask the tool to end. They are blocked but where it waits, so that
// none comes between looking and waiting, and become an exception there.
#pragma once

#include <chrono>
#include <optional>

#include <poll.h>

namespace tail {

struct Interrupted {};

using Clock = std::chrono::steady_clock;

void catch_signals();

// Waits for what poll can wait for, at most until the deadline; false when that has come. Throws
// Interrupted.
bool wait_for(pollfd socket, std::optional<Clock::time_point> deadline);
void sleep_until(Clock::time_point deadline);  // throws Interrupted

}  // namespace tail
