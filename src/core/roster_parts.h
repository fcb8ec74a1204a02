// roster_parts.h: what the files of the roster share among themselves.
#pragma once

#include "roster.h"

namespace presence {

// A user's facts at one moment, and where they came from.
struct Roster::Loaded {
  UserFacts facts;
  Cell newest = no_cell;  // the session that facts.newest was read from
  uint32_t present = 0;   // live sessions that have not said goodbye
  DroppedTexts dropped;   // texts that the facts no longer hold
};

// Cells that storing may need; what is left over goes back to the pool.
struct Roster::Spares {
  Cell session = no_cell;
  Cell extras = no_cell;
  Cell reason_text = no_cell;
};

// Whether listeners have not been told of a member's state, or of its cursor.
inline void mark_placed(Member& member, bool is_state, bool changed) {
  if (is_state)
    member.state_changed = changed;
  else
    member.cursor_changed = changed;
}

// Of what is taken out of a list of those to announce: whether a snapshot has shown it.
inline bool take_shown(Cell& shown_from, Cell taken, Cell next) {
  const bool is_shown = taken == shown_from;
  if (is_shown) shown_from = next;
  return is_shown;
}

// What User::minute is at a moment; moments before the year 2000 count, too.
inline uint32_t minute_of(Time at) { return static_cast<uint32_t>(at / minute) % minute_count; }

// Why a user has changed by itself at a moment at which its next choice was due, or not.
Reason reason_of_time(bool connected, Time choice_due, Time at);

}  // namespace presence
