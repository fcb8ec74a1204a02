// roster_types.h: what the roster is given, and what it gives out.
//
// What goes in names texts that somebody else keeps. What comes out is copied out of shared memory,
// so that it may be looked at when no lock is held any more.
#pragma once

#include <span>

#include "choices_text.h"
#include "policy.h"
#include "region.h"

namespace presence {

// ---- what goes in ----------------------------------------------------------

// A change of a transaction that has not committed yet, with the cells that applying it
// may need. The texts belong to the wish until it is applied.
struct Wish {
  Change change;
  Reason reason = Reason::manual;
  Cell reason_text = no_cell;    // when the reason is `custom`
  Cell spare_session = no_cell;  // of `connect` the session itself
  Cell spare_extras = no_cell;
  SessionKey session;       // of a change that names one; the transaction keeps its id
  bool gives_data = false;  // user_data came with it
  bool gives_page = false;
  Cell data = no_cell;
  Cell page = no_cell;
  bool writes_row = true;  // the transaction has written the user's row, and so has locked it
  // Of `join` and `leave_channel`; the transaction keeps the id.
  ChannelKey channel;
  bool gives_cursor = false, gives_state = false;
  Cell placed = no_cell;  // a text, see Placed
  Cell spare_member = no_cell;
  Cell spare_channel = no_cell;
  Cell spare_seats = no_cell;
  // Of `set_visibility`: the new rules (none: the user has none any more), and whether somebody
  // sees the user now who did not, or the other way round.
  Cell visibility = no_cell;
  bool shows_or_hides = false;
};

struct Touch {
  std::optional<Time> seen_at;  // nothing: now
  std::optional<std::string_view> page;
  uint32_t interactions = 1;
  std::optional<SessionKey> session = {};  // nothing: the newest
};

// What a member does in its channel: it moves a cursor, or sets a state.
struct Move {
  bool is_state = false;
  std::optional<int64_t> clock;  // of the client: an older one comes too late
  std::string_view first;        // the cursor, or the state
  std::string_view second = {};  // the selection
};

// A session to be.
struct NewSession {
  SessionKey key;
  Status said = Status::online;
  uint32_t lease = 0;  // ms
  std::string_view details;
  std::string_view page;
  Cell gateway = no_cell;  // counted already
  uint32_t binder = 0;
  bool is_secret = false;  // its id was made up just now
};

// A session as its row has it.
struct SessionRowFacts {
  SessionKey key;
  Status status = Status::online;
  Status strongest = Status::offline;  // of all of the user's rows
  Time active_at = forever_ago;
  Time heard_at = forever_ago;
  Time connected_at = forever_ago;
  Time ends_at = never;  // unless it is heard of again
  uint32_t lease = 0;    // ms
  std::string_view page;
  Cell gateway = no_cell;  // counted already
};

// A member as its row has it.
struct MemberRowFacts {
  ChannelKey channel;
  Time joined_at = forever_ago;
  Time last_active = forever_ago;
  std::string_view data, cursor, selection, state;
  std::span<const SessionKey> sessions;
};

// A user as its row in the table has it.
struct Row {
  Status status = Status::offline;
  Time last_seen = forever_ago;
  std::string_view page;
  std::string_view data;
  uint32_t activity_count = 0;
  ChoicesText choices;
  Time session_ends_at = never;                 // a restart's grace; never: the rules of every day
  const VisibilityFacts* visibility = nullptr;  // none: the user has no rules
};

// ---- what comes out --------------------------------------------------------

struct Touched {
  Status status;
  bool full;             // no cell was free: nothing has changed
  bool changed;          // there is something new for the worker to do
  bool foreign = false;  // the session is somebody else's: nothing has changed
  bool crowded = false;  // the user has max_sessions: nothing has changed
};

// A session, copied out of shared memory.
struct SessionView {
  Cell cell;
  uint32_t partition;  // its user's
  Status status;
  Time connected_at, active_at, heard_at;  // forever_ago: never
  uint32_t lease;                          // ms
  bool has_details;                        // not in the row yet
  uint32_t id_bytes, user_id_bytes, page_bytes, details_bytes, gateway_bytes;
  char id_text[max_id_bytes];
  char user_id_text[max_id_bytes];
  char page_text[max_page_bytes];
  char details_text[max_details_bytes];
  char gateway_text[max_id_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
  std::string_view user_id() const { return {user_id_text, user_id_bytes}; }
  std::string_view page() const { return {page_text, page_bytes}; }
  std::string_view details() const { return {details_text, details_bytes}; }
  std::string_view gateway() const { return {gateway_text, gateway_bytes}; }
};

// What became of something that a user did in a channel.
enum class Done : uint8_t {
  done,
  older,      // something newer was there: nothing has changed
  no_member,  // only members may
  full,       // no cell was free: nothing has changed
  crowded     // the user is in max_channels: nothing has changed
};
struct DoneInChannel {
  Done what;
  bool changed = false;  // there is something new for the worker to do
};

// The ids of the sessions of a member, each with a zero byte behind it. More than fit are left out.
inline constexpr std::size_t max_seats_bytes = 64 * (max_id_bytes + 1);

// A member, copied out of shared memory.
struct MemberView {
  Cell cell;
  uint32_t partition;  // its user's
  Status status;
  Detail detail;  // how much of it is meant to be seen
  bool typing;
  Time joined_at, last_active;
  Time typing_since;
  uint32_t id_bytes, channel_bytes, data_bytes, cursor_bytes, selection_bytes, state_bytes;
  uint32_t name_bytes, seats_bytes;
  char id_text[max_id_bytes];
  char channel_text[max_id_bytes];
  char data_text[max_data_bytes];  // its own, or its user's
  char cursor_text[max_placed_bytes];
  char selection_text[max_placed_bytes];
  char state_text[max_placed_bytes];
  char name_text[max_user_name_bytes];
  char seats_text[max_seats_bytes];
  bool has_own_data;

