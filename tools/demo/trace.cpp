// trace.cpp: reading the gzipped lines.
#include "trace.h"

#include <array>
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

// A join and a message show that somebody is here, a leave that somebody is gone; a rename is
// somebody who goes and comes back under another name.
void add_calls(Trace& trace, const Fields& fields) {
  const auto& [second, room, event, user, new_user] = fields;
  const double at = std::stod(std::string(second));
  const auto add = [&, at, room = std::string(room)](Action action, std::string_view who) {
    trace.calls.push_back({at, action, std::string(who), room});
  };
  if (event == "join" || event == "message") {
    add(Action::touch, user);
  } else if (event == "leave") {
    add(Action::logout, user);
  } else if (event == "rename") {
    add(Action::logout, user);
    add(Action::touch, new_user);
  } else {
    throw std::runtime_error("the trace has an unknown event: " + std::string(event));
  }
}

}  // namespace

Trace read_trace(const std::string& path) {
  const File file(gzopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error("cannot read " + path);

  Trace trace;
  std::array<char, 1024> buffer;
  std::set<std::string> people;
  bool header = true;
  while (gzgets(file.get(), buffer.data(), static_cast<int>(buffer.size())) != nullptr) {
    std::string_view line(buffer.data());
    if (!line.ends_with('\n')) throw std::runtime_error(path + " has an unfinished line");
    line.remove_suffix(1);
    if (!std::exchange(header, false)) {
      const Fields fields = split(line);
      add_calls(trace, fields);
      people.emplace(fields[3]);
      ++trace.events;
    }
  }
  if (!gzeof(file.get()) || trace.calls.empty())
    throw std::runtime_error(path + " is not a whole trace");

  std::set<std::string> users, rooms;
  for (const Call& call : trace.calls) {
    users.insert(call.user);
    rooms.insert(call.room);
  }
  trace.users.assign(users.begin(), users.end());
  trace.people = people.size();
  trace.rooms = rooms.size();
  return trace;
}

}  // namespace demo
