// options.cpp: CLI11 and the defaults.
#include "options.h"

#include <CLI/CLI.hpp>

namespace tail {
namespace {

constexpr const char* description =
    "Prints the events of presence channels as they come, none twice, none out of order.\n"
    "A lost connection comes back by itself, and what happened meanwhile is printed then.\n";

constexpr const char* footer =
    "\nThe environment variables of libpq (PGHOST, PGPORT, PGUSER, PGDATABASE, PGSERVICE ...) work "
    "as with psql.\n"
    "NO_COLOR turns the colours of a terminal off.\n"
    "\n"
    "--json prints each event as the server says it. Lines with one key only are no events:\n"
    "  {\"snapshot\": {...}}   with --snapshot: replaces all that was known of its channel\n"
    "  {\"resync\": {...}}     without it: what was missed before this position is not known any "
    "more\n"
    "\n"
    "Exit codes: 0 ended by SIGINT or SIGTERM, 1 the server refuses, 2 no connection, or a wrong "
    "command line.\n"
    "\n"
    "Examples:\n"
    "  presence-tail -d my_database\n"
    "  presence-tail lobby document_7 --snapshot\n"
    "  presence-tail --json --since 8ccd9fa276cc5145:981 | jq -r .user_id";

std::string check_position(const std::string& text) {
  return parse_position(text)
             ? ""
             : "a position is EPOCH:SEQ, as events have them: 8ccd9fa276cc5145:981";
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  constexpr int wrong_command_line = 2;
  CommandLine line;
  Options& options = line.options;
  CLI::App app(description, "presence-tail");
  app.get_formatter()->column_width(26);
  app.footer(footer);
  std::string since;
  app.add_option("CHANNEL", options.channels, "the channels; global_presence if none is named");
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_option("--since", since, "begin after this position, EPOCH:SEQ, and not now")
      ->type_name("EPOCH:SEQ")
      ->check(CLI::Validator(check_position, ""));
  app.add_flag(
      "--snapshot", options.snapshot,
      "print who is there first, and again whenever events were missed for good, or truncated");
  app.add_option("--max-users", options.max_users, "the most users that a snapshot has")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--schema", options.schema, "the schema of the extension")->capture_default_str();
  app.add_option("-d,--dbname,--conninfo", options.database,
                 "the database: its name, a connection string or a URI");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error) == 0 ? 0 : wrong_command_line;
    return line;
  }
  options.since = parse_position(since);
  return line;
}

}  // namespace tail
