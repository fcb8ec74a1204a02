// trace.h: the calls that the people of the trace make, in order of time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

// The trace has no pointing: make_visible adds it.
enum class Action { connect, join, typing, touch, point, stop_typing, leave, disconnect, logout };

// As it stands in the log, too.
std::string_view name_of(Action action);

struct Call {
  double second;  // of the trace
  Action action;
  std::string user;
  std::string room;  // not of a logout

  // Who is in a room has a session of its own there, which joins the room's channel.
  std::string session() const { return user + "@" + room; }
};

struct Trace {
  std::vector<Call> calls;  // a rename is several
  std::size_t events = 0;
  std::size_t people = 0;
  std::vector<std::string> users;  // more than people: a rename makes a new one
  std::vector<std::string> rooms;

  double seconds() const { return calls.empty() ? 0 : calls.back().second; }
  std::size_t count(Action action) const;
};

// Reads tab-separated lines (second, room, event, user, new_user), compressed or not. Who joins
// connects and joins the channel; who leaves leaves it and disconnects. A message is typing, a
// touch, and the end of the typing, but for every second message of a user: there it ends by
// itself. Whoever speaks and was not heard of in the room for 25 minutes, or never, joins first. A
// line is of one room, but a person has one name: a rename logs the old name out, and the new one
// connects and joins in every room where the old one has joined or spoken and not left.
Trace read_trace(const std::string& path);

}  // namespace demo
