// burst.cpp: the touches, in turns with a plain SELECT.
#include "burst.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "connection.h"
#include "signals.h"

namespace demo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t users = 100;
constexpr int most_in_a_turn = 500;

// The parameters of a touch of each: a user and a session.
std::vector<Parameters> make_people() {
  std::vector<Parameters> people;
  for (std::size_t i = 0; i < users; ++i) {
    const std::string user = "burst-" + std::to_string(i);
    people.push_back({user, user + "@room"});
  }
  return people;
}

int64_t wal_position(Connection& connection) {
  return std::stoll(connection.query("SELECT pg_current_wal_insert_lsn() - '0/0'").text(0, 0));
}

// The seconds that `count` executions take, each for the next of the people.
double seconds_of(Connection& connection, const std::string& statement,
                  const std::vector<Parameters>& people, int count) {
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    stop_if_interrupted();
    connection.execute(statement, people[static_cast<std::size_t>(i) % people.size()]);
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The coming online of these people is a change, which the worker writes into the tables: the burst
// begins when that is done. Touched all the while, so that nobody goes idle.
void keep_online_until_quiet(Connection& connection, const std::vector<Parameters>& people) {
  constexpr int quiet_enough = 10;
  const auto patience = Clock::now() + 10s;
  int64_t position = 0;
  for (int quiet = 0; quiet < quiet_enough;) {
    stop_if_interrupted();
    for (const Parameters& person : people) connection.execute("touch", person);
    std::this_thread::sleep_for(50ms);
    const int64_t now = wal_position(connection);
    quiet = now == position ? quiet + 1 : 0;
    position = now;
    if (Clock::now() > patience) return;  // the count will show it
  }
}

// It moves when somebody's status changes.
std::string position_of_events(Connection& connection) {
  return connection.query("SELECT seq FROM presence_info()").text(0, 0);
}

Burst touch_in_turns(Connection& connection, const std::vector<Parameters>& people, int touches) {
  const int64_t before = wal_position(connection);
  // In turns, so that both meet the same machine.
  double bare_seconds = 0, touch_seconds = 0;
  for (int done = 0, turn = 0; done < touches; done += turn) {
    turn = std::min(touches - done, most_in_a_turn);
    touch_seconds += seconds_of(connection, "touch", people, turn);
    bare_seconds += seconds_of(connection, "bare", people, turn);
  }
  return {.touches = touches,
          .users = static_cast<int>(people.size()),
          .touches_per_second = touches / touch_seconds,
          .bare_per_second = touches / bare_seconds,
          .wal_bytes = wal_position(connection) - before};
}

}  // namespace

Burst run_burst(const std::string& connection_string, int touches) {
  Connection connection(connection_string);
  connection.prepare("bare", "SELECT $1::text, $2::text");
  connection.prepare("touch", "SELECT presence_touch($1, session_id => $2)");
  connection.query("SELECT presence_reset()");
  const std::vector<Parameters> people = make_people();

  // On a machine that stands still for longer than the scaled timeouts people go idle in between,
  // and that is written. Then it says nothing about touches, and is done again.
  constexpr int most_tries = 3;
  for (int tries = 1;; ++tries) {
    keep_online_until_quiet(connection, people);
    const std::string seq = position_of_events(connection);
    const Burst burst = touch_in_turns(connection, people, touches);
    if (tries == most_tries || position_of_events(connection) == seq) return burst;
  }
}

}  // namespace demo
