// connection.h: libpq with owners and exceptions.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

namespace demo {

class Result {
 public:
  explicit Result(PGresult* result) : result_(result, PQclear) {}

  ExecStatusType status() const { return PQresultStatus(result_.get()); }
  std::string error() const { return PQresultErrorMessage(result_.get()); }
  int rows() const { return PQntuples(result_.get()); }
  int columns() const { return PQnfields(result_.get()); }
  std::string text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }
  std::string_view view(int row, int column) const {
    return PQgetvalue(result_.get(), row, column);
  }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column); }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

using Parameters = std::vector<std::string>;

class Connection {
 public:
  explicit Connection(const std::string& connection_string);

  // Each waits for the answer and throws when it is an error. Parameters go as untyped text, as
  // drivers send them.
  Result query(const std::string& sql, const Parameters& parameters = {});
  void prepare(const std::string& name, const std::string& sql);
  Result execute(const std::string& name, const Parameters& parameters);

  PGconn* get() const { return connection_.get(); }
  [[noreturn]] void fail() const;

 private:
  Result checked(PGresult* result) const;

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

// The parameters as libpq takes them; they must outlive the result.
std::vector<const char*> pointers_to(const Parameters& parameters);

}  // namespace demo
