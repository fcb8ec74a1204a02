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
  Status said = Status::online;         // what its client says: online, away or busy
  bool disconnected = false;            // its client has said goodbye; ends_at is set
  Reason parting = Reason::disconnect;  // and why
  uint32_t lease = 0;                   // what it asked for, in ms; 0: session_timeout
  Time active_at = forever_ago;         // the last activity
  Time heard_at = forever_ago;          // the last heartbeat; forever_ago: it never sent one
  Time ends_at = never;                 // a disconnect in its grace, or a restart, ends it then
  Time kept_until = never;              // its gateway's time with the grace; never: it has none
};

// The moment from which it no longer counts, if nothing more is heard. Of a gateway's sessions the
// gateway alone is heard. A set ends_at decides alone, but no session outlives its gateway.
Time end_of(const SessionFacts& session, const Policy& policy);
// What it says at `now`; offline once it has ended.
Status status_of(const SessionFacts& session, const Policy& policy, Time now);
// The next moment after `now` at which status_of changes by itself, or never.
Time next_change_of(const SessionFacts& session, const Policy& policy, Time now);
// Of two live sessions, the one that what is done without naming a session counts for: it has not
// said goodbye, and was active last.
bool is_newer(const SessionFacts& session, const SessionFacts& than);
// The person did something in it: it counts as online again, unless it is busy.
void record_activity(SessionFacts& session, Time now);
// Its client is still there. False: it has said goodbye.
bool record_heartbeat(SessionFacts& session, Time now);
// Its client says goodbye: it ends after the grace, unless it comes back.
void disconnect(SessionFacts& session, const Policy& policy, Time now, Reason reason);
// Its client says what counts from now on. What is not away is also an activity.
void say(SessionFacts& session, Status status, Time now);

// ---- several sessions ------------------------------------------------------

// The sessions of one user taken together at one moment; the order in which they
// are added does not matter.
struct Merged {
  Status automatic = Status::offline;
  Time until = never;          // the moment at which `automatic` gives way by itself
  Time ends_at = forever_ago;  // the moment at which the last of them ends
  Time first_end = never;      // and at which the first of them does

  void add(const SessionFacts& session, const Policy& policy, Time at);
};

// ---- what the user chose ---------------------------------------------------

// A handle on a text that somebody else keeps; 0 is "no text".
using TextHandle = Cell;

struct Layer {
  Time until = never;
  Time message_until = never;
  TextHandle message = 0;
  Status status = Status::offline;  // away or busy; offline: no choice of status

  bool operator==(const Layer&) const = default;
};

// Texts that no layer holds any more. Whoever keeps texts frees them.
struct DroppedTexts {
  std::array<TextHandle, 16> handles{};
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
  bool operator==(const Choices& other) const;
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

// ---- one user --------------------------------------------------------------

// All that the rules know of a user at one moment.
struct UserFacts {
  Time last_seen = forever_ago;
  Choices choices;
  bool connected = false;  // has a live session: `newest`, the one that was active last
  SessionFacts newest;
  Merged others;           // the other live sessions
  bool all_ended = false;  // a change ended every session that was there before
};

// What others see, and the moment at which that changes by itself.
struct Look {
  Status status;
  TextHandle message;
  Time message_until;
  Time until;
  Time first_end;  // the first of its sessions ends then, seen or not
};

Look look(const UserFacts& facts, const Policy& policy, Time at);
// The same of its live sessions and what it chose.
Look look(const Merged& sessions, const Choices& choices, Time at);

// The person did something, somewhere: counts for the newest session, or makes one.
void record_activity(UserFacts& facts, Time at);

enum class ChangeKind : uint8_t {
  choose,          // a manual away or busy
  be_automatic,    // `online`: no manual status, and activity
  clear,           // no manual status; not an activity
  set_message,     // the message alone; not an activity
  leave,           // `offline` with explicit_logout: every session ends
  forget,          // leave, and nothing remains
  log_out,         // every session ends; what was chosen stays
  set_visibility,  // the rules about who sees the user; says nothing about the status
  join,            // a channel, which is an activity
  leave_channel,
  connect,     // a session comes, or comes back
  disconnect,  // a session says goodbye
  say          // a session says away, online or busy
};

// About one session, by its id, rather than about its user.
constexpr bool names_session(ChangeKind kind) { return kind >= ChangeKind::connect; }
constexpr bool names_channel(ChangeKind kind) {
  return kind == ChangeKind::join || kind == ChangeKind::leave_channel;
}

struct Change {
  ChangeKind kind = ChangeKind::choose;
  Status status = Status::offline;  // of `choose`, `connect` and `say`
  Time at = forever_ago;            // when it was asked for
  Time until = never;               // of the choice, or of the message
  GivenMessage message;
};

// Of a change that names a session only what it says about the user; the session is somewhere else.
void apply(UserFacts& facts, const Change& change, DroppedTexts& dropped);

}  // namespace presence
