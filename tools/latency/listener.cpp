// listener.cpp: the process that listens, and the pipe through which it tells.
#include "listener.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <poll.h>
#include <unistd.h>

#include "../demo/connection.h"

namespace latency {
namespace {

constexpr std::int64_t listens = -1;  // instead of a number, once
constexpr std::chrono::seconds start_timeout{10};

std::optional<std::int64_t> number_in(std::string_view payload, std::string_view marker) {
  const std::size_t at = payload.find(marker);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* digits = payload.data() + at + marker.size();
  const auto parsed = std::from_chars(digits, payload.data() + payload.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

void tell_what_is_heard(PGconn* connection, const std::string& marker, const Pipe& pipe) {
  for (;;) {
    while (PGnotify* notification = PQnotifies(connection)) {
      const Clock::time_point now = Clock::now();
      if (const auto number = number_in(notification->extra, marker)) pipe.write({*number, now});
      PQfreemem(notification);
    }
    pollfd waits{PQsocket(connection), POLLIN, 0};
    poll(&waits, 1, -1);
    if (!PQconsumeInput(connection)) throw std::runtime_error(PQerrorMessage(connection));
  }
}

}  // namespace

Pipe::Pipe() {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  reader_ = ends[0];
  writer_ = ends[1];
}

Pipe::~Pipe() {
  close(reader_);
  close_writer();
}

void Pipe::close_writer() {
  if (writer_ >= 0) close(writer_);
  writer_ = -1;
}

// Less than PIPE_BUF is written, and here so read, as one piece.
void Pipe::write(const Heard& heard) const {
  if (::write(writer_, &heard, sizeof heard) != sizeof heard)
    throw std::runtime_error("nobody wants to know what is heard");
}

std::optional<Heard> Pipe::read(Clock::time_point deadline) const {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  pollfd waits{reader_, POLLIN, 0};
  if (poll(&waits, 1, static_cast<int>(std::max(left, milliseconds{0}).count())) <= 0)
    return std::nullopt;
  Heard heard;
  if (::read(reader_, &heard, sizeof heard) != sizeof heard)
    throw std::runtime_error("the listener has ended");
  return heard;
}

Listener::Listener(const std::string& conninfo, const std::vector<std::string>& statements,
                   const std::string& marker)
    : process_([&] {
        demo::Connection connection(conninfo);
        for (const std::string& statement : statements) connection.query(statement);
        pipe_.write({listens, Clock::now()});
        tell_what_is_heard(connection.get(), marker, pipe_);
      }) {
  pipe_.close_writer();  // So that its end is seen.
  if (!pipe_.read(Clock::now() + start_timeout))
    throw std::runtime_error("the listener does not listen");
}

}  // namespace latency
