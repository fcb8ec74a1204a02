// connection.h: libpq with owners and exceptions. It never blocks where a signal could not end the
// waiting.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "signals.h"

namespace tail {

// There is no connection, or none any more: it is worth trying again.
struct ConnectionLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The server says no, and will say so again.
struct Refused : std::runtime_error {
  Refused(const std::string& message, std::string sqlstate)
      : std::runtime_error(message), sqlstate(std::move(sqlstate)) {}
  std::string sqlstate;
};

class Result {
 public:
  explicit Result(PGresult* result) : result_(result, PQclear) {}

  PGresult* get() const { return result_.get(); }
  int rows() const { return PQntuples(get()); }
  std::string text(int row, int column) const { return PQgetvalue(get(), row, column); }
  bool is_null(int row, int column) const { return PQgetisnull(get(), row, column); }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

struct Notification {
  std::string channel;  // the name that was listened to
  std::string payload;
  int process_id = 0;  // who notified
};

class Connection {
 public:
  // The database as -d takes it. Throws ConnectionLost.
  explicit Connection(const std::string& database);

  // Waits for the answer. Parameters go as untyped text, as drivers send them. Throws
  // ConnectionLost or Refused.
  Result query(const std::string& sql, const std::vector<std::string>& parameters = {});
  // As a name of SQL is written.
  std::string quoted(const std::string& name);

  // The notifications in the order in which they came; nothing when none has arrived. Throws
  // ConnectionLost.
  std::optional<Notification> next_notification();
  void wait_for_input();

 private:
  PGconn* get() const { return connection_.get(); }
  void establish();
  Result receive_result();
  void flush();
  void wait_for(short events, std::optional<Clock::time_point> deadline = {});
  [[noreturn]] void fail() const;
  [[noreturn]] void refuse(const Result& result) const;

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

}  // namespace tail
