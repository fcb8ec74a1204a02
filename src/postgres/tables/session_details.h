// session_details.h: what only the row of a session keeps: device, address, agent.
//
// Until the row is written they wait in shared memory, packed into one text.
#pragma once

#include "core/roster.h"
#include "postgres/boundary.h"

namespace presence {

struct Details {
  std::string_view device, address, agent;
};

// In the current memory context; empty when all of them are.
std::string_view pack_details(const Details& details);
Details unpack_details(std::string_view packed);
// From memory, or from the row.
Details details_of(const SessionView& session);

}  // namespace presence
