// user.h: how users, their sessions and their lists lie in the region.
//
// A user belongs to one partition, by the hash of its key, and so does everything
// that hangs on it. The partition's lock guards all of it.
#pragma once

#include <array>
#include <atomic>

#include "cells.h"
#include "channel.h"
#include "row_state.h"
#include "status.h"
#include "visibility.h"

namespace presence {

inline constexpr uint32_t partition_count = 16;  // fits User::partition
inline constexpr uint32_t max_realms = 4096;     // fits User::realm, Session::realm

// Where a user stands with its row in the table.
enum class Persist : uint8_t {
  current,  // the row says what memory says
  dirty,    // only last_seen, page or counters differ: flushed now and then
  waiting,  // the status or message differs: written at once
  writing,  // the worker's open transaction writes it
  held      // somebody else has the row: written when they are done
};
inline constexpr std::size_t persist_lists = 5;

// The first of the two cache lines of a cell is all that finding a user and most touches need.
struct User {
  Cell chain;  // the next user of the same bucket
  uint32_t realm : 12;
  uint32_t partition : 4;
  uint32_t claims : 7;  // transactions that want to change it
  uint32_t in_heap : 1;
  uint32_t minute : 8;  // of this_minute, modulo minute_count
  uint8_t id_bytes;
  Persist persist : 3;
  Status status : 2;         // what those see who may, as of the last settle
  Status announced : 2;      // what listeners were told last
  bool message_changed : 1;  // since listeners were told last
  uint8_t list : 6;
  bool data_changed : 1;      // the same of what the application keeps with it
  bool written_again : 1;     // changed while the worker wrote it
  bool row_is_current : 1;    // the change to be announced was written by its own transaction
  bool committing : 1;        // a transaction with wishes for it is committing just now
  bool moved_on : 1;          // changed by itself or by a touch while a transaction claimed it
  bool lives_on_touches : 1;  // see Session
  Reason reason : 4;
  uint16_t this_minute, last_minute;  // interactions of a minute, and of the one before
  Time last_seen;
  uint32_t activity_count;
  char id[short_id];

  Time due;           // irregular users: when something about it changes by itself
  Time changed_at;    // when the status became what it is
  Cell newer, older;  // neighbours in the recency list
  Cell heap_child, heap_next, heap_prev;
  Cell sessions;
  Cell extras;
  Cell page;  // a text
  Cell data;  // a text: what the application keeps with the user, as it was given
  Cell announce_next : cell_bits;
  uint32_t forgetting : 1;   // one of those who claim it wants it forgotten
  uint32_t told_detail : 2;  // Detail: how much of `announced` everybody was told
  Cell persist_next;
  Cell persist_prev : cell_bits;
  uint32_t to_announce : 1;     // in the list of the changed
  uint32_t detail_changed : 1;  // what everybody may know, since listeners were told last
};
static_assert(sizeof(User) == cell_bytes && offsetof(User, due) == cell_bytes / 2);
inline constexpr uint32_t max_claims = 127;    // fits User::claims
inline constexpr uint32_t minute_count = 256;  // fits User::minute

// One browser tab, device or connection. The implicit session has no id and is not in the index.
//
// Of a user who lives on touches the only session is online, has sent no heartbeat, ends by the
// rules of every day, and was active at the user's last_seen, whatever its own cell says: so a
// touch need not look at it.
struct Session {
  Cell chain;  // the next session of the same bucket of the index
  uint16_t realm : 12;
  uint16_t partition : 4;  // its user's
  uint8_t id_bytes;
  RowState row : 4;
  bool has_row : 1;        // a row was written, or is being written
  bool written_again : 1;  // changed while the worker wrote it
  bool is_connected : 1;   // presence_connect has made it
  bool is_secret : 1;      // nobody can guess its id: whoever knows it may end it
  Cell next;               // the next session of the same user
  Cell user;
  SessionFacts facts;
  Time connected_at;
  Cell gateway;     // which keeps it; none: its own heartbeats
  uint32_t binder;  // the database connection that it is bound to; 0: none
  Cell details;     // a text: device, address and agent, until the row is written
  Cell page;        // a text
  Cell row_next, row_prev;
  char id[short_id];
  uint32_t seats;  // so many channels it has joined
};
static_assert(sizeof(Session) <= cell_bytes);

// A process that keeps sessions: as long as it calls, they live.
struct Gateway {
  Cell chain;  // the next of the realm
  uint32_t id_bytes;
  std::atomic<Time> heard_at;
  std::atomic<Duration> lease;
  std::atomic<uint32_t> sessions;  // and connects of open transactions; and whether it is orphaned
  char id[short_id];
};
static_assert(sizeof(Gateway) <= cell_bytes);
// Its realm is gone: whoever lets go of it last frees it.
inline constexpr uint32_t orphaned_gateway = 1u << 31;

// Where the key of the table has led to for a user's row: a hint, it may be somewhere else by now.
struct RowPlace {
  uint32_t block = 0;
  uint16_t number = 0;  // from 1; 0: not known

