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

constexpr Duration first_statement = second;            // what ran when the request came
constexpr Duration longest_statement = 5 * second / 2;  // what came after it

// The postmaster signals each of its children and then the group that the child leads, which is the
// child once more: that is one request.
constexpr Duration same_request = second / 2;

volatile sig_atomic_t is_requested = 0;
Duration requested_at;  // by the clock of moment()
struct Timer {
  timer_t id;
  bool is_made;  // else the system has none left
};
Timer cancels;       // what runs, by SIGINT
Timer ends_at_once;  // the process, by SIGTERM: the second request

Timer make_timer(int signal) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  Timer timer{};
  timer.is_made = timer_create(CLOCK_MONOTONIC, &event, &timer.id) == 0;
  return timer;
}

Duration moment() {
  timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * second + now.tv_nsec / 1000;
}

timespec timespec_of(Duration duration) { return {duration / second, duration % second * 1000}; }

void set_timer(const Timer& timer, Duration after, Duration every) {
  const itimerspec times{timespec_of(every), timespec_of(after)};
  if (timer.is_made) (void)timer_settime(timer.id, 0, &times, nullptr);
}

}  // namespace

extern "C" {
static void request_end(SIGNAL_ARGS) {
  const Duration now = moment();
  if (is_requested) {
    if (now - requested_at >= same_request) die(postgres_signal_arg);
    return;
  }
  const int before = errno;
  is_requested = 1;
  requested_at = now;
  set_timer(cancels, first_statement, longest_statement);
  set_timer(ends_at_once, longest_end, 0);
  SetLatch(MyLatch);
  errno = before;
}
}

// Without timers a statement that hangs is ended by the second request only.
void handle_requests_to_end() {
  cancels = make_timer(SIGINT);
  ends_at_once = make_timer(SIGTERM);
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
