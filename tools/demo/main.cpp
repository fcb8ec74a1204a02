// presence-demo: plays a trace of what real people did against a temporary server, shows what
// presence makes of it, and checks the end against an independent replay. The exit code is 0 when
// they agree. With --into it plays into a server that is there, for a page that shows it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>

#include "burst.h"
#include "connection.h"
#include "ending.h"
#include "feed.h"
#include "listener.h"
#include "options.h"
#include "player.h"
#include "screen.h"
#include "server.h"
#include "signals.h"
#include "summary.h"
#include "table.h"
#include "trace.h"

namespace demo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// presence as it comes, but for the timeouts. The rest keeps everything else from writing WAL, so
// that what the burst counts at the end is what touches write.
std::vector<std::string> settings(const Options& options) {
  return {"shared_preload_libraries = 'presence'",
          "presence.idle_timeout = " + std::to_string(idle_timeout_ms(options)) + "ms",
          "presence.offline_timeout = " + std::to_string(offline_timeout_ms(options)) + "ms",
          "presence.disconnect_grace = " + std::to_string(disconnect_grace_ms(options)) + "ms",
          "presence.typing_timeout = " + std::to_string(typing_timeout_ms(options)) + "ms",
          "presence.flush_interval = 10min",
          "autovacuum = off",
          "checkpoint_timeout = 1h",
          "wal_level = minimal",
          "max_wal_senders = 0"};
}

void create_extension(const std::string& connection_string) {
  Connection connection(connection_string);
  connection.query("CREATE SCHEMA presence");
  connection.query("CREATE EXTENSION presence SCHEMA presence");
}

// Until something arrives on one of the sockets, but not long.
void wait_for_input(std::vector<pollfd>& sockets) {
  constexpr int milliseconds = 5;
  poll(sockets.data(), sockets.size(), milliseconds);
  stop_if_interrupted();
}

// So often it is written down who is in which room.
constexpr int member_moments = 10;

// Returns the seconds that it took.
double play(Player& player, Listener& listener, Screen& screen, Connection& connection,
            const Trace& trace, double speed, MemberTables& members) {
  const auto start = Clock::now();
  std::vector<pollfd> sockets;
  while (true) {
    const double due = std::min(seconds_since(start) * speed, trace.seconds());
    const double second = player.send_until(due);
    player.receive();
    listener.receive();
    const bool done = player.is_done();
    const double next_moment = trace.seconds() * (members.made + 1) / member_moments;
    if (done || (second >= next_moment && members.made < member_moments - 1))
      record_members(connection, trace, second, members);
    if (done || screen.is_due())
      screen.show({seconds_since(start), second, player.made()}, listener);
    if (done) return seconds_since(start);
    sockets.assign({{listener.socket(), POLLIN, 0}});
    player.add_sockets_to(sockets);
    wait_for_input(sockets);
  }
}

// Events come in order: when the listener hears of somebody who comes now, it has heard the rest. A
// change of the last moment may still stand behind it, hence a little more.
void hear_the_rest(Connection& connection, Listener& listener) {
  constexpr auto patience = 15s;
  constexpr auto little_more = 300ms;
  const std::string last = "presence-demo";
  connection.query("SELECT presence_touch($1)", {last});
  const auto start = Clock::now();
  std::optional<Clock::time_point> heard;
  while (!heard || Clock::now() - *heard < little_more) {
    std::vector<pollfd> sockets = {{listener.socket(), POLLIN, 0}};
    wait_for_input(sockets);
    listener.receive();
    if (!heard && listener.has_heard_of(last)) heard = Clock::now();
    if (!heard && Clock::now() - start > patience)
      throw std::runtime_error("the listener hears no more events");
  }
}

bool play_on(const TemporaryServer& server, const Trace& trace, const Options& options,
             const std::string& log) {
  const std::string connection_string = server.connection_string();
  create_extension(connection_string);
  Connection connection(connection_string);
  Table calls(log + "/calls.tsv");
  Table events(log + "/events.tsv");
  MemberTables members(log);
  Listener listener(connection_string, trace.rooms, events);
  Player player(connection_string, options.connections, trace, calls);

  double seconds = 0;
  {
    Screen screen(connection_string, options.plain, trace, options.speed);
    seconds = play(player, listener, screen, connection, trace, options.speed, members);
  }
  record_ending(connection, trace, options, log);
  hear_the_rest(connection, listener);
  calls.flush();
  events.flush();
  members.flush();

  print_replay(trace, seconds);
  print_events(listener);
  bool agrees = compare_with_replay(options, log);
  stop_if_interrupted();
  if (options.burst > 0) agrees &= print_burst(run_burst(connection_string, options.burst));
  return agrees;
}

bool run_demo(const Options& options) {
  const Trace trace = read_trace(options.trace);
  std::optional<TemporaryDirectory> unkept_log;
  if (options.log.empty()) {
    unkept_log.emplace(Account());
  } else {
    std::filesystem::create_directories(options.log);
  }
  const std::string log = unkept_log ? unkept_log->path() : options.log;

  std::printf("Starting a temporary server\n");
  const TemporaryServer server(options.programs, settings(options));
  try {
    return play_on(server, trace, options, log);
  } catch (const std::exception& error) {
    throw std::runtime_error(error.what() + std::string("\nThe end of the server's log:\n") +
                             server.last_words());
  }
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  const demo::CommandLine line = demo::parse_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  demo::catch_signals();
  try {
    if (line.options.into.empty()) return demo::run_demo(line.options) ? 0 : 1;
    demo::feed(line.options);
    return 0;
  } catch (const demo::Interrupted&) {
    std::fputs("presence-demo: interrupted\n", stderr);
    return 130;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "presence-demo: %s\n", error.what());
    return 1;
  }
}
