// user.h: how users, their sessions and their lists lie in the region.
//
// A user belongs to one partition, by the hash of its key, and so does everything
// that hangs on it. The partition's lock guards all of it.
#pragma once

#include <array>
#include <atomic>

#include "cells.h"
#include "status.h"

namespace presence {

inline constexpr uint32_t partition_count = 16;  // fits User::partition
inline constexpr uint32_t max_realms = 4096;     // fits User::realm

// Where a user stands with its row in the table.
enum class Persist : uint8_t {
  current,  // the row says what memory says
  dirty,    // only last_seen, page or counters differ: flushed now and then
  waiting,  // the status or message differs: written at once
  writing,  // the worker's open transaction writes it
  held      // somebody else has the row: written when they are done
};
inline constexpr std::size_t persist_lists = 5;

struct User {
  static constexpr std::size_t inline_id = 32;  // of a longer id; a text has the rest
  static constexpr std::size_t short_id = 36;   // a uuid fits

  Cell chain;  // the next user of the same bucket
  uint16_t realm : 12;
  uint16_t partition : 4;
  Status status;     // what others see, as of the last settle
  Status announced;  // what listeners were told last
  Time last_seen;
  Cell newer, older;  // neighbours in the recency list
  Time due;           // irregular users: when the status changes by itself
  Time changed_at;    // when the status became what it is
  Cell heap_child, heap_next, heap_prev;
  Cell sessions;
  Cell extras;
  Cell page;  // a text
  Cell announce_next;
  Cell persist_next, persist_prev;
  uint32_t activity_count;
  uint16_t minute;  // interactions per minute: of this minute and of the one before
  uint16_t this_minute, last_minute;
  uint16_t claims;  // transactions that want to change it
  uint8_t id_bytes;
  Reason reason;
  uint8_t list : 4;
  Persist persist : 4;
  bool to_announce : 1;  // in the list of the changed
  bool in_heap : 1;
  bool message_changed : 1;  // since listeners were told last
  bool written_again : 1;    // changed while the worker wrote it
  bool row_is_current : 1;   // the change to be announced was written by its own transaction
  bool committing : 1;       // a transaction with wishes for it is committing just now
  bool moved_on : 1;         // changed by itself or by a touch while a transaction claimed it
  char id[short_id];
};
static_assert(sizeof(User) == cell_bytes);

// One browser tab, device or connection. The implicit session has no id.
struct Session {
  Cell next;
  SessionFacts facts;
};
static_assert(sizeof(Session) <= cell_bytes);

// What few users have.
struct Extras {
  Choices choices;
  Cell reason_text;  // of a `custom` reason, until it has been told
};
static_assert(sizeof(Extras) <= cell_bytes);

struct List {
  Cell newest, oldest;
  uint32_t count;
};

// offline, and (away, online, busy) x (automatic, chosen) x (regular, irregular).
inline constexpr uint8_t list_count = 13;
inline constexpr uint8_t offline_list = 0;

constexpr uint8_t list_of(Status status, bool chosen, bool irregular) {
  if (status == Status::offline) return offline_list;
  return static_cast<uint8_t>(1 + (static_cast<uint8_t>(status) - 1) * 4 + chosen * 2 + irregular);
}
constexpr bool is_regular(uint8_t list) { return list != offline_list && (list - 1) % 2 == 0; }
constexpr Status status_of_list(uint8_t list) {
  return list == offline_list ? Status::offline : static_cast<Status>(1 + (list - 1) / 4);
}

// The share of one partition in one realm.
struct RealmPartition {
  std::array<List, list_count> lists;
  std::array<Cell, persist_lists> persist;  // heads; `current` has none
  Cell heap;                                // irregular users by their due moment
  Cell to_announce;
  uint32_t removals;  // so many users went out of memory
};

}  // namespace presence
