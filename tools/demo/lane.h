// lane.h: one connection that makes calls. It does not wait for answers (libpq's pipeline mode), so
// that a logout, which waits for the disk, does not hold up the calls behind it. The calls of one
// lane happen in the order of sending.
#pragma once

#include <deque>
#include <string>

#include "connection.h"
#include "table.h"
#include "trace.h"

namespace demo {

class Lane {
 public:
  // Each call goes into the log with readings of the server's clock right before and after it.
  Lane(const std::string& connection_string, Table& log);

  void send(const Call& call);
  void receive();  // what has arrived, without waiting

  std::size_t waiting() const { return expected_.size(); }
  std::size_t made() const { return made_; }
  int socket() const { return PQsocket(connection_.get()); }
  bool wants_to_write() const { return unsent_; }

 private:
  // What the next answer is: all of a touch, or one of the two halves of a logout.
  enum class Answer { touch, logout, logout_committed };
  struct Expected {
    const Call* call;
    Answer answer;
  };

  void send_statement(const char* name, const Parameters& parameters, Expected expected);
  void flush();
  void take(const Result& result);
  void log_call(const Call& call, const std::string& before, const std::string& after);

  Connection connection_;
  Table& log_;
  std::deque<Expected> expected_;
  std::string logout_began_;
  std::size_t made_ = 0;
  bool unsent_ = false;
};

}  // namespace demo
