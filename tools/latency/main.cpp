// main.cpp: presence-latency measures how long it takes from a COMMIT to a listener.
//
// It measures a bare NOTIFY, and a change of presence, turn by turn in one run on one server, so
// that what the machine does beside it happens to both. One COMMIT is sent at a time, and its
// notification is waited for; under load, other connections change other users meanwhile.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "../demo/connection.h"

namespace {

using Clock = std::chrono::steady_clock;
using Work = std::vector<std::string>;  // statements before the COMMIT
using Microseconds = std::chrono::duration<double, std::micro>;

struct Options {
  std::string conninfo;
  std::string schema = "presence";
  int commits = 2000;
  int load = 0;
  int pause = 20;  // ms
  bool durable = false;
  bool json = false;
};

Options read_options(int argc, char** argv) {
  CLI::App app{
      "Measures the time from sending a COMMIT to hearing of it on another connection, of a bare "
      "NOTIFY, of an UPDATE with NOTIFY, and of presence_set_status. The server must have the "
      "extension; libpq's environment variables count. Users that are named latency_* come and go "
      "online.",
      "presence-latency"};
  Options options;
  app.add_option("-d,--dbname", options.conninfo, "a connection string of libpq");
  app.add_option("--schema", options.schema, "the schema of the extension")->capture_default_str();
  app.add_option("--commits", options.commits, "of each kind")
      ->check(CLI::Range(10, 1000000))
      ->capture_default_str();
  app.add_flag("--durable", options.durable,
               "let COMMIT wait for the disk; a bare NOTIFY never does, so that is not compared "
               "by default");
  app.add_option("--pause", options.pause,
                 "ms between two commits: more than presence.broadcast_interval is an idle server")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  app.add_option("--load", options.load, "status changes a second of other users meanwhile")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object: of each kind p50, p95, p99 and max in us");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

// ---- one COMMIT ------------------------------------------------------------

// Until a notification whose payload has this in it.
void hear(PGconn* listener, const std::string& wanted) {
  for (;;) {
    while (PGnotify* heard = PQnotifies(listener)) {
      const bool is_it = std::string(heard->extra).find(wanted) != std::string::npos;
      PQfreemem(heard);
      if (is_it) return;
    }
    pollfd waits{PQsocket(listener), POLLIN, 0};
    if (poll(&waits, 1, 10'000) <= 0) throw std::runtime_error("nothing was heard in 10 s");
    if (!PQconsumeInput(listener)) throw std::runtime_error(PQerrorMessage(listener));
  }
}

Microseconds measure(demo::Connection& caller, PGconn* listener, std::chrono::milliseconds pause,
                     const Work& work, const std::string& wanted) {
  std::this_thread::sleep_for(pause);
  caller.query("BEGIN");
  for (const std::string& statement : work) caller.query(statement);
  const auto sent = Clock::now();
  caller.query("COMMIT");
  hear(listener, wanted);
  return Clock::now() - sent;
}

// ---- the load --------------------------------------------------------------

// Other users change their status, evenly, until told to stop. Counts what was done.
void change_others(const Options& options, const std::atomic<bool>& done, std::atomic<int>& count) {
  demo::Connection connection(options.conninfo);
  connection.query("SET search_path = " + options.schema + ", public");
  connection.query("SET synchronous_commit = off");
  const std::chrono::nanoseconds pause{1'000'000'000 / options.load};
  auto next = Clock::now();
  for (int i = 0; !done; i++, count++) {
    const std::string user = "latency_" + std::to_string(i % 500);
    const char* status = i / 500 % 2 == 0 ? "busy" : "online";
    connection.query("SELECT presence_set_status($1, $2)", {user, status});
    next += pause;
    std::this_thread::sleep_until(next);
  }
}

// ---- what comes out ----------------------------------------------------------

struct Kind {
  const char* name;
  std::vector<double> times;  // us, in order

  double at(double part) const {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  }
};

void print_for_people(const std::vector<Kind>& kinds, int commits, double rate) {
  std::printf("from COMMIT to the listener, %d each, %.0f status changes a second beside it\n",
              commits, rate);
  for (const Kind& kind : kinds)
    std::printf("%-22s p50 %7.0f us   p95 %7.0f us   p99 %7.0f us   max %7.0f us   %.2f x\n",
                kind.name, kind.at(0.5), kind.at(0.95), kind.at(0.99), kind.times.back(),
                kind.at(0.5) / kinds.front().at(0.5));
}

void print_as_json(const std::vector<Kind>& kinds, int commits, double rate) {
  nlohmann::ordered_json all{{"commits", commits}, {"changes_per_second", rate}};
  for (const Kind& kind : kinds)
    all[kind.name] = {{"p50", kind.at(0.5)},
                      {"p95", kind.at(0.95)},
                      {"p99", kind.at(0.99)},
                      {"max", kind.times.back()}};
  std::printf("%s\n", all.dump().c_str());
}

void run(const Options& options) {
  demo::Connection caller(options.conninfo);
  demo::Connection listener(options.conninfo);
  for (demo::Connection* connection : {&caller, &listener})
    connection->query("SET search_path = " + options.schema + ", public");
  caller.query("CREATE TABLE latency_row AS SELECT 0 AS n");
  if (!options.durable) caller.query("SET synchronous_commit = off");
  listener.query("LISTEN latency_bare");
  listener.query("SELECT presence_listen()");

  std::atomic<bool> done = false;
  std::atomic<int> changes = 0;
  std::thread others;
  if (options.load > 0) others = std::thread([&] { change_others(options, done, changes); });
  const auto began = Clock::now();

  std::vector<double> bare, update, presence;
  const std::chrono::milliseconds pause{options.pause};
  const bool shows_progress = isatty(STDERR_FILENO);
  for (int i = 0; i < options.commits; i++) {
    const std::string number = std::to_string(i);
    const std::string message = "latency " + number + ".";
    const std::string notify = "NOTIFY latency_bare, '" + message + "'";
    bare.push_back(measure(caller, listener.get(), pause, Work{notify}, message).count());
    update.push_back(measure(caller, listener.get(), pause,
                             Work{"UPDATE latency_row SET n = n + 1", notify}, message)
                         .count());
    const std::string set_status =
        "SELECT presence_set_status('latency_user', 'busy', '" + message + "')";
    presence.push_back(measure(caller, listener.get(), pause, Work{set_status}, message).count());
    if (shows_progress && i % 100 == 99) std::fprintf(stderr, "\r%d of %d", i + 1, options.commits);
  }
  if (shows_progress) std::fprintf(stderr, "\r%20s\r", "");
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  caller.query("DROP TABLE latency_row");
  done = true;
  if (others.joinable()) others.join();
  caller.query(
      "SELECT presence_forget(user_id) FROM user_presence WHERE user_id LIKE 'latency\\_%'");

  std::vector<Kind> kinds{
      {"NOTIFY", bare}, {"UPDATE, NOTIFY", update}, {"presence_set_status", presence}};
  for (Kind& kind : kinds) std::sort(kind.times.begin(), kind.times.end());
  (options.json ? print_as_json : print_for_people)(kinds, options.commits, changes / seconds);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(read_options(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "presence-latency: %s\n", error.what());
    return 1;
  }
}
