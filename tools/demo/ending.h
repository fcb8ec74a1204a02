// ending.h: writes down what the server says at the end, for the independent replay to compare.
#pragma once

#include <string>

#include "connection.h"
#include "options.h"
#include "trace.h"

namespace demo {

// Asks for everybody's status and sessions, the counts, the online list and the table of sessions
// between two readings of the server's clock. Writes statuses.tsv, sessions.tsv, rows.tsv and
// moment.tsv into the directory.
void record_ending(Connection& connection, const Trace& trace, const Options& options,
                   const std::string& directory);

}  // namespace demo
