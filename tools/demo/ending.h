// ending.h: writes down what the server says at the end, for the independent replay to compare.
#pragma once

#include <string>

#include "connection.h"
#include "options.h"
#include "trace.h"

namespace demo {

// Asks for everybody's status, the counts and the online list between two readings of the server's
// clock. Writes statuses.tsv and moment.tsv into the directory.
void record_ending(Connection& connection, const Trace& trace, const Options& options,
                   const std::string& directory);

}  // namespace demo
