// deadlines.h: irregular users by the moment at which they are due.
//
// A pairing heap whose links lie in the users themselves: the root is the
// earliest, adding is O(1), taking out is O(log n) amortised. Fredman, Sedgewick,
// Sleator and Tarjan, "The pairing heap" (1986).
#pragma once

#include "user.h"

namespace presence {

void add_deadline(CellPool& pool, Cell& root, Cell cell);  // by its `due`
void remove_deadline(CellPool& pool, Cell& root, Cell cell);

}  // namespace presence
