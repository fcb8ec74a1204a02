// listeners.cpp: fifty listeners in one process, so that a measurement is not one of the scheduler.
// Counts what they hear.
//
//   bench_listeners CONNINFO CHANNEL COUNT
//
// Prints "ready" when all listen, and how many notifications they have heard when standard input
// ends.
#include <libpq-fe.h>
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

PGconn* listen_to(const char* conninfo, const std::string& channel) {
  PGconn* connection = PQconnectdb(conninfo);
  if (PQstatus(connection) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection));
  char* name = PQescapeIdentifier(connection, channel.data(), channel.size());
  PGresult* result = PQexec(connection, ("LISTEN " + std::string(name)).c_str());
  if (PQresultStatus(result) != PGRES_COMMAND_OK)
    throw std::runtime_error(PQerrorMessage(connection));
  PQclear(result);
  PQfreemem(name);
  return connection;
}

long hear(PGconn* connection) {
  if (!PQconsumeInput(connection)) throw std::runtime_error(PQerrorMessage(connection));
  long heard = 0;
  while (PGnotify* notification = PQnotifies(connection)) {
    PQfreemem(notification);
    heard++;
  }
  return heard;
}

void run(const char* conninfo, const char* channel, int count) {
  std::vector<PGconn*> connections;
  std::vector<pollfd> waits{{0, POLLIN, 0}};
  for (int i = 0; i < count; i++) {
    connections.push_back(listen_to(conninfo, channel));
    waits.push_back({PQsocket(connections.back()), POLLIN, 0});
  }
  std::puts("ready");
  std::fflush(stdout);
  long heard = 0;
  while (poll(waits.data(), waits.size(), -1) >= 0 && waits[0].revents == 0)
    for (int i = 0; i < count; i++)
      if (waits[static_cast<std::size_t>(i) + 1].revents != 0)
        heard += hear(connections[static_cast<std::size_t>(i)]);
  std::printf("%ld\n", heard);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_listeners CONNINFO CHANNEL COUNT\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], std::atoi(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_listeners: %s\n", error.what());
    return 1;
  }
}