  std::string_view id() const { return {id_text, id_bytes}; }
  std::string_view channel() const { return {channel_text, channel_bytes}; }
  std::string_view data() const { return {data_text, data_bytes}; }
  std::string_view cursor() const { return {cursor_text, cursor_bytes}; }
  std::string_view selection() const { return {selection_text, selection_bytes}; }
  std::string_view state() const { return {state_text, state_bytes}; }
  std::string_view name() const { return {name_text, name_bytes}; }
  std::string_view seats() const { return {seats_text, seats_bytes}; }
};

// What somebody did, on its way to its row.
struct Activity {
  Time at;
  std::string_view user_id, type, page, session_id;
};

// An activity, copied out of shared memory.
struct ActivityView {
  Activity activity;
  char text[2 * max_id_bytes + max_activity_bytes + max_page_bytes + 32];
};

// All of a user, copied out of shared memory.
struct UserView {
  Cell cell;
  Status status;
  Status announced;
  Reason reason;
  bool has_last_seen;
  Time last_seen;
  Time changed_at;
  uint32_t session_count;
  uint32_t activity_count;
  uint32_t interactions_per_minute;
  bool message_changed, data_changed;  // since listeners were told last
  Time message_until;                  // never: for ever
  Detail detail;                       // how much of it is meant to be seen
  uint32_t id_bytes, message_bytes, page_bytes, data_bytes, reason_bytes;
  char id_text[max_id_bytes];
  char message_text[max_message_bytes];
  char page_text[max_page_bytes];
  char data_text[max_data_bytes];
  char reason_text[max_reason_bytes];

  std::string_view id() const { return {id_text, id_bytes}; }
  std::string_view message() const { return {message_text, message_bytes}; }
  std::string_view page() const { return {page_text, page_bytes}; }
  std::string_view data() const { return {data_text, data_bytes}; }
  std::string_view reason_name() const {
    return reason == Reason::custom ? std::string_view{reason_text, reason_bytes} : name_of(reason);
  }
};

// What listeners have not been told of a user. Everybody hears what everybody may see: of whom that
// is not even the status, that it is offline.
struct UserNews {
  UserView user;
  Status before, now;          // as everybody knows and may know it
  Detail told_detail, detail;  // how much that was, and is
  Audience audience;           // of the user's rule
  bool rules_changed;
  bool everybody_hears;  // there is something new for everybody
  // A snapshot may have shown what was told to nobody: what is true now is told, changed or not.
  bool is_shown;
};

// What a listener of a channel has not been told of one of its members. In this order.
struct MemberChanges {
  bool joined, status_changed, updated, typing_started, typing_stopped, moved, state_set, left;

  bool any() const {
    return joined || status_changed || updated || typing_started || typing_stopped || moved ||
           state_set || left;
  }
};

struct MemberNews {
  MemberChanges all;           // for those who may know everything
  MemberChanges everybody;     // for everybody, who may see `detail` of it
  Detail told_detail, detail;  // what everybody was shown of it, and may see
  bool was_told;               // of it at all
  bool has_rules;              // of its own about who sees it, here or elsewhere
  Detail of_user;              // what everybody may see of the user elsewhere
  bool message_changed, data_changed;
  Audience audience;
  bool large;     // joins and leaves are told as counts
  bool is_shown;  // see UserNews
  Status told;    // what they were told last
  Reason reason;  // of having joined or left
  Reason typing_reason;
  Time changed_at;  // when it left, or its typing ended
  MemberView member;
  UserView user;
};

// As much of a user as a list for a viewer needs.
struct Glance {
  Status status;
  Detail detail;  // below `status` it is not for the viewer
  UserKind kind;
  Time last_seen;
};

// Somebody of whom a viewer does not see what strangers see, copied out of shared memory.
struct Special {
  Glance glance;
  Candidate who;
};
struct Counts {
  uint32_t online = 0;
  uint32_t busy = 0;
  uint32_t away = 0;

  void add(Status status, int by);
  uint32_t total() const { return online + busy + away; }
};

// The moments of the best `wanted` candidates seen so far; the worst of them is where a
// walk may stop.
struct Cutoff {
  std::span<Time> best;  // a heap, the worst at its front; as long as `wanted`
  std::size_t count = 0;
  Time not_before = forever_ago;

  bool admits(Time last_seen) const;
  void add(Time last_seen);
};

// One for each status.
struct Cutoffs {
  std::array<Cutoff, 4> by_status;

  Cutoff& of(Status status) { return by_status[static_cast<std::size_t>(status)]; }
  // It may be on the list; of whom the viewer may not know when it was seen that is not known.
  bool reaches(const Glance& glance) const;
};

}  // namespace presence
