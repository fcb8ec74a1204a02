// burst.h: what one touch costs, measured when nothing else happens on the server.
#pragma once

#include <cstdint>
#include <string>

namespace demo {

struct Burst {
  int touches;
  int users;
  double touches_per_second;
  double bare_per_second;  // the same number of SELECT $1, for comparison
  int64_t wal_bytes;
};

// Empties presence first. All touches go one after another over one connection, each waiting for
// its answer.
Burst run_burst(const std::string& connection_string, int touches);

}  // namespace demo
