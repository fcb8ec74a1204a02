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

// The same of those of whom strangers see the status.
void count_seen_users(const RealmRef& realm, const Policy& policy, Time now, Counts& counts);

// How recently seen the last of the best `cutoff.best.size()` users of a status is; with a viewer
// of those who are open, and to whom it has no relation that says otherwise.
void find_cutoff(const RealmRef& realm, Status status, const Viewer* viewer, const Policy& policy,
                 Time now, Cutoff& cutoff);

// Each writes as many as there is room for and returns how many there are.
// Of a partition, the same users.
std::size_t collect_users(const RealmRef& realm, uint32_t partition, Status status,
                          const Viewer* viewer, const Policy& policy, Time not_before,
                          std::span<Candidate> room);
// Of a partition, the users of a kind, whoever looks.
std::size_t collect_users_of(const RealmRef& realm, uint32_t partition, Status status,
                             UserKind kind, std::span<Candidate> room);
// Those who are here and whom the viewer sees otherwise than strangers do, by a relation: how many
// it sees and how recently the best of each status were seen, and of a partition all, or those who
// reach that.
std::size_t find_related_cutoffs(const RealmRef& realm, const Viewer& viewer, const Policy& policy,
                                 Time now, Cutoffs& cutoffs);
std::size_t collect_related_users(const RealmRef& realm, uint32_t partition, const Viewer& viewer,
                                  const Policy& policy, Time now, const Cutoffs* cutoffs,
                                  std::span<Special> room);

}  // namespace presence
