// connection.cpp: libpq calls, each failure an exception.
#include "connection.h"

#include <stdexcept>

namespace demo {

Connection::Connection(const std::string& connection_string)
    : connection_(PQconnectdb(connection_string.c_str()), PQfinish) {
  if (PQstatus(get()) != CONNECTION_OK) fail();
}

Result Connection::query(const std::string& sql, const Parameters& parameters) {
  return checked(PQexecParams(get(), sql.c_str(), static_cast<int>(parameters.size()), nullptr,
                              pointers_to(parameters).data(), nullptr, nullptr, 0));
}

void Connection::prepare(const std::string& name, const std::string& sql) {
  checked(PQprepare(get(), name.c_str(), sql.c_str(), 0, nullptr));
}

Result Connection::execute(const std::string& name, const Parameters& parameters) {
  return checked(PQexecPrepared(get(), name.c_str(), static_cast<int>(parameters.size()),
                                pointers_to(parameters).data(), nullptr, nullptr, 0));
}

Result Connection::checked(PGresult* raw) const {
  Result result(raw);
  if (result.status() != PGRES_TUPLES_OK && result.status() != PGRES_COMMAND_OK) fail();
  return result;
}

void Connection::fail() const { throw std::runtime_error(PQerrorMessage(get())); }

std::vector<const char*> pointers_to(const Parameters& parameters) {
  std::vector<const char*> pointers;
  for (const std::string& parameter : parameters) pointers.push_back(parameter.c_str());
  return pointers;
}

}  // namespace demo
