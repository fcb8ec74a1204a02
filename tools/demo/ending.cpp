// ending.cpp: the last readings of the server, as files.
#include "ending.h"

#include "table.h"

namespace demo {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace

void record_ending(Connection& connection, const Trace& trace, const Options& options,
                   const std::string& directory) {
  const auto clock = [&] {
    return connection.query("SELECT extract(epoch FROM clock_timestamp())").text(0, 0);
  };
  const std::string before = clock();
  const Result statuses = connection.query(
      "SELECT person, presence_status(person) FROM unnest(string_to_array($1, E'\\n')) AS person",
      {joined(trace.users)});
  const Result counts = connection.query("SELECT online, away, busy FROM presence_counts()");
  const Result list = connection.query(
      "SELECT count(*) FILTER (WHERE status = 'online'), count(*) FILTER (WHERE status = 'away'), "
      "count(*) FILTER (WHERE status = 'busy') FROM presence_online_users(max_users => $1::int)",
      {std::to_string(trace.users.size() + 1)});
  const std::string after = clock();

  Table status_table(directory + "/statuses.tsv");
  for (int row = 0; row < statuses.rows(); ++row)
    status_table.add({statuses.text(row, 0), statuses.text(row, 1)});
  status_table.flush();

  Table moment(directory + "/moment.tsv");
  moment.add({"before", before});
  moment.add({"after", after});
  moment.add({"idle_ms", std::to_string(idle_timeout_ms(options))});
  moment.add({"offline_ms", std::to_string(offline_timeout_ms(options))});
  for (const auto& [column, status] :
       {std::pair(0, "online"), std::pair(1, "away"), std::pair(2, "busy")}) {
    moment.add({std::string("counted_") + status, counts.text(0, column)});
    moment.add({std::string("listed_") + status, list.text(0, column)});
  }
  moment.flush();
}

}  // namespace demo
