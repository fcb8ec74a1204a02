// child.cpp: fork, and the end of what was forked.
#include "child.h"

#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace latency {
namespace {

// _exit, not exit: what our process has open and registered is not the child's to clean up.
[[noreturn]] void work_to_the_end(const std::function<void()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    _exit(1);
  }
  _exit(0);
}

}  // namespace

Child::Child(const std::function<void()>& work) {
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) work_to_the_end(work);
}

Child::~Child() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  wait();
}

bool Child::has_ended() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

void Child::wait() {
  if (pid_ != 0) waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace latency
