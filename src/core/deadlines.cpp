// deadlines.cpp: the pairing heap. heap_prev of a first child is its parent.
#include "deadlines.h"

#include <utility>

namespace presence {

namespace {

Cell meld(CellPool& pool, Cell a, Cell b) {
  if (a == no_cell) return b;
  if (b == no_cell) return a;
  if (pool.at<User>(b).due < pool.at<User>(a).due) std::swap(a, b);
  User& parent = pool.at<User>(a);
  User& child = pool.at<User>(b);
  child.heap_next = parent.heap_child;
  if (parent.heap_child != no_cell) pool.at<User>(parent.heap_child).heap_prev = b;
  child.heap_prev = a;
  parent.heap_child = b;
  return a;
}

// Melds siblings in pairs from the left, then the pairs from the right.
Cell meld_siblings(CellPool& pool, Cell first) {
  Cell pairs = no_cell;  // linked by heap_prev, the last pair first
  while (first != no_cell) {
    const Cell a = first;
    const Cell b = pool.at<User>(a).heap_next;
    first = b == no_cell ? no_cell : pool.at<User>(b).heap_next;
    pool.at<User>(a).heap_next = pool.at<User>(a).heap_prev = no_cell;
    if (b != no_cell) pool.at<User>(b).heap_next = pool.at<User>(b).heap_prev = no_cell;
    const Cell pair = meld(pool, a, b);
    pool.at<User>(pair).heap_prev = pairs;
    pairs = pair;
  }
  Cell root = no_cell;
  while (pairs != no_cell) {
    const Cell next = pool.at<User>(pairs).heap_prev;
    pool.at<User>(pairs).heap_prev = no_cell;
    root = meld(pool, root, pairs);
    pairs = next;
  }
  return root;
}

}  // namespace

void add_deadline(CellPool& pool, Cell& root, Cell cell) {
  User& user = pool.at<User>(cell);
  user.heap_child = user.heap_next = user.heap_prev = no_cell;
  user.in_heap = true;
  root = meld(pool, root, cell);
}

void remove_deadline(CellPool& pool, Cell& root, Cell cell) {
  User& user = pool.at<User>(cell);
  const Cell below = meld_siblings(pool, user.heap_child);
  if (cell == root) {
    root = below;
  } else {
    User& before = pool.at<User>(user.heap_prev);
    (before.heap_child == cell ? before.heap_child : before.heap_next) = user.heap_next;
    if (user.heap_next != no_cell) pool.at<User>(user.heap_next).heap_prev = user.heap_prev;
    root = meld(pool, root, below);
  }
  user.heap_child = user.heap_next = user.heap_prev = no_cell;
  user.in_heap = false;
}

}  // namespace presence
