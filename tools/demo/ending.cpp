// ending.cpp: the last readings of the server, as files.
#include "ending.h"

#include <string_view>
#include <vector>

#include "table.h"
#include "text.h"

namespace demo {
namespace {

void write(const std::string& path, const Result& result) {
  Table table(path);
  for (int row = 0; row < result.rows(); ++row) {
    std::vector<std::string_view> fields;
    for (int column = 0; column < result.columns(); ++column)
      fields.push_back(result.view(row, column));
    table.add(fields);
  }
  table.flush();
}

std::string clock_of(Connection& connection) {
  return connection.query("SELECT extract(epoch FROM clock_timestamp())").text(0, 0);
}

}  // namespace

void record_members(Connection& connection, const Trace& trace, double second,
                    MemberTables& tables) {
  const Parameters rooms = {joined(trace.rooms)};
  const std::string before = clock_of(connection);
  const Result members = connection.query(
      "SELECT room, user_id, status "
      "FROM unnest(string_to_array($1, E'\\n')) AS room, presence_members(room, 1000000)",
      rooms);
  const Result counts = connection.query(
      "SELECT room, presence_member_count(room) FROM unnest(string_to_array($1, E'\\n')) AS room",
      rooms);
  const std::string after = clock_of(connection);

  const std::string moment = std::to_string(tables.made++);
  tables.moments.add({before, after, one_decimal(second)});
  for (int row = 0; row < members.rows(); ++row)
    tables.members.add({moment, members.view(row, 0), members.view(row, 1), members.view(row, 2)});
  for (int row = 0; row < counts.rows(); ++row)
    tables.counts.add({moment, counts.view(row, 0), counts.view(row, 1)});
}

void record_ending(Connection& connection, const Trace& trace, const Options& options,
                   const std::string& directory) {
  const Parameters everybody = {joined(trace.users)};
  const std::string before = clock_of(connection);
  const Result statuses = connection.query(
      "SELECT user_id, status, session_count "
      "FROM presence_get_many(string_to_array($1, E'\\n'))",
      everybody);
  const Result sessions = connection.query(
      "SELECT person, session_id, status "
      "FROM unnest(string_to_array($1, E'\\n')) AS person, presence_sessions(person)",
      everybody);
  const Result session_rows =
      connection.query("SELECT user_id, session_id FROM presence.presence_sessions");
  const Result member_rows = connection.query("SELECT user_id, channel_id FROM channel_presence");
  const Result channels = connection.query(
      "SELECT person, channel "
      "FROM unnest(string_to_array($1, E'\\n')) AS person, presence_channels(person) AS channel",
      everybody);
  const Result counts = connection.query("SELECT online, away, busy FROM presence_counts()");
  const Result list = connection.query(
      "SELECT count(*) FILTER (WHERE status = 'online'), count(*) FILTER (WHERE status = 'away'), "
      "count(*) FILTER (WHERE status = 'busy') FROM presence_online_users(max_users => $1::int)",
      {std::to_string(trace.users.size() + 1)});
  const std::string after = clock_of(connection);

  write(directory + "/statuses.tsv", statuses);
  write(directory + "/sessions.tsv", sessions);
  write(directory + "/rows.tsv", session_rows);
  write(directory + "/member_rows.tsv", member_rows);
  write(directory + "/channels.tsv", channels);

  Table moment(directory + "/moment.tsv");
  moment.add({"before", before});
  moment.add({"after", after});
  moment.add({"idle_ms", std::to_string(idle_timeout_ms(options))});
  moment.add({"offline_ms", std::to_string(offline_timeout_ms(options))});
  moment.add({"grace_ms", std::to_string(disconnect_grace_ms(options))});
  moment.add({"typing_ms", std::to_string(typing_timeout_ms(options))});
  for (const auto& [column, status] :
       {std::pair(0, "online"), std::pair(1, "away"), std::pair(2, "busy")}) {
    moment.add({std::string("counted_") + status, counts.text(0, column)});
    moment.add({std::string("listed_") + status, list.text(0, column)});
  }
  moment.flush();
}

}  // namespace demo
