// ending.cpp: the handler of SIGTERM.
#include "postgres/worker/ending.h"

#include <cerrno>
#include <csignal>

extern "C" {
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
}

namespace presence {

namespace {

volatile sig_atomic_t is_requested = 0;
volatile sig_atomic_t may_finish = 0;  // the round

}  // namespace

extern "C" {
static void request_end(SIGNAL_ARGS) {
  if (is_requested || !may_finish) return die(postgres_signal_arg);
  const int before = errno;
  is_requested = 1;
  SetLatch(MyLatch);
  errno = before;
}
}

void handle_requests_to_end() {
  may_finish = 1;
  pqsignal(SIGTERM, request_end);
}

EndsAtOnce::EndsAtOnce() {
  may_finish = 0;
  if (is_requested) end_process();
}

EndsAtOnce::~EndsAtOnce() { may_finish = 1; }

bool end_is_requested() { return is_requested; }

void end_process() {
  ProcDiePending = true;
  InterruptPending = true;
  CHECK_FOR_INTERRUPTS();
  proc_exit(1);
}

}  // namespace presence
