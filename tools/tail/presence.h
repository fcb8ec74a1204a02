// presence.h: the functions of the extension that a consumer calls.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "connection.h"
#include "event.h"

namespace tail {

// What came after a position, and where to go on.
struct Missed {
  std::vector<Event> events;
  Position position;
  bool resync = false;  // it is not known any more
  bool has_more = false;
};

class Presence {
 public:
  // Throws ConnectionLost, or Refused with what to do when the extension is not there or not for
  // this role.
  Presence(const std::string& database, const std::string& schema);

  std::string listen(const std::string& channel);  // the name that its notifications have
  Snapshot snapshot(const std::string& channel, int max_users);
  Missed events_after(const std::string& channel, const Position& position);
  std::optional<int> worker_process_id();  // nothing while there is none

  Connection& connection() { return connection_; }

 private:
  void check_extension(const std::string& schema);
  Result call(const std::string& sql, const std::vector<std::string>& parameters);

  Connection connection_;
  std::string prefix_;  // of the functions
};

}  // namespace tail
