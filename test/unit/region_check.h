// region_check.h: whether everything in a region hangs together.
#pragma once

#include <span>
#include <string>

#include "core/region.h"

namespace presence::test {

// The first thing that is wrong, in words; empty when nothing is. `held` is how many cells
// wishes hold, which no user knows of, `held_sessions` how many of their sessions a gateway
// counts, and `held_rules` the Visibility of each, which are not among the cells. All users were
// rescheduled by the policy. Nobody changes the region meanwhile.
//
// Each user is in exactly one list, the right one, in its place; lists know their length; each
// user is found by its key; the heap is a heap of the irregular users and of nobody else; the
// lists of the worker and the states of the users say the same. A session with an id is found by
// it and knows its user; one without is alone; one that has ended is only in its list. Gateways
// count their sessions, queues their activities. A member sits in its user's sessions, which count
// that, and is in the lists that it knows of; a channel knows its records, lists who is there and
// counts its members. Rules hang on one user, or wish; whoever is present is in a list of the kind
// that they make it, and everybody was told what they let everybody see. A viewer is held by the
// relations that name it, and lists those of users. Each cell that was taken is reached exactly
// once.
std::string find_problem(const Region& region, uint32_t held = 0, uint32_t held_sessions = 0,
                         const Policy& policy = {}, std::span<const Cell> held_rules = {});

}  // namespace presence::test
