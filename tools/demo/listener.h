// listener.h: a listener as any application would write it: LISTEN on one connection, and JSON in
// the notifications.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "connection.h"
#include "table.h"

namespace demo {

struct Event {
  std::string channel;
  std::string kind;
  std::string user;
  std::string previous;
  std::string status;
  std::string reason;
  std::string timestamp;
  int64_t seq = 0;
  int64_t prev = 0;

  bool is_global() const { return channel == "global_presence"; }
};

class Listener {
 public:
  // It listens to global_presence and to the rooms.
  Listener(const std::string& connection_string, const std::vector<std::string>& rooms, Table& log);

  void receive();  // what has arrived, without waiting
  int socket() const { return PQsocket(connection_.get()); }

  std::size_t heard() const { return heard_; }
  bool has_heard_of(const std::string& user) const { return users_.contains(user); }
  // The newest first. What is told in each room of a user is there once.
  const std::deque<Event>& recent() const { return recent_; }

  // How often, by kind and reason; in a room or not.
  using Counts = std::map<std::pair<std::string, std::string>, std::size_t>;
  const Counts& counts() const { return counts_; }

 private:
  void take(std::string_view payload);

  Connection connection_;
  Table& log_;
  std::size_t heard_ = 0;
  std::unordered_set<std::string> users_;
  std::deque<Event> recent_;
  Counts counts_;
};

}  // namespace demo
