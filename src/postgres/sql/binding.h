// binding.h: sessions that end with this database connection.
#pragma once

#include "core/index.h"
#include "postgres/boundary.h"

namespace presence {

// Takes the session down. Returns this connection's number, which the session keeps: whoever binds
// it later has it.
uint32_t bind_session(const SessionKey& key);

}  // namespace presence
