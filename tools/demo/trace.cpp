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

// Makes calls of events, and knows for it who is in which rooms.
class Calls {
 public:
  explicit Calls(std::vector<Call>& calls) : calls_(calls) {}

  void add(const Fields& fields) {
    const auto& [second, room, event, user, new_user] = fields;
    second_ = std::stod(std::string(second));
    if (event == "join")
      add(Action::connect, user, room);
    else if (event == "message")
      add(Action::touch, user, room);
    else if (event == "leave")
      add(Action::disconnect, user, room);
    else if (event == "rename")
      rename(user, new_user, room);
    else
      throw std::runtime_error("the trace has an unknown event: " + std::string(event));
  }

 private:
  void add(Action action, std::string_view user, std::string_view room) {
    calls_.push_back({second_, action, std::string(user), std::string(room)});
    std::set<std::string>& rooms = rooms_of_[std::string(user)];
    if (action == Action::disconnect)
      rooms.erase(std::string(room));
    else
      rooms.emplace(room);
  }

  void rename(std::string_view user, std::string_view new_user, std::string_view room) {
    std::set<std::string> rooms = std::exchange(rooms_of_[std::string(user)], {});
    rooms.emplace(room);
    calls_.push_back({second_, Action::logout, std::string(user), {}});
    for (const std::string& each : rooms) add(Action::connect, new_user, each);
  }

  std::vector<Call>& calls_;
  std::map<std::string, std::set<std::string>> rooms_of_;
  double second_ = 0;
};

}  // namespace

std::string_view name_of(Action action) {
  constexpr std::array<std::string_view, 4> names = {"connect", "touch", "disconnect", "logout"};
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
  trace.rooms = rooms.size();
  return trace;
}

}  // namespace demo
