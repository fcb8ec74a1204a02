// trace.cpp: reading the gzipped lines.
#include "trace.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <zlib.h>

namespace demo {
namespace {

struct CloseFile {
  void operator()(gzFile file) const { gzclose(file); }
};
using File = std::unique_ptr<gzFile_s, CloseFile>;

// second, room, event, user, new_user
using Fields = std::array<std::string_view, 5>;

Fields split(std::string_view line) {
  Fields fields;
  for (std::string_view& field : fields) {
    const std::size_t tab = line.find('\t');
    field = line.substr(0, tab);
    line = tab == std::string_view::npos ? std::string_view() : line.substr(tab + 1);
  }
  return fields;
}

// Of the trace. After it a client does not count on being a member any more: its session may have
// ended.
constexpr double long_silence = 25 * 60;

// Makes calls of events, and knows for it who is in which rooms.
class Calls {
 public:
  explicit Calls(std::vector<Call>& calls) : calls_(calls) {}

  void add(const Fields& fields) {
    const auto& [second, room, event, user, new_user] = fields;
    second_ = std::stod(std::string(second));
    if (event == "join")
      join(std::string(user), std::string(room));
    else if (event == "message")
      message(std::string(user), std::string(room));
    else if (event == "leave")
      leave(std::string(user), std::string(room));
    else if (event == "rename")
      rename(std::string(user), std::string(new_user), std::string(room));
    else
      throw std::runtime_error("the trace has an unknown event: " + std::string(event));
  }

 private:
  // When a user was heard of last, by room.
  using Rooms = std::map<std::string, double>;

  void add(Action action, const std::string& user, const std::string& room) {
    calls_.push_back({second_, action, user, room});
  }

  void join(const std::string& user, const std::string& room) {
    add(Action::connect, user, room);
    add(Action::join, user, room);
    rooms_of_[user][room] = second_;
  }

  void message(const std::string& user, const std::string& room) {
    Rooms& rooms = rooms_of_[user];
    const auto here = rooms.find(room);
    if (here == rooms.end() || second_ - here->second >= long_silence)
      add(Action::join, user, room);
    add(Action::typing, user, room);
    add(Action::touch, user, room);
    if (++messages_of_[user] % 2 == 1) add(Action::stop_typing, user, room);
    rooms[room] = second_;
  }

  void leave(const std::string& user, const std::string& room) {
    add(Action::leave, user, room);
    add(Action::disconnect, user, room);
    rooms_of_[user].erase(room);
  }

  void rename(const std::string& user, const std::string& new_user, const std::string& room) {
    Rooms rooms = std::exchange(rooms_of_[user], {});
    rooms.emplace(room, second_);
    add(Action::logout, user, {});
    for (const auto& [each, heard] : rooms) join(new_user, each);
  }

  std::vector<Call>& calls_;
  std::map<std::string, Rooms> rooms_of_;
  std::map<std::string, std::size_t> messages_of_;
  double second_ = 0;
};

}  // namespace

std::string_view name_of(Action action) {
  constexpr std::array<std::string_view, 9> names = {"connect", "join",       "typing",
                                                     "touch",   "point",      "stop_typing",
                                                     "leave",   "disconnect", "logout"};
  return names[static_cast<std::size_t>(action)];
}

std::size_t Trace::count(Action action) const {
  return static_cast<std::size_t>(std::ranges::count(calls, action, &Call::action));
}

Trace read_trace(const std::string& path) {
  const File file(gzopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error("cannot read " + path);

  Trace trace;
  Calls calls(trace.calls);
  std::array<char, 1024> buffer;
  std::set<std::string> people;
  bool header = true;
  while (gzgets(file.get(), buffer.data(), static_cast<int>(buffer.size())) != nullptr) {
    std::string_view line(buffer.data());
    if (!line.ends_with('\n')) throw std::runtime_error(path + " has an unfinished line");
    line.remove_suffix(1);
    if (!std::exchange(header, false)) {
      const Fields fields = split(line);
      calls.add(fields);
      people.emplace(fields[3]);
      ++trace.events;
    }
  }
  if (!gzeof(file.get()) || trace.calls.empty())
    throw std::runtime_error(path + " is not a whole trace");

  std::set<std::string> users, rooms;
  for (const Call& call : trace.calls) {
    users.insert(call.user);
    if (!call.room.empty()) rooms.insert(call.room);
  }
  trace.users.assign(users.begin(), users.end());
  trace.people = people.size();
  trace.rooms.assign(rooms.begin(), rooms.end());
  return trace;
}

}  // namespace demo
