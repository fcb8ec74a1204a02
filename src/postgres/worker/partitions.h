// partitions.h: the weeks of history and activities.
#pragma once

#include "core/types.h"

namespace presence {

enum class Kept : unsigned char { history, activities };

// When the partitions of a table are looked at again.
struct PartitionPlan {
  bool grows = false;  // the table has got or gets a row: it may need a partition
  Time next_make = 0;
  Time next_drop = 0;
};

// Each works in a transaction of its own, unless it is too early, and moves on the moment.
// Makes the partitions of this week and the next, if the table grows.
void make_partitions(Kept table, PartitionPlan& plan);
// Drops those that are older than the retention, once a week.
void drop_partitions(Kept table, PartitionPlan& plan);
// When the next of the two is due.
Time next_of(const PartitionPlan& plan);

}  // namespace presence
