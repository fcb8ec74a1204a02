// status.h: the rules. Pure functions of (state, input, settings, now).
//
// A session says online, away or busy and goes idle or ends by the clock. The
// automatic status is the strongest that the live sessions say. What the user
// chose lies over it for as long as any session lives. Nothing in here knows
// where the state is kept: the roster applies these rules to shared memory, a
// transaction applies the same ones to its own, not yet committed changes.
#pragma once

#include <array>

#include "policy.h"
#include "types.h"

namespace presence {

// ---- one session -----------------------------------------------------------

struct SessionFacts {
  Status said = Status::online;     // what its client says: online, away or busy
  Time active_at = forever_ago;     // the last activity
  Time heard_at = forever_ago;      // the last heartbeat; forever_ago: it never sent one
  Time ends_at = never;             // a disconnect in its grace, or a restart, ends it then
  Duration lease = 0;               // what it asked for; 0: session_timeout
};

// The moment from which it no longer counts, if nothing more is heard.
Time end_of(const SessionFacts& session, const Policy& policy);
// What it says at `now`; offline once it has ended.
Status status_of(const SessionFacts& session, const Policy& policy, Time now);
// The next moment after `now` at which status_of changes by itself, or never.
Time next_change_of(const SessionFacts& session, const Policy& policy, Time now);
// The person did something in it: it counts as online again, unless it is busy.
void record_activity(SessionFacts& session, Time now);

// ---- several sessions ------------------------------------------------------

// Collects the sessions of one user; the order does not matter.
struct Merged {
  Status automatic = Status::offline;
  Time next_change = never;

  void add(const SessionFacts& session, const Policy& policy, Time now);
};

// ---- what the user chose ---------------------------------------------------

// A handle on a text that somebody else keeps; 0 is "no text".
using TextHandle = uint32_t;

struct Layer {
  Status status = Status::offline;  // away or busy; offline: no choice of status
  Time until = never;
  TextHandle message = 0;
  Time message_until = never;
};

// Texts that no layer holds any more. Whoever keeps texts frees them.
struct DroppedTexts {
  std::array<TextHandle, 8> handles{};
  uint8_t count = 0;

  void add(TextHandle handle) {
    if (handle != 0) handles[count++] = handle;
  }
};

// The choice in force, and the earlier ones that come back when it expires.
// Only choices that outlive the one above them are kept, so the stack is short;
// deeper than `max_earlier` the oldest is forgotten.
struct Choices {
  static constexpr uint8_t max_earlier = 3;

  Layer top;
  std::array<Layer, max_earlier> earlier{};
  uint8_t depth = 0;

  bool empty() const { return top.status == Status::offline && top.message == 0 && depth == 0; }
  Time next_change() const;
};

// A text given by a caller: nothing ("keep the old one"), or a handle where 0 clears.
using GivenMessage = std::optional<TextHandle>;

void choose_status(Choices& choices, Status status, Time until, GivenMessage message,
                   DroppedTexts& dropped);
void choose_automatic(Choices& choices, GivenMessage message, Time message_until,
                      DroppedTexts& dropped);
void choose_message(Choices& choices, GivenMessage message, Time until, DroppedTexts& dropped);
// Takes away what has expired at `now`; an earlier, unexpired choice comes back.
void expire(Choices& choices, Time now, DroppedTexts& dropped);

// What others see.
Status visible_status(Status automatic, Status chosen);

}  // namespace presence
