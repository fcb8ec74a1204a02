// by_partition.h: a batch in the order of its partitions, so that each one's lock is taken once.
#pragma once

#include <algorithm>

#include "core/user.h"

namespace presence {

// The places of a batch, grouped by their partition and in the order given until they are sorted.
struct ByPartition {
  static constexpr int nowhere = partition_count;  // of those that belong to none

  int* places;
  int starts[partition_count + 2];

  // `room` is for as many integers as the batch has elements; `partition_of(i)` is asked twice.
  template <typename PartitionOf>
  ByPartition(int count, PartitionOf partition_of, int* room) : places(room), starts{} {
    for (int i = 0; i < count; i++) starts[partition_of(i) + 1]++;
    for (int i = 0; i <= nowhere; i++) starts[i + 1] += starts[i];
    int next[partition_count + 1];
    std::copy_n(starts, partition_count + 1, next);
    for (int i = 0; i < count; i++) places[next[partition_of(i)]++] = i;
  }

  // Orders those of each partition.
  template <typename Less>
  void sort(Less less) {
    for (int partition = 0; partition < nowhere; partition++) {
      int* const begin = places + starts[partition];
      int* const end = places + starts[partition + 1];
      if (!std::is_sorted(begin, end, less)) std::sort(begin, end, less);
    }
  }

  // Calls `use(partition, places, count)` with portions of at most so many.
  template <typename Use>
  void for_each_portion(int at_most, Use use) const {
    for (int partition = 0; partition < nowhere; partition++)
      for (int at = starts[partition]; at < starts[partition + 1]; at += at_most)
        use(static_cast<uint32_t>(partition), places + at,
            std::min(at_most, starts[partition + 1] - at));
  }
};

}  // namespace presence
