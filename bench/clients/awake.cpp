// awake.cpp: keeps all processors awake until standard input ends, and takes them from nobody.
//
//   bench_awake
//
// Exit status 1: the lowest priority is refused here.
//
// A client and a server that take turns leave a processor asleep most of the time. How long it
// takes to wake up differs by a factor of five between machines and from minute to minute on one,
// and would be most of what is measured. Whoever has something to do comes before these threads at
// once (SCHED_IDLE).
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> over = false;
std::atomic<bool> is_refused = false;

// Leaves the core to the other thread of the core, where there is one.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void stay_awake() {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) {
    std::perror("bench_awake: SCHED_IDLE");
    is_refused = true;
  }
  while (!is_refused && !over.load(std::memory_order_relaxed)) relax();
}

}  // namespace

int main() {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); i++)
    threads.emplace_back(stay_awake);
  char ignored;
  while (read(0, &ignored, 1) > 0) {
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  return is_refused ? 1 : 0;
}
