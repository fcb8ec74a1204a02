// options.h: the command line of presence-latency.
#pragma once

#include <string>
#include <vector>

namespace latency {

struct Options {
  std::string conninfo;
  std::string schema = "presence";
  std::vector<std::string> kinds;
  int commits = 1000;
  int interval = 20;  // ms
  int load = 0;
  int load_connections = 8;
  bool is_async = false;
  bool json = false;
};

// Exits after --help, and when something is wrong.
Options read_options(int argc, char** argv);

}  // namespace latency
