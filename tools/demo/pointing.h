// pointing.h: where in a document the people of the trace are.
#pragma once

#include <string>

#include "trace.h"

namespace demo {

// A cursor_position as the page has it: {"block": 3, "offset": 117}, the paragraph and the letter
// in it. A person stays in its paragraph and goes to another letter with each call.
std::string place_of(const Call& call);

}  // namespace demo
