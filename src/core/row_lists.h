// row_lists.h: which records of a partition the worker must write to their table or delete from it.
//
// A record is in the list of its state. The worker has one open transaction at most, so the lists
// `writing` and `deleting` are what it has taken: no record needs to be found again when that is
// over. `Record` is Session or Member.
#pragma once

#include <array>

#include "cells.h"
#include "row_state.h"

namespace presence {

template <typename Record>
class RowLists {
 public:
  RowLists(CellPool& pool, std::array<Cell, row_lists>& heads) : pool_(pool), heads_(heads) {}

  Cell first(RowState state) const { return heads_[static_cast<uint8_t>(state)]; }
  bool has(RowState state) const { return first(state) != no_cell; }

  // What is being written or deleted just now waits until that is over.
  void mark(Cell cell, RowState state) {
    Record& marked = pool_.at<Record>(cell);
    const bool is_taken = marked.row == RowState::writing || marked.row == RowState::deleting;
    if (is_taken && state == RowState::waiting) {
      marked.written_again = true;
      return;
    }
    move(cell, state);
  }

  // Only what may wait for the flush differs. True: it is the first, so a flush must be planned.
  bool mark_dirty(Cell cell) {
    Record& marked = pool_.at<Record>(cell);
    if (marked.row == RowState::writing) marked.written_again = true;
    if (marked.row != RowState::current) return false;
    const bool is_first = !has(RowState::dirty);
    move(cell, RowState::dirty);
    return is_first;
  }

  Cell begin_deleting() {
    const Cell cell = first(RowState::ended);
    if (cell == no_cell) return no_cell;
    move(cell, RowState::deleting);
    pool_.at<Record>(cell).written_again = false;
    return cell;
  }

  Cell begin_writing() {
    const Cell cell = first(RowState::waiting);
    if (cell == no_cell) return no_cell;
    move(cell, RowState::writing);
    Record& taken = pool_.at<Record>(cell);
    taken.has_row = true;
    taken.written_again = false;
    return cell;
  }

  // One that was taken is held until try_again(), if it has not been taken away by a reset.
  void leave(Cell cell) {
    if (is_in(RowState::writing, cell))
      move(cell, RowState::held);
    else if (is_in(RowState::deleting, cell))
      end_deleting(cell, false);
  }

  // The worker's transaction is over. What is not committed is held. `written(record)` is told of
  // each whose row says all that memory says, and `deleted(cell)` of each that has no row any more.
  template <typename Written, typename Deleted>
  void end(bool committed, Written written, Deleted deleted) {
    for (Cell cell; (cell = first(RowState::writing)) != no_cell;) {
      Record& record = pool_.at<Record>(cell);
      const bool done = committed && !record.written_again;
      if (done) written(record);
      move(cell, done ? RowState::current : committed ? RowState::waiting : RowState::held);
    }
    for (Cell cell; (cell = first(RowState::deleting)) != no_cell;)
      if (end_deleting(cell, committed)) deleted(cell);
  }

  void flush() { move_all(RowState::dirty, RowState::waiting); }

  void try_again() {
    move_all(RowState::held, RowState::waiting);
    move_all(RowState::held_ended, RowState::ended);
  }

  // The table is empty, or gone: there is nothing to delete.
  template <typename Deleted>
  void forget_ended(Deleted deleted) {
    for (const RowState state : {RowState::ended, RowState::deleting, RowState::held_ended})
      for (Cell cell; (cell = first(state)) != no_cell;) {
        move(cell, RowState::none);
        deleted(cell);
      }
  }

 private:
  // False: it has come back meanwhile, or its row is still there.
  bool end_deleting(Cell cell, bool committed) {
    Record& record = pool_.at<Record>(cell);
    if (record.written_again) {
      move(cell, RowState::waiting);
      return false;
    }
    record.has_row = !committed;
    move(cell, committed ? RowState::none : RowState::held_ended);
    return committed;
  }

  bool is_in(RowState state, Cell cell) const {
    Cell at = first(state);
    while (at != no_cell && at != cell) at = pool_.at<Record>(at).row_next;
    return at != no_cell;
  }

  void move_all(RowState from, RowState to) {
    for (Cell cell; (cell = first(from)) != no_cell;) move(cell, to);
  }

  void move(Cell cell, RowState state) {
    Record& moved = pool_.at<Record>(cell);
    if (moved.row == state) return;
    if (moved.row >= RowState::dirty) {
      Cell& head = heads_[static_cast<uint8_t>(moved.row)];
      (moved.row_prev == no_cell ? head : pool_.at<Record>(moved.row_prev).row_next) =
          moved.row_next;
      if (moved.row_next != no_cell) pool_.at<Record>(moved.row_next).row_prev = moved.row_prev;
    }
    moved.row = state;
    moved.row_next = moved.row_prev = no_cell;
    if (state < RowState::dirty) return;
    Cell& head = heads_[static_cast<uint8_t>(state)];
    moved.row_next = head;
    if (head != no_cell) pool_.at<Record>(head).row_prev = cell;
    head = cell;
  }

  CellPool& pool_;
  std::array<Cell, row_lists>& heads_;
};

}  // namespace presence
