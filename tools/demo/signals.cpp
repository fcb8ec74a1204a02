// signals.cpp: from a handler to an exception.
#include "signals.h"

#include <csignal>
#include <initializer_list>

namespace demo {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void note_signal(int) { interrupted = 1; }

}  // namespace

// No SA_RESTART: a poll that is under way shall end.
void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = note_signal;
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaction(signal, &action, nullptr);
}

void stop_if_interrupted() {
  if (interrupted) throw Interrupted();
}

}  // namespace demo
