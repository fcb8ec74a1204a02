// roster_seats.cpp: the sessions through which a user is in its channels.
//
// A session counts its seats, so that most sessions end without a look at any channel.
#include <algorithm>

#include "roster_parts.h"

namespace presence {

namespace {

// Calls `use` with each slot until it says that it has found what it wants.
template <typename Use>
bool any_slot(const CellPool& pool, Seats& seats, Use use) {
  for (Cell& slot : seats.sessions)
    if (use(slot)) return true;
  for (Cell at = seats.more; at != no_cell; at = pool.at<MoreSeats>(at).next)
    for (Cell& slot : pool.at<MoreSeats>(at).sessions)
      if (use(slot)) return true;
  return false;
}

}  // namespace

bool Roster::has_seat(const Member& member, Cell session) const {
  Seats seats = member.seats;
  return any_slot(pool_, seats, [&](Cell& slot) { return slot == session; });
}

bool Roster::has_seats(const Member& member) const {
  Seats seats = member.seats;
  return any_slot(pool_, seats, [&](Cell& slot) { return slot != no_cell; });
}

// `spare` is for more than there is room for.
void Roster::add_seat(Member& member, Cell session, Cell& spare) {
  const auto take = [&](Cell& slot) {
    if (slot != no_cell) return false;
    slot = session;
    return true;
  };
  if (!any_slot(pool_, member.seats, take)) {
    new (&pool_.at<MoreSeats>(spare)) MoreSeats{member.seats.more, {session}};
    member.seats.more = spare;
    spare = no_cell;
  }
  pool_.at<Session>(session).seats++;
}

bool Roster::remove_seat(Member& member, Cell session) {
  const bool removed = any_slot(pool_, member.seats, [&](Cell& slot) {
    if (slot != session) return false;
    slot = no_cell;
    return true;
  });
  if (removed) pool_.at<Session>(session).seats--;
  return removed;
}

void Roster::leave_seats(Member& member) {
  any_slot(pool_, member.seats, [&](Cell& slot) {
    if (slot != no_cell) pool_.at<Session>(slot).seats--;
    slot = no_cell;
    return false;
  });
  while (member.seats.more != no_cell) {
    const Cell more = member.seats.more;
    member.seats.more = pool_.at<MoreSeats>(more).next;
    pool_.give(more);
  }
}

// The session ends: its user leaves the channels in which it was the last one.
void Roster::leave_with_session(Cell session, Reason reason, Time at) {
  const Session& ended = pool_.at<Session>(session);
  if (ended.seats == 0) return;
  for (Cell cell = members_of(user(ended.user)); cell != no_cell;) {
    Member& member = pool_.at<Member>(cell);
    const Cell next = member.next;
    if (remove_seat(member, session)) {
      if (has_seats(member))
        mark_member_row(cell, RowState::waiting);
      else
        leave_channel(cell, reason, at);
    }
    cell = next;
  }
}

void Roster::leave_all_channels(const User& user, Reason reason, Time at) {
  for (Cell cell = members_of(user); cell != no_cell; cell = pool_.at<Member>(cell).next)
    if (pool_.at<Member>(cell).joined) leave_channel(cell, reason, at);
}

// One session takes the place of another.
void Roster::hand_over_seats(const User& user, Cell from, Cell to) {
  if (pool_.at<Session>(from).seats == 0) return;
  for (Cell cell = members_of(user); cell != no_cell; cell = pool_.at<Member>(cell).next) {
    Member& member = pool_.at<Member>(cell);
    if (!remove_seat(member, from)) continue;
    Cell none = no_cell;  // there is room: one has just been freed
    if (!has_seat(member, to)) add_seat(member, to, none);
    mark_member_row(cell, RowState::waiting);
  }
}

}  // namespace presence
