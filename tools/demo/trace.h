// trace.h: the calls that the people of the trace make, in order of time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace demo {

enum class Action { touch, logout };

struct Call {
  double second;  // of the trace
  Action action;
  std::string user;
  std::string room;
};

struct Trace {
  std::vector<Call> calls;  // a rename is two calls
  std::size_t events = 0;
  std::size_t rooms = 0;
  std::size_t people = 0;
  std::vector<std::string> users;  // more than people: a rename makes a new one

  double seconds() const { return calls.empty() ? 0 : calls.back().second; }
};

// Reads tab-separated lines (second, room, event, user, new_user), compressed or not.
Trace read_trace(const std::string& path);

}  // namespace demo
