// options.cpp: CLI11 and the defaults.
#include "options.h"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>

namespace demo {
namespace {

constexpr double idle_minutes = 5;
constexpr double offline_minutes = 30;
constexpr double grace_minutes = 1.0 / 6;
constexpr double typing_minutes = 0.05;
// Shorter typing may begin and end before the worker looks.
constexpr int shortest_typing_ms = 250;

int scaled_ms(double minutes, double speed) {
  return static_cast<int>(std::lround(minutes * 60 * 1000 / speed));
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  Options& options = line.options;
  CLI::App app(
      "Plays what real people did in 27 chat rooms against a temporary PostgreSQL server with "
      "presence,\n"
      "shows who is online and what a listener hears, and checks the end against an independent "
      "replay.");
  app.get_formatter()->column_width(26);
  // At 3000 the idle timeout is 100 ms, the least that presence takes.
  app.add_option("--speed", options.speed, "how much faster than life; the timeouts go along")
      ->check(CLI::Range(1.0, 3000.0))
      ->capture_default_str();
  app.add_option("--connections", options.connections, "connections that make the calls")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  app.add_option("--burst", options.burst, "touches of the closing burst; 0: no burst")
      ->check(CLI::Range(0, 10'000'000))
      ->capture_default_str();
  app.add_flag("--plain", options.plain, "progress lines instead of the screen");
  app.add_option("--log", options.log,
                 "keep the log of calls, events, statuses, sessions and members in this directory");
  app.add_option("--trace", options.trace, "the trace")
      ->check(CLI::ExistingFile)
      ->capture_default_str();
  app.add_option("--replay", options.replay, "the independent replay")
      ->check(CLI::ExistingFile)
      ->capture_default_str();
  CLI::Option* programs =
      app.add_option("--programs", options.programs,
                     "the directory of initdb and postgres, with presence installed")
          ->check(CLI::ExistingDirectory);
  CLI::Option* into =
      app.add_option("--into", options.into,
                     "play into the server of this connection string instead; nothing is compared")
          ->excludes(programs);
  app.add_flag("--loop", options.loop, "begin again at the end of the trace")->needs(into);
  try {
    app.parse(argc, argv);
    if (programs->empty() && into->empty()) throw CLI::RequiredError("--programs or --into");
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error);
  }
  return line;
}

int idle_timeout_ms(const Options& options) { return scaled_ms(idle_minutes, options.speed); }
int offline_timeout_ms(const Options& options) { return scaled_ms(offline_minutes, options.speed); }
int disconnect_grace_ms(const Options& options) { return scaled_ms(grace_minutes, options.speed); }
int typing_timeout_ms(const Options& options) {
  return std::max(shortest_typing_ms, scaled_ms(typing_minutes, options.speed));
}

}  // namespace demo
