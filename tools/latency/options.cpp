// options.cpp: what the command line means.
#include "options.h"

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "kinds.h"

namespace latency {

Options read_options(int argc, char** argv) {
  CLI::App app{
      "Measures the time from sending a COMMIT to hearing of it in another process: of a bare "
      "NOTIFY, of an UPDATE with NOTIFY, and of presence_set_status. The server must have the "
      "extension; libpq's environment variables count. Users that are named latency_* come and go "
      "online. Fails when the load does not reach 95 % of its rate.",
      "presence-latency"};
  Options options;
  for (const Kind& kind : all_kinds) options.kinds.emplace_back(kind.name);
  app.add_option("-d,--dbname", options.conninfo, "a connection string of libpq");
  app.add_option("--schema", options.schema, "the schema of the extension")->capture_default_str();
  app.add_option("--kind", options.kinds, "measure this one; can be given several times")
      ->check(CLI::IsMember(options.kinds));
  app.add_option("--commits", options.commits, "of each kind")
      ->check(CLI::Range(10, 1000000))
      ->capture_default_str();
  app.add_option("--interval", options.interval,
                 "ms from one COMMIT to the next, in the mean: a server is idle between them when "
                 "it is more than twice presence.broadcast_interval")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--load", options.load, "status changes a second of other users meanwhile")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  app.add_option("--load-connections", options.load_connections, "that make these changes")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag("--async-commit", options.is_async,
               "no COMMIT waits for the disk (synchronous_commit off), of the load neither; "
               "otherwise it is as the server has it. A bare NOTIFY never waits");
  app.add_flag("--json", options.json, "one JSON object: of each kind p50, p95, p99 and max in us");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

}  // namespace latency
