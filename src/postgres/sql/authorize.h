// authorize.h: presence.authorize_function, the application's own word on who may do what where.
#pragma once

#include "postgres/boundary.h"

namespace presence {

// Asks it, with the caller's rights. Raises 42501 when it says no, P0002 when it says NULL (there
// is no such channel), and whatever it raises itself. Without the setting everything is allowed.
void authorize(std::string_view user_id, std::string_view channel_id, const char* action);

}  // namespace presence
