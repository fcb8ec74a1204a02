// probe.cpp: how long it takes from a COMMIT to a listener, window by window, for as long as a
// soak lasts. presence-latency compares kinds of commits and tells at its end; this one watches
// one kind over time.
//
//   bench_probe CONNINFO WINDOWS SECONDS
//
// Sets a status every 20 ms and waits until another connection hears of it. Prints a line for each
// window of so many seconds: how many were measured, and p50, p99 and the longest in ms.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::milliseconds pause{20};
constexpr int give_up_ms = 60'000;

PGconn* connect(const char* conninfo) {
  PGconn* connection = PQconnectdb(conninfo);
  if (PQstatus(connection) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection));
  return connection;
}

void query(PGconn* connection, const std::string& sql) {
  PGresult* result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection));
}

void hear(PGconn* listener, std::string_view wanted) {
  for (;;) {
    bool is_heard = false;
    while (PGnotify* heard = PQnotifies(listener)) {
      is_heard |= std::string_view(heard->extra).find(wanted) != std::string_view::npos;
      PQfreemem(heard);
    }
    if (is_heard) return;
    pollfd waits{PQsocket(listener), POLLIN, 0};
    if (poll(&waits, 1, give_up_ms) <= 0) throw std::runtime_error("nothing is heard any more");
    if (!PQconsumeInput(listener)) throw std::runtime_error(PQerrorMessage(listener));
  }
}

double measure(PGconn* caller, PGconn* listener, long number) {
  const std::string message = "probe " + std::to_string(number) + ".";
  query(caller, "BEGIN");
  query(caller, "SELECT presence_set_status('probe', 'busy', '" + message + "')");
  const auto sent = Clock::now();
  query(caller, "COMMIT");
  hear(listener, message);
  return Milliseconds(Clock::now() - sent).count();
}

void print(std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf("%zu %.3f %.3f %.3f\n", times.size(), at(0.5), at(0.99), times.back());
  std::fflush(stdout);
}

void run(const char* conninfo, int windows, double seconds) {
  PGconn* caller = connect(conninfo);
  PGconn* listener = connect(conninfo);
  query(caller, "SET synchronous_commit = off");  // It is presence that is watched, not the disk.
  query(listener, "SELECT presence_listen()");
  const Milliseconds window{1000 * seconds};
  const auto began = Clock::now();
  long number = 0;
  for (int i = 1; i <= windows; i++) {
    std::vector<double> times;
    do {
      std::this_thread::sleep_for(pause);
      times.push_back(measure(caller, listener, number++));
    } while (Clock::now() - began < i * window);
    print(times);
  }
  PQfinish(caller);
  PQfinish(listener);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_probe CONNINFO WINDOWS SECONDS\n");
    return 2;
  }
  try {
    run(argv[1], std::atoi(argv[2]), std::atof(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_probe: %s\n", error.what());
    return 1;
  }
}
