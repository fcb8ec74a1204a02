// feed.cpp: names first, then round after round.
#include "feed.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "connection.h"
#include "names.h"
#include "player.h"
#include "signals.h"
#include "table.h"
#include "text.h"
#include "trace.h"
#include "visible.h"

namespace demo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Of life, not of the trace: long enough to be seen.
constexpr double typing_seconds = 2.5;

// As somebody who was there before and is offline: no events. Whoever connects later without
// user_data has this.
void introduce(Connection& connection, const std::vector<std::string>& users) {
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& user : users) {
    rows.push_back({{"user_id", user},
                    {"status", "offline"},
                    {"user_data", {{"name", name_of_person(user)}}}});
  }
  connection.query("SELECT presence_import($1)", {rows.dump()});
}

// One line that says how it goes: on a terminal always the same, else a new one now and then.
class ProgressLine {
 public:
  explicit ProgressLine(const Trace& trace) : trace_(trace) {}
  ~ProgressLine() {
    if (terminal_) std::fputs("\n", stdout);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool is_due() const { return Clock::now() >= next_; }

  void show(Connection& connection, double second, std::size_t calls) {
    const Result counts =
        connection.query("SELECT online, away, busy, total FROM presence_counts()");
    std::printf("%s%s of %s  %s here: %s online, %s away, %s busy  %s calls%s",
                terminal_ ? "\r" : "", clock_time(second).c_str(),
                clock_time(trace_.seconds()).c_str(), counts.text(0, 3).c_str(),
                counts.text(0, 0).c_str(), counts.text(0, 1).c_str(), counts.text(0, 2).c_str(),
                grouped(static_cast<double>(calls)).c_str(), terminal_ ? "\033[K" : "\n");
    std::fflush(stdout);
    next_ = Clock::now() + (terminal_ ? 500ms : 10s);
  }

 private:
  const Trace& trace_;
  const bool terminal_ = isatty(STDOUT_FILENO) == 1;
  Clock::time_point next_ = Clock::now();
};

void wait_for_input(const Player& player) {
  constexpr int milliseconds = 20;
  std::vector<pollfd> sockets;
  player.add_sockets_to(sockets);
  poll(sockets.data(), sockets.size(), milliseconds);
  stop_if_interrupted();
}

void play_once(Player& player, const Trace& trace, double speed, Connection& connection,
               ProgressLine& line) {
  const auto start = Clock::now();
  while (!player.is_done()) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    const double second = player.send_until(std::min(elapsed * speed, trace.seconds()));
    player.receive();
    if (line.is_due()) line.show(connection, second, player.made());
    wait_for_input(player);
  }
}

}  // namespace

void feed(const Options& options) {
  const Trace trace = make_visible(read_trace(options.trace), typing_seconds * options.speed);
  Connection connection(options.into);
  introduce(connection, trace.users);
  Table unread_log("/dev/null");
  ProgressLine line(trace);
  do {
    Player player(options.into, options.connections, trace, unread_log);
    play_once(player, trace, options.speed, connection, line);
  } while (options.loop);
}

}  // namespace demo
