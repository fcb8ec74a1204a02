// roster_session_rows.cpp: which rows of sessions the worker must write or delete.
#include "roster_parts.h"
#include "row_lists.h"

namespace presence {

namespace {

RowLists<Session> rows_of(CellPool& pool, RealmPartition& share) { return {pool, share.sessions}; }

}  // namespace

void Roster::mark_row(Cell cell, RowState state) {
  const Session& marked = pool_.at<Session>(cell);
  rows_of(pool_, region_.share(marked.realm, marked.partition)).mark(cell, state);
}

bool Roster::mark_row_dirty(Cell cell) {
  const Session& marked = pool_.at<Session>(cell);
  return rows_of(pool_, region_.share(marked.realm, marked.partition)).mark_dirty(cell);
}

bool Roster::begin_deleting_session(uint16_t realm, uint32_t partition, SessionView& out) {
  const Cell cell = rows_of(pool_, region_.share(realm, partition)).begin_deleting();
  if (cell != no_cell) view_session(cell, {}, 0, out);
  return cell != no_cell;
}

bool Roster::begin_writing_session(uint16_t realm, uint32_t partition, const Policy& policy,
                                   Time now, SessionView& out) {
  const Cell cell = rows_of(pool_, region_.share(realm, partition)).begin_writing();
  if (cell != no_cell) view_session(cell, policy, now, out);
  return cell != no_cell;
}

void Roster::leave_session_row(uint16_t realm, uint32_t partition, Cell session) {
  rows_of(pool_, region_.share(realm, partition)).leave(session);
}

void Roster::end_session_rows(uint16_t realm, uint32_t partition, bool committed) {
  rows_of(pool_, region_.share(realm, partition))
      .end(
          committed,
          // What is only in the table from now on.
          [&](Session& session) { set_text(session.details, no_cell); },
          [&](Cell cell) { free_session(cell); });
}

void Roster::flush_sessions(uint16_t realm, uint32_t partition) {
  rows_of(pool_, region_.share(realm, partition)).flush();
}

void Roster::try_session_rows_again(uint16_t realm, uint32_t partition) {
  rows_of(pool_, region_.share(realm, partition)).try_again();
}

bool Roster::has_sessions(uint16_t realm, uint32_t partition, RowState state) const {
  return rows_of(pool_, region_.share(realm, partition)).has(state);
}

void Roster::forget_ended_sessions(RealmPartition& share) {
  rows_of(pool_, share).forget_ended([&](Cell cell) { free_session(cell); });
}

}  // namespace presence
