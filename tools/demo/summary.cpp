// summary.cpp: counts into lines.
#include "summary.h"

#include <cstdio>

#include "process.h"
#include "text.h"

namespace demo {

void print_replay(const Trace& trace, double seconds) {
  const auto count = [&](Action action) { return static_cast<double>(trace.count(action)); };
  std::printf(
      "\n%s events of the trace, %s hours of %s users, in %s s:\n%s connects, %s joins, "
      "%s times typing, %s touches, %s leaves and %s logouts,\n%s calls per second\n",
      grouped(trace.events).c_str(), one_decimal(trace.seconds() / 3600).c_str(),
      grouped(trace.people).c_str(), one_decimal(seconds).c_str(),
      grouped(count(Action::connect)).c_str(), grouped(count(Action::join)).c_str(),
      grouped(count(Action::typing)).c_str(), grouped(count(Action::touch)).c_str(),
      grouped(count(Action::leave)).c_str(), grouped(count(Action::logout)).c_str(),
      grouped(static_cast<double>(trace.calls.size()) / seconds).c_str());
}

void print_events(const Listener& listener) {
  std::printf("\n%s events heard by the listener\n", grouped(listener.heard()).c_str());
  for (const auto& [what, count] : listener.counts()) {
    const auto& [kind, reason] = what;
    std::printf("  %-30s %-14s %10s\n", kind.c_str(), reason.c_str(), grouped(count).c_str());
  }
}

bool compare_with_replay(const Options& options, const std::string& log) {
  std::printf("\nBeside an independent replay that knows only the rules\n");
  return run({"python3", options.replay, "--trace", options.trace, log}) == 0;
}

bool print_burst(const Burst& burst) {
  const bool free = burst.wal_bytes == 0;
  std::printf(
      "\n%s touches in the sessions of %d users who are online, one connection, nothing else:\n"
      "%s per second (SELECT $1, $2: %s)\n",
      grouped(burst.touches).c_str(), burst.users, grouped(burst.touches_per_second).c_str(),
      grouped(burst.bare_per_second).c_str());
  std::printf("WAL bytes per touch: %g  %s\n", static_cast<double>(burst.wal_bytes) / burst.touches,
              free ? "ok" : "DIFFERS, must be 0");
  return free;
}

}  // namespace demo
