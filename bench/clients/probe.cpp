// probe.cpp: how long it takes from a COMMIT to a listener, window by window, for as long as a
// soak lasts. presence-latency compares kinds of commits and tells at its end; this one watches
// one kind over time.
//
//   bench_probe CONNINFO WINDOWS SECONDS
//
// Sets a status 20 ms after the last one was heard of by a listener in another process. Prints a
// line for each window of so many seconds: how many were measured, and p50, p99 and the longest in
// ms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "demo/connection.h"
#include "latency/listener.h"

namespace {

using latency::Clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::milliseconds pause{20};
constexpr std::chrono::seconds give_up{60};
constexpr const char* marker = "probe ";

double measure(demo::Connection& caller, const latency::Listener& listener, long number) {
  caller.query("BEGIN");
  caller.query("SELECT presence_set_status('probe', 'busy', $1)",
               {marker + std::to_string(number) + "."});
  const auto sent = Clock::now();
  caller.query("COMMIT");
  for (;;) {
    const auto heard = listener.next(Clock::now() + give_up);
    if (!heard) throw std::runtime_error("nothing is heard any more");
    if (heard->number == number) return Milliseconds(heard->at - sent).count();
  }
}

void print(std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf("%zu %.3f %.3f %.3f\n", times.size(), at(0.5), at(0.99), times.back());
  std::fflush(stdout);
}

void run(const char* conninfo, int windows, double seconds) {
  const latency::Listener listener(conninfo, {"SELECT presence_listen()"}, marker);
  demo::Connection caller(conninfo);
  caller.query("SET synchronous_commit = off");  // It is presence that is watched, not the disk.
  const Milliseconds window{1000 * seconds};
  const auto began = Clock::now();
  long number = 0;
  for (int i = 1; i <= windows; i++) {
    std::vector<double> times;
    do {
      std::this_thread::sleep_for(pause);
      times.push_back(measure(caller, listener, number++));
    } while (Clock::now() - began < i * window);
    print(times);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_probe CONNINFO WINDOWS SECONDS\n");
    return 2;
  }
  try {
    run(argv[1], std::atoi(argv[2]), std::atof(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_probe: %s\n", error.what());
    return 1;
  }
}
