// listener.h: a process that hears of numbered COMMITs and says when.
//
// It does nothing else, so a notification's time is when it came, not when whoever made the COMMIT
// had time to look. Both sides use CLOCK_MONOTONIC, which all processes of a machine share.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "child.h"

namespace latency {

using Clock = std::chrono::steady_clock;

struct Heard {
  std::int64_t number;
  Clock::time_point at;
};

class Pipe {
 public:
  Pipe();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void write(const Heard& heard) const;
  // None: nothing came until then. Throws when nobody can write any more.
  std::optional<Heard> read(Clock::time_point deadline) const;
  void close_writer();

 private:
  int reader_;
  int writer_;
};

class Listener {
 public:
  // Statements to run first, such as LISTEN; what stands before the number in a payload. Returns
  // when it listens.
  Listener(const std::string& conninfo, const std::vector<std::string>& statements,
           const std::string& marker);

  std::optional<Heard> next(Clock::time_point deadline) const { return pipe_.read(deadline); }

 private:
  Pipe pipe_;
  Child process_;
};

}  // namespace latency
