// ending.h: writes down what the server says at some moments and at the end, for the independent
// replay to compare.
#pragma once

#include <string>

#include "connection.h"
#include "options.h"
#include "table.h"
#include "trace.h"

namespace demo {

// Asks who is in which room between two readings of the server's clock, and adds that to the
// tables: moments (before, after, second of the trace), members (moment, room, user, status),
// counts (moment, room, presence_member_count).
struct MemberTables {
  explicit MemberTables(const std::string& directory)
      : moments(directory + "/moments.tsv"),
        members(directory + "/members.tsv"),
        counts(directory + "/member_counts.tsv") {}

  void flush() {
    for (Table* table : {&moments, &members, &counts}) table->flush();
  }

  Table moments, members, counts;
  int made = 0;
};
void record_members(Connection& connection, const Trace& trace, double second,
                    MemberTables& tables);

// Asks for everybody's status and sessions, the counts, the online list and the tables of sessions
// and members between two readings of the server's clock. Writes statuses.tsv, sessions.tsv,
// rows.tsv, member_rows.tsv and moment.tsv into the directory.
void record_ending(Connection& connection, const Trace& trace, const Options& options,
                   const std::string& directory);

}  // namespace demo