  bool is_known() const { return number != 0; }
};

// What few users have.
struct Extras {
  Choices choices;
  Cell reason_text;     // of a `custom` reason, until listeners and history know it
  Cell parting_text;    // the reason that a disconnect gave, until its session ends
  Cell members;         // the channels that the user is in, types in, or has not left for all yet
  Cell visibility;      // Visibility: the rules about who sees the user
  bool rules_changed;   // since those who may know everything were told
  uint16_t row_number;  // a RowPlace
  uint32_t row_block;
};
static_assert(sizeof(Extras) <= cell_bytes);

struct List {
  Cell newest, oldest;
  Cell hint;  // near whom the next one is likely to be put: the last one put into its midst
  uint32_t count;
};

// What strangers see of a user who is present: all, the status, or less.
enum class UserKind : uint8_t { open, veiled, closed };
inline constexpr uint8_t kinds = 3;
constexpr UserKind kind_for(Detail to_strangers) {
  if (to_strangers == Detail::full) return UserKind::open;
  return to_strangers == Detail::status ? UserKind::veiled : UserKind::closed;
}

// offline, and kinds x (away, online, busy) x (automatic, chosen) x (regular, irregular).
inline constexpr uint8_t lists_of_status = 4;
inline constexpr uint8_t lists_of_kind = 3 * lists_of_status;
inline constexpr uint8_t list_count = 1 + kinds * lists_of_kind;
inline constexpr uint8_t offline_list = 0;

constexpr uint8_t list_of(Status status, bool chosen, bool irregular,
                          UserKind kind = UserKind::open) {
  if (status == Status::offline) return offline_list;
  return static_cast<uint8_t>(1 + static_cast<uint8_t>(kind) * lists_of_kind +
                              (static_cast<uint8_t>(status) - 1) * lists_of_status + chosen * 2 +
                              irregular);
}
constexpr bool is_regular(uint8_t list) { return list != offline_list && (list - 1) % 2 == 0; }
constexpr Status status_of_list(uint8_t list) {
  if (list == offline_list) return Status::offline;
  return static_cast<Status>(1 + (list - 1) % lists_of_kind / lists_of_status);
}
constexpr UserKind kind_of_list(uint8_t list) {
  return list == offline_list ? UserKind::open : static_cast<UserKind>((list - 1) / lists_of_kind);
}
// The list of the same status of users who are open.
constexpr uint8_t among_open(uint8_t list) {
  return list == offline_list ? list : static_cast<uint8_t>(1 + (list - 1) % lists_of_kind);
}

// The share of one partition in one realm.
struct RealmPartition {
  std::array<List, list_count> lists;
  std::array<Cell, persist_lists> persist;  // heads; `current` has none
  std::array<Cell, row_lists> sessions;     // by their rows; `none` and `current` have none
  // Activities that wait for their rows, oldest first, and those that are being written.
  Cell first_activity, last_activity, activities_taken;
  uint32_t activity_count, activity_cells;  // of those that wait
  uint32_t being_forgotten;                 // so many users are
  Cell heap;                                // irregular users by their due moment
  Cell to_announce;
  Cell shown_from;    // from this one on, those to announce have been shown by a snapshot
  uint32_t removals;  // so many users went out of memory
  // The users' places in channels.
  Cell members_to_announce;
  Cell members_shown_from;              // the same of them
  uint32_t member_removals;             // so many records of members are gone
  std::array<Cell, row_lists> members;  // by their rows
  Cell first_in_lane, last_in_lane;     // who was told of lately, by Member::lane_at
  Cell first_typing, last_typing;       // who types, by Typing::at
  Audience default_audience;            // by which users without a rule are in the lists of a kind
};

}  // namespace presence
