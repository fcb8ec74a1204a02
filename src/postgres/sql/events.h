// events.h: what came after a position, for whoever asks.
#pragma once

#include "postgres/shared/events.h"

namespace presence {

struct Position {
  uint64_t epoch;
  uint64_t seq;
};

// Who asks for what.
struct Asked {
  std::string_view channel_id;
  const Viewer* viewer;
  std::string_view naming;  // how an event names the viewer
  int most;
};

// Events as JSON, in order, in the memory of the call.
struct Told {
  Position position;  // where to go on
  bool resync;        // what was missed is not known, or other people are seen now
  std::string_view* events;
  int count;
};
Told events_after(const Asked& asked, const Position& position);

}  // namespace presence
