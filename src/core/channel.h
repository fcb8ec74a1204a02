// channel.h: how channels and their members lie in the region.
//
// A member is a user in a channel, through one or more of its sessions; somebody who only types
// there has the same record. It belongs to its user and lies in the user's partition, whose lock
// guards it but for its place among the others of the channel. That place, and the channel, are
// guarded by the lock of the channel's own partition (by the hash of its id), which comes after the
// lock of the user's. A channel lives as long as there are records of it.
#pragma once

#include <array>

#include "cells.h"
#include "row_state.h"
#include "visibility.h"

namespace presence {

struct Channel {
  Cell chain;  // the next channel of the same bucket
  uint16_t realm : 12;
  uint16_t partition : 4;
  uint8_t id_bytes;
  bool large : 1;         // joins and leaves are told as counts
  bool told_large : 1;    // listeners know that
  bool in_changed : 1;    // in the list of those with news
  bool in_told : 1;       // in the list of those of which was told lately
  uint32_t records;       // of users, members or not
  uint32_t members;       // who has joined
  uint32_t told_members;  // as it was told last
  Cell newest, oldest;    // who is there, by last_active
  Cell typing;            // who types there, whoever has begun last first
  Cell changed_next;
  Cell told_next;
  Time told_at;
  uint64_t hash;  // of its id
  char id[short_id];
};
static_assert(sizeof(Channel) <= cell_bytes);

// The sessions through which a user is in a channel: most have one.
struct Seats {
  static constexpr std::size_t here = 3;

  std::array<Cell, here> sessions;  // no_cell: free
  Cell more;                        // MoreSeats
};

struct MoreSeats {
  static constexpr std::size_t there = cell_bytes / sizeof(Cell) - 1;

  Cell next;
  std::array<Cell, there> sessions;
};
static_assert(sizeof(MoreSeats) <= cell_bytes);

struct Member {
  Cell next;  // the next of the same user
  Cell user;
  Cell channel;
  uint32_t channel_hash;   // of its id, so that most others need not be looked at
  uint16_t realm : 12;     // the user's
  uint16_t partition : 4;  // the user's
  RowState row : 4;
  bool has_row : 1;        // a row was written, or is being written
  bool written_again : 1;  // changed while the worker wrote it
  bool joined : 1;
  bool to_announce : 1;
  bool in_lane : 1;
  // What listeners of the channel were told last, and what they have not been told yet.
  bool told_joined : 1;
  bool told_typing : 1;
  bool cursor_changed : 1;
  bool state_changed : 1;
  bool state_is_next : 1;  // of the two, so that none has to wait for ever
  bool message_changed : 1;
  bool data_changed : 1;
  // Since then, whatever is true by now: a snapshot may have been taken in between.
  bool changed : 1;  // anything but cursor and state, of which the last is always told
  bool has_left : 1;
  bool has_stopped_typing : 1;
  bool detail_changed : 1;
  Status told_status : 2;
  Detail told_detail : 2;    // how much of it everybody was told
  Reason reason : 4;         // why it joined or left
  Reason typing_reason : 4;  // why the typing ended
  Seats seats;
  Cell data;    // a text: what the application keeps with it here; no_cell: what it keeps with the
                // user
  Cell cursor;  // a text, see Placed
  Cell state;   // a text, see Placed
  Cell typing;  // Typing
  Cell announce_next;
  Cell row_next, row_prev;
  Cell lane_next, lane_prev;
  Time joined_at;
  Time changed_at;  // when it left, or its typing ended
  Time lane_at;     // when it was told of a cursor or a state last
  // ---- guarded by the channel's lock
  Cell newer, older;
  bool listed;  // among the channel's members
  Time last_active;
};
static_assert(sizeof(Member) <= cell_bytes);

// The head of the text that keeps a cursor and a selection, or a state. The bytes follow.
struct Placed {
  int64_t clock;  // of the client
  uint16_t has_clock;
  uint16_t first_bytes;  // of the cursor; the selection is the rest
};

// Somebody types in a channel.
struct Typing {
  Cell member;
  Cell next, prev;  // of all in the partition, by `at`
  Cell name;        // a text: the user's name, as it was given
  Time since;
  Time at;  // when it was said last
  // ---- guarded by the channel's lock
  Cell there_next, there_prev;  // of all in the channel
};

// Those of a realm's channels of one partition that have news. Guarded by the channels' lock.
struct RealmChannels {
  Cell changed;                // so many members have come or gone
  Cell first_told, last_told;  // by told_at
};

}  // namespace presence
