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

#include "connection.h"
#include "table.h"

namespace demo {

struct Event {
  std::string kind;
  std::string user;
  std::string previous;
  std::string status;
  std::string reason;
  std::string timestamp;
  int64_t seq = 0;
  int64_t prev = 0;
};

class Listener {
 public:
  Listener(const std::string& connection_string, Table& log);

  void receive();  // what has arrived, without waiting
  int socket() const { return PQsocket(connection_.get()); }

  std::size_t heard() const { return heard_; }
  bool has_heard_of(const std::string& user) const { return users_.contains(user); }
  const std::deque<Event>& recent() const { return recent_; }  // newest first

  // How often, by kind and reason.
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
