// roster_session_rows.cpp: which rows of sessions the worker must write or delete.
//
// The worker has one open transaction at most, so the lists `writing` and `deleting` are what it
// has taken: no session needs to be found again when that is over.
#include "roster_parts.h"

namespace presence {

namespace {

bool has_list(SessionRow state) { return state >= SessionRow::dirty; }

}  // namespace

void Roster::mark_row(Cell cell, SessionRow state) {
  Session& marked = pool_.at<Session>(cell);
  if (marked.row == SessionRow::writing && state == SessionRow::waiting) {
    marked.written_again = true;
    return;
  }
  if (marked.row == state) return;
  RealmPartition& share = region_.share(marked.realm, marked.partition);
  if (has_list(marked.row)) {
    Cell& head = share.sessions[static_cast<uint8_t>(marked.row)];
    (marked.row_prev == no_cell ? head : pool_.at<Session>(marked.row_prev).row_next) =
        marked.row_next;
    if (marked.row_next != no_cell) pool_.at<Session>(marked.row_next).row_prev = marked.row_prev;
  }
  marked.row = state;
  marked.row_next = marked.row_prev = no_cell;
  if (!has_list(state)) return;
  Cell& head = share.sessions[static_cast<uint8_t>(state)];
  marked.row_next = head;
  if (head != no_cell) pool_.at<Session>(head).row_prev = cell;
  head = cell;
}

// True: it is the first, so a flush must be planned.
bool Roster::mark_row_dirty(Cell cell) {
  Session& marked = pool_.at<Session>(cell);
  if (marked.row == SessionRow::writing) marked.written_again = true;
  if (marked.row != SessionRow::current) return false;
  const RealmPartition& share = region_.share(marked.realm, marked.partition);
  const bool is_first = share.sessions[static_cast<uint8_t>(SessionRow::dirty)] == no_cell;
  mark_row(cell, SessionRow::dirty);
  return is_first;
}

bool Roster::begin_deleting_session(uint16_t realm, uint32_t partition, SessionView& out) {
  const Cell cell =
      region_.share(realm, partition).sessions[static_cast<uint8_t>(SessionRow::ended)];
  if (cell == no_cell) return false;
  mark_row(cell, SessionRow::deleting);
  view_session(cell, {}, 0, out);
  return true;
}

bool Roster::begin_writing_session(uint16_t realm, uint32_t partition, const Policy& policy,
                                   Time now, SessionView& out) {
  const Cell cell =
      region_.share(realm, partition).sessions[static_cast<uint8_t>(SessionRow::waiting)];
  if (cell == no_cell) return false;
  mark_row(cell, SessionRow::writing);
  Session& taken = pool_.at<Session>(cell);
  taken.has_row = true;
  taken.written_again = false;
  view_session(cell, policy, now, out);
  return true;
}

void Roster::leave_session_row(uint16_t realm, uint32_t partition, Cell session) {
  const RealmPartition& share = region_.share(realm, partition);
  const auto is_in = [&](SessionRow state) {
    Cell at = share.sessions[static_cast<uint8_t>(state)];
    while (at != no_cell && at != session) at = pool_.at<Session>(at).row_next;
    return at != no_cell;
  };
  if (is_in(SessionRow::writing)) {
    mark_row(session, SessionRow::current);
    mark_row(session, SessionRow::waiting);
  } else if (is_in(SessionRow::deleting)) {
    mark_row(session, SessionRow::ended);
  }
}

void Roster::end_session_rows(uint16_t realm, uint32_t partition, bool committed) {
  RealmPartition& share = region_.share(realm, partition);
  Cell& written = share.sessions[static_cast<uint8_t>(SessionRow::writing)];
  while (written != no_cell) {
    const Cell cell = written;
    Session& session = pool_.at<Session>(cell);
    // What is only in the table from now on.
    if (committed && !session.written_again) set_text(session.details, no_cell);
    mark_row(cell, SessionRow::current);
    if (!committed || session.written_again) mark_row(cell, SessionRow::waiting);
  }
  Cell& deleted = share.sessions[static_cast<uint8_t>(SessionRow::deleting)];
  while (deleted != no_cell) {
    const Cell cell = deleted;
    mark_row(cell, committed ? SessionRow::none : SessionRow::ended);
    if (committed) free_session(cell);
  }
}

void Roster::flush_sessions(uint16_t realm, uint32_t partition) {
  Cell& dirty = region_.share(realm, partition).sessions[static_cast<uint8_t>(SessionRow::dirty)];
  while (dirty != no_cell) mark_row(dirty, SessionRow::waiting);
}

bool Roster::has_sessions(uint16_t realm, uint32_t partition, SessionRow state) const {
  return region_.share(realm, partition).sessions[static_cast<uint8_t>(state)] != no_cell;
}

// The table is empty, or gone: there is nothing to delete.
void Roster::forget_ended_sessions(RealmPartition& share) {
  for (const SessionRow state : {SessionRow::ended, SessionRow::deleting}) {
    Cell& head = share.sessions[static_cast<uint8_t>(state)];
    while (head != no_cell) {
      const Cell cell = head;
      mark_row(cell, SessionRow::none);
      free_session(cell);
    }
  }
}

}  // namespace presence
