// options.h: what the command line says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "position.h"

namespace tail {

struct Options {
  std::vector<std::string> channels = {"global_presence"};
  std::string
      database;  // a name, a connection string or a URI; empty: what libpq's environment says
  std::string schema = "presence";
  std::optional<Position> since;
  int max_users = 1000;  // of a snapshot
  bool json = false;
  bool snapshot = false;
};

// The exit code instead, when there is nothing to follow: --help or a wrong option. It has been
// printed then.
struct CommandLine {
  Options options;
  std::optional<int> exit_code;
};

CommandLine parse_command_line(int argc, char** argv);

}  // namespace tail
