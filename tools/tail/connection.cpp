// connection.cpp: libpq's asynchronous calls, waited for with ppoll.
#include "connection.h"

#include <array>

namespace tail {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_timeout = 10s;

std::vector<const char*> pointers_to(const std::vector<std::string>& parameters) {
  std::vector<const char*> pointers;
  pointers.reserve(parameters.size());
  for (const std::string& parameter : parameters) pointers.push_back(parameter.c_str());
  return pointers;
}

// What comes later counts more: what the database says as a connection string wins over our
// defaults. A listener may hear nothing for hours, so only keepalives find out that its server's
// machine is gone.
PGconn* start(const std::string& database) {
  const std::array keywords = {"fallback_application_name",
                               "keepalives_idle",
                               "keepalives_interval",
                               "keepalives_count",
                               "client_encoding",
                               "dbname",
                               static_cast<const char*>(nullptr)};
  const std::array values = {"presence-tail",
                             "30",
                             "10",
                             "3",
                             "UTF8",
                             database.empty() ? nullptr : database.c_str(),
                             static_cast<const char*>(nullptr)};
  constexpr int expand_dbname = 1;
  return PQconnectStartParams(keywords.data(), values.data(), expand_dbname);
}

std::string field(const Result& result, int code) {
  const char* const text = PQresultErrorField(result.get(), code);
  return text ? text : "";
}

// Of these classes is what a server says that stops, starts or has no room just now.
bool is_passing(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("53") || sqlstate.starts_with("57");
}

}  // namespace

Connection::Connection(const std::string& database) : connection_(start(database), PQfinish) {
  if (!connection_) throw std::bad_alloc();
  establish();
}

void Connection::establish() {
  const auto deadline = Clock::now() + connect_timeout;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(get()) == CONNECTION_BAD) fail();
    wait_for(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
    state = PQconnectPoll(get());
  }
  PQsetnonblocking(get(), 1);
}

Result Connection::query(const std::string& sql, const std::vector<std::string>& parameters) {
  if (PQsendQueryParams(get(), sql.c_str(), static_cast<int>(parameters.size()), nullptr,
                        pointers_to(parameters).data(), nullptr, nullptr, 0) != 1)
    fail();
  flush();
  Result result = receive_result();
  while (receive_result().get() != nullptr) continue;
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) refuse(result);
  return result;
}

void Connection::flush() {
  while (true) {
    const int left = PQflush(get());
    if (left < 0) fail();
    if (left == 0) return;
    wait_for(POLLIN | POLLOUT);
    if (PQconsumeInput(get()) != 1) fail();
  }
}

Result Connection::receive_result() {
  while (PQisBusy(get())) {
    wait_for(POLLIN);
    if (PQconsumeInput(get()) != 1) fail();
  }
  return Result(PQgetResult(get()));
}

std::string Connection::quoted(const std::string& name) {
  const std::unique_ptr<char, decltype(&PQfreemem)> text(
      PQescapeIdentifier(get(), name.c_str(), name.size()), PQfreemem);
  if (!text) throw Refused(PQerrorMessage(get()), "");
  return text.get();
}

std::optional<Notification> Connection::next_notification() {
  const std::unique_ptr<PGnotify, decltype(&PQfreemem)> notification(PQnotifies(get()), PQfreemem);
  if (!notification) return std::nullopt;
  return Notification{notification->relname, notification->extra, notification->be_pid};
}

void Connection::wait_for_input() {
  wait_for(POLLIN);
  if (PQconsumeInput(get()) != 1) fail();
}

void Connection::wait_for(short events, std::optional<Clock::time_point> deadline) {
  const int socket = PQsocket(get());
  if (socket < 0) fail();
  if (!tail::wait_for({socket, events, 0}, deadline))
    throw ConnectionLost("the server does not answer");
}

void Connection::fail() const {
  std::string message = PQerrorMessage(get());
  while (message.ends_with('\n')) message.pop_back();
  throw ConnectionLost(message.empty() ? "the connection was lost" : message);
}

void Connection::refuse(const Result& result) const {
  if (PQstatus(get()) == CONNECTION_BAD) fail();
  const std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (is_passing(sqlstate)) throw ConnectionLost(message);
  for (const int code : {PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT}) {
    const std::string more = field(result, code);
    if (!more.empty()) message += "\n  " + more;
  }
  throw Refused(message, sqlstate);
}

}  // namespace tail
