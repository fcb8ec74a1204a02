// options.h: what the command line says.
#pragma once

#include <optional>
#include <string>

namespace demo {

struct Options {
  double speed = 210;  // 3.5 hours in a minute
  int connections = 4;
  int burst = 20000;
  bool plain = false;
  std::string log;   // empty: not kept
  std::string into;  // a connection string; empty: into a server of our own
  bool loop = false;
  std::string trace = "data/irc-trace.tsv.gz";
  std::string replay = "tools/replay/replay.py";
  std::string programs;  // where initdb and postgres are
};

// The exit code instead, when there is nothing to play: --help or a wrong option. It has been
// printed then.
struct CommandLine {
  Options options;
  std::optional<int> exit_code;
};

CommandLine parse_command_line(int argc, char** argv);

// The product's defaults, 5 and 30 minutes, 10 and 3 seconds, as fast as the trace is played, but
// typing lasts for a quarter of a second at least.
int idle_timeout_ms(const Options& options);
int offline_timeout_ms(const Options& options);
int disconnect_grace_ms(const Options& options);
int typing_timeout_ms(const Options& options);

}  // namespace demo
