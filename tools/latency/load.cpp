// load.cpp: processes that change statuses on a schedule.
#include "load.h"

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <thread>

#include <sys/mman.h>

#include "../demo/connection.h"

namespace latency {

struct Progress {
  std::atomic<int> running = 0;
  std::atomic<long> changes = 0;
  std::atomic<bool> is_over = false;
};
static_assert(std::atomic<long>::is_always_lock_free, "a lock would be of one process");

namespace {

using Clock = std::chrono::steady_clock;

constexpr int users_of_a_connection = 64;

Progress* share() {
  void* memory =
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("cannot share memory");
  return new (memory) Progress;
}

void unshare(Progress* progress) { munmap(progress, sizeof(Progress)); }

// Behind its schedule it does not pause until it has caught up: what is asked for is a mean rate.
void change_statuses(demo::Connection& connection, const std::string& prefix,
                     std::chrono::nanoseconds interval, Progress& progress) {
  connection.prepare("change", "SELECT presence_set_status($1, $2)");
  progress.running++;
  auto next = Clock::now();
  for (int i = 0; !progress.is_over; i++) {
    const char* status = i / users_of_a_connection % 2 == 0 ? "busy" : "online";
    connection.execute("change", {prefix + std::to_string(i % users_of_a_connection), status});
    progress.changes++;
    next += interval;
    std::this_thread::sleep_until(next);
  }
}

}  // namespace

Load::Load(const std::string& conninfo, const std::vector<std::string>& statements, int rate,
           int connections)
    : progress_(share(), unshare) {
  if (rate == 0) return;
  const std::chrono::nanoseconds interval{1'000'000'000LL * connections / rate};
  for (int i = 0; i < connections; i++) {
    processes_.emplace_back([&, i] {
      demo::Connection connection(conninfo);
      for (const std::string& statement : statements) connection.query(statement);
      change_statuses(connection, "latency_load_" + std::to_string(i) + "_", interval, *progress_);
    });
  }
}

Load::~Load() = default;

void Load::wait_until_running() {
  while (progress_->running < static_cast<int>(processes_.size())) {
    check();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

long Load::changes() {
  check();
  return progress_->changes;
}

void Load::finish() {
  progress_->is_over = true;
  for (Child& process : processes_) process.wait();
}

void Load::check() {
  for (Child& process : processes_)
    if (process.has_ended()) throw std::runtime_error("a connection of the load has ended");
}

}  // namespace latency
