// lane.h: one connection that makes calls. It does not wait for answers (libpq's pipeline mode), so
// that a call does not hold up those behind it. The calls of one lane happen in the order of
// sending.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

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
  // What the next answer is: all of a call that is immediate, or one of the two halves of one that
  // happens at COMMIT.
  enum class Answer { whole, began, committed };
  struct Expected {
    const Call* call;
    Answer answer;
  };

  void send_statement(std::string_view name, const Parameters& parameters, Expected expected);
  void flush();
  void take(Result result);
  void log_call(const Call& call, const Result& began, const std::string& after);

  Connection connection_;
  Table& log_;
  std::deque<Expected> expected_;
  std::optional<Result> began_;
  std::size_t made_ = 0;
  bool unsent_ = false;
};

}  // namespace demo
