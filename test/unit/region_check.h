// region_check.h: whether everything in a region hangs together.
#pragma once

#include <string>

#include "core/region.h"

namespace presence::test {

// The first thing that is wrong, in words; empty when nothing is. `held` is how many cells
// wishes hold, which no user knows of. Nobody changes the region meanwhile.
//
// Each user is in exactly one list, the right one, in its place; lists know their length; each
// user is found by its key; the heap is a heap of the irregular users and of nobody else; the
// lists of the worker and the states of the users say the same; each cell that was taken is
// reached exactly once.
std::string find_problem(const Region& region, uint32_t held = 0);

}  // namespace presence::test
