// ending.cpp: the handler of SIGTERM, and the clocks that it starts.
//
// A handler may not touch PostgreSQL's own timeouts, which the code that it interrupts may be
// changing. But it may set a timer of POSIX, and there signals do what they always do.
#include "postgres/worker/ending.h"

#include <cerrno>
#include <csignal>
#include <ctime>

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
}

namespace presence {

namespace {

constexpr Duration longest_statement = second;

volatile sig_atomic_t is_requested = 0;
timer_t cancels;       // what runs, by SIGINT
timer_t ends_at_once;  // the process, by SIGTERM: the second request

bool make_timer(int signal, timer_t& timer) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

void set_timer(timer_t timer, Duration after, Duration every) {
  itimerspec times{};
  times.it_value.tv_sec = after / second;
  times.it_interval.tv_sec = every / second;
  (void)timer_settime(timer, 0, &times, nullptr);
}

}  // namespace

extern "C" {
static void request_end(SIGNAL_ARGS) {
  if (is_requested) return die(postgres_signal_arg);
  const int before = errno;
  is_requested = 1;
  set_timer(cancels, longest_statement, longest_statement);
  set_timer(ends_at_once, longest_end, 0);
  SetLatch(MyLatch);
  errno = before;
}
}

// Without timers the first request ends the process at once, as it does any other.
void handle_requests_to_end() {
  if (make_timer(SIGINT, cancels) && make_timer(SIGTERM, ends_at_once))
    pqsignal(SIGTERM, request_end);
}

bool end_is_requested() { return is_requested; }

void end_process() {
  ProcDiePending = true;
  InterruptPending = true;
  CHECK_FOR_INTERRUPTS();
  proc_exit(1);
}

}  // namespace presence
