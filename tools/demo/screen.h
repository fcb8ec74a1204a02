// screen.h: what the person sees while the trace is played: on a terminal the online list beside
// the events, else a line now and then.
#pragma once

#include <chrono>
#include <string>

#include "connection.h"
#include "listener.h"
#include "trace.h"

namespace demo {

struct Progress {
  double seconds;  // since the start
  double trace_second;
  std::size_t calls_made;
};

class Screen {
 public:
  // It asks the server on a connection of its own.
  Screen(const std::string& connection_string, bool plain, const Trace& trace, double speed);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool is_due() const { return std::chrono::steady_clock::now() >= next_; }
  void show(const Progress& progress, const Listener& listener);

 private:
  struct Counts {
    std::string online, away, sessions;
    std::string roamer;  // who is in the most rooms, and where
    std::string rooms;   // the largest ones, with their members
  };

  void paint(const Progress& progress, const Listener& listener);
  void print_line(const Progress& progress, const Listener& listener);
  Counts counts();

  Connection connection_;
  const Trace& trace_;
  const double speed_;
  const bool terminal_;
  const bool colour_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace demo
