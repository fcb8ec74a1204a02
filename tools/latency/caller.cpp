// caller.cpp: the schedule, and what becomes of its COMMITs.
#include "caller.h"

#include <random>
#include <stdexcept>
#include <string>
#include <thread>

namespace latency {
namespace {

constexpr std::chrono::seconds last_timeout{10};
constexpr double not_heard = -1;

Clock::time_point commit(demo::Connection& caller, const std::vector<std::string>& statements) {
  caller.query("BEGIN");
  for (const std::string& statement : statements) caller.query(statement);
  const auto sent = Clock::now();
  caller.query("COMMIT");
  return sent;
}

// When COMMITs were sent, and how long it took, by their numbers.
class Stopwatch {
 public:
  explicit Stopwatch(const Listener& listener) : listener_(listener) {}

  void sent(Clock::time_point at) {
    sent_.push_back(at);
    times_.push_back(not_heard);
    while (const auto heard = listener_.next(Clock::now())) note(*heard);
  }

  std::vector<double> wait_for_the_last() {
    while (heard_ < sent_.size()) {
      const auto heard = listener_.next(Clock::now() + last_timeout);
      if (!heard) throw std::runtime_error("a COMMIT was not heard of in 10 s");
      note(*heard);
    }
    return times_;
  }

 private:
  void note(const Heard& heard) {
    const auto number = static_cast<std::size_t>(heard.number);
    if (times_.at(number) != not_heard) return;  // Another event that has the same message.
    times_[number] = std::chrono::duration<double, std::micro>(heard.at - sent_[number]).count();
    heard_++;
  }

  const Listener& listener_;
  std::vector<Clock::time_point> sent_;
  std::vector<double> times_;
  std::size_t heard_ = 0;
};

}  // namespace

std::vector<double> measure(demo::Connection& caller, const Listener& listener,
                            const std::vector<Kind>& kinds, const Schedule& schedule) {
  Stopwatch stopwatch(listener);
  std::minstd_rand random;
  std::uniform_real_distribution<double> uneven(0.5, 1.5);
  const long all = static_cast<long>(kinds.size()) * schedule.commits;
  auto next = Clock::now();
  for (long number = 0; number < all; number++) {
    std::this_thread::sleep_until(next);
    const Kind& kind = kinds[static_cast<std::size_t>(number) % kinds.size()];
    stopwatch.sent(commit(caller, kind.statements(number)));
    next += std::chrono::duration_cast<Clock::duration>(uneven(random) * schedule.interval);
  }
  return stopwatch.wait_for_the_last();
}

}  // namespace latency
