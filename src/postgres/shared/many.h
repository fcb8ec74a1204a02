// many.h: all users of a realm, partition by partition.
//
// Before a partition is read, what is due in it is applied: so what is read is true, also
// when the worker is late or dead.
#pragma once

#include "postgres/shared/state.h"

namespace presence {

// Applies all that is due.
void settle_all(const RealmRef& realm, const Policy& policy, Time now);

void count_users(const RealmRef& realm, const Policy& policy, Time now, Counts& counts);

// How recently seen the last of the best `cutoff.best.size()` users of a status is.
void find_cutoff(const RealmRef& realm, Status status, const Policy& policy, Time now,
                 Cutoff& cutoff);

// Writes as many of a partition as there is room for and returns how many there are.
std::size_t collect_users(const RealmRef& realm, uint32_t partition, Status status, Time not_before,
                          std::span<Candidate> room);

}  // namespace presence
