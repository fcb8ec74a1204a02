// visible.h: a trace has moments, and people look at durations: what is added to one that is played
// for somebody to see.
#pragma once

#include "trace.h"

namespace demo {

// Who speaks begins to type `typing_seconds` of the trace earlier, but not before its last call in
// the room, and points at a place of the room's document.
Trace make_visible(Trace trace, double typing_seconds);

}  // namespace demo
