// main.cpp: presence-latency measures how long it takes from a COMMIT to a listener.
//
// Three sorts of processes, each with its own connection: the caller, which is this one, the
// listener and the load. The caller notes the time before each COMMIT, the listener notes when it
// hears of it. The kinds of COMMIT take turns in one run on one server, so that what the machine
// does beside it happens to all.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "../demo/connection.h"
#include "caller.h"
#include "kinds.h"
#include "listener.h"
#include "load.h"
#include "options.h"
#include "report.h"

namespace {

using namespace latency;

constexpr double least_load = 0.95;  // of what is asked for

std::vector<std::string> session_settings(const Options& options) {
  std::vector<std::string> settings{"SET search_path = " + options.schema + ", public",
                                    "SET client_min_messages = warning"};
  if (options.is_async) settings.emplace_back("SET synchronous_commit = off");
  return settings;
}

std::vector<std::string> listening(std::vector<std::string> settings) {
  settings.emplace_back("LISTEN latency_bare");
  settings.emplace_back("SELECT presence_listen()");
  return settings;
}

std::vector<Kind> chosen_kinds(const Options& options) {
  std::vector<Kind> kinds;
  for (const Kind& kind : all_kinds)
    if (std::ranges::count(options.kinds, std::string(kind.name)) > 0) kinds.push_back(kind);
  return kinds;
}

std::vector<Times> by_kind(const std::vector<double>& times, const std::vector<Kind>& kinds) {
  std::vector<Times> of_kinds;
  for (const Kind& kind : kinds) of_kinds.push_back({kind.name, {}});
  for (std::size_t i = 0; i < times.size(); i++)
    of_kinds[i % kinds.size()].times.push_back(times[i]);
  for (Times& kind : of_kinds) std::ranges::sort(kind.times);
  return of_kinds;
}

void prepare(demo::Connection& caller) {
  caller.query("DROP TABLE IF EXISTS latency_row");
  caller.query("CREATE TABLE latency_row AS SELECT 0 AS n");
  // So that they are known, as most users of an application are.
  caller.query(
      "SELECT presence_set_status('latency_caller_' || i, 'busy') FROM generate_series(0, $1 - 1) "
      "AS i",
      {std::to_string(callers)});
}

void tidy_up(demo::Connection& caller) {
  caller.query("DROP TABLE latency_row");
  caller.query(
      "SELECT presence_forget(user_id) FROM user_presence WHERE user_id LIKE 'latency\\_%'");
}

void check_load(const Measured& measured) {
  if (measured.reached < least_load * measured.asked)
    throw std::runtime_error("the load reached " + std::to_string(std::lround(measured.reached)) +
                             " of " + std::to_string(measured.asked) +
                             " status changes a second: these are the times of a lighter load");
}

void run(const Options& options) {
  const std::vector<std::string> settings = session_settings(options);
  const std::vector<Kind> kinds = chosen_kinds(options);
  const Listener listener(options.conninfo, listening(settings), marker);
  Load load(options.conninfo, settings, options.load, options.load_connections);
  demo::Connection caller(options.conninfo);
  for (const std::string& setting : settings) caller.query(setting);
  prepare(caller);
  load.wait_until_running();

  const auto began = Clock::now();
  const long changes_before = load.changes();
  const Schedule schedule{options.commits, std::chrono::milliseconds(options.interval)};
  const std::vector<double> times = measure(caller, listener, kinds, schedule);
  const double changes = static_cast<double>(load.changes() - changes_before);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  load.finish();
  tidy_up(caller);

  const Measured measured{options.commits, options.load, changes / seconds, by_kind(times, kinds)};
  (options.json ? print_as_json : print_for_people)(measured);
  check_load(measured);
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
