// presence.cpp: SQL, and advice where the server's own error has none.
#include "presence.h"

namespace tail {
namespace {

constexpr int max_events = 1000;

}  // namespace

Presence::Presence(const std::string& database, const std::string& schema)
    : connection_(database), prefix_(connection_.quoted(schema) + ".") {
  check_extension(schema);
}

void Presence::check_extension(const std::string& schema) {
  const Result found = connection_.query(
      "SELECT current_database(), n.nspname FROM (SELECT) AS always"
      " LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = 'presence'"
      " LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace");
  if (found.is_null(0, 1)) {
    const std::string name = connection_.quoted(schema);
    throw Refused("the database " + found.text(0, 0) +
                      " has no extension presence\n  A superuser makes it: CREATE SCHEMA " + name +
                      "; CREATE EXTENSION presence SCHEMA " + name,
                  "");
  }
  const std::string schema_found = found.text(0, 1);
  if (schema_found != schema)
    throw Refused(
        "the extension presence is in the schema " + schema_found + ": --schema " + schema_found,
        "");
}

std::string Presence::listen(const std::string& channel) {
  return call("SELECT " + prefix_ + "presence_listen($1)", {channel}).text(0, 0);
}

Snapshot Presence::snapshot(const std::string& channel, int max_users) {
  const Result result = call("SELECT s ->> 'epoch', s ->> 'seq', s FROM " + prefix_ +
                                 "presence_snapshot($1, max_users => $2::integer) AS s",
                             {channel, std::to_string(max_users)});
  if (result.is_null(0, 0))
    throw Refused("a standby tells no events\n  Connect to the primary.", "");
  return {.position = {.epoch = result.text(0, 0), .seq = std::stoll(result.text(0, 1))},
          .text = result.text(0, 2)};
}

Missed Presence::events_after(const std::string& channel, const Position& position) {
  const Result result = call(
      "SELECT answer ->> 'epoch', answer ->> 'seq', (answer ->> 'resync')::boolean, event FROM " +
          prefix_ +
          "presence_events($1, $2, $3::bigint, $4::integer) AS answer"
          " LEFT JOIN LATERAL jsonb_array_elements(answer -> 'events') WITH ORDINALITY AS e(event, "
          "place) ON true"
          " ORDER BY place",
      {channel, position.epoch, std::to_string(position.seq), std::to_string(max_events)});
  Missed missed;
  missed.resync = result.text(0, 2) == "t";
  if (missed.resync) return missed;
  missed.position = {.epoch = result.text(0, 0), .seq = std::stoll(result.text(0, 1))};
  for (int row = 0; row < result.rows(); ++row)
    if (!result.is_null(row, 3)) missed.events.emplace_back(result.text(row, 3));
  missed.has_more = missed.events.size() == max_events;
  return missed;
}

std::optional<int> Presence::worker_process_id() {
  const Result result = call("SELECT worker_pid FROM " + prefix_ + "presence_info()", {});
  if (result.is_null(0, 0)) return std::nullopt;
  return std::stoi(result.text(0, 0));
}

Result Presence::call(const std::string& sql, const std::vector<std::string>& parameters) {
  try {
    return connection_.query(sql, parameters);
  } catch (const Refused& error) {
    if (error.sqlstate == "42883")
      throw Refused(
          error.what() +
              std::string("\n  This extension is too old: ALTER EXTENSION presence UPDATE"),
          error.sqlstate);
    if (error.sqlstate != "42501") throw;
    throw Refused(error.what() +
                      std::string("\n  The owner of the extension lets a role in: SELECT ") +
                      prefix_ + "presence_grant('role', 'service')",
                  error.sqlstate);
  }
}

}  // namespace tail
