// signals.cpp: ppoll, which lets signals in while it waits and at no other time.
#include "signals.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace tail {
namespace {

volatile std::sig_atomic_t interrupted = 0;
sigset_t mask_while_waiting;

void note_signal(int) { interrupted = 1; }

timespec time_left(Clock::time_point deadline) {
  const auto left = std::max(deadline - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(),
          .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count()};
}

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGTERM}) {
    sigaction(signal, &action, nullptr);
    sigaddset(&ours, signal);
  }
  sigprocmask(SIG_BLOCK, &ours, &mask_while_waiting);
}

bool wait_for(pollfd socket, std::optional<Clock::time_point> deadline) {
  while (true) {
    timespec left = {};
    if (deadline) left = time_left(*deadline);
    // A negative descriptor is one that poll leaves out.
    const int ready = ppoll(&socket, 1, deadline ? &left : nullptr, &mask_while_waiting);
    if (interrupted) throw Interrupted();
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
  }
}

void sleep_until(Clock::time_point deadline) { wait_for({-1, 0, 0}, deadline); }

}  // namespace tail
