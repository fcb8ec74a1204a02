// candidates.h: candidates for a list, copied out of shared memory.
#pragma once

#include "postgres/shared/many.h"

extern "C" {
#include "utils/memutils.h"
}

namespace presence {

// Grows as needed; the memory of the function's call.
template <typename Item>
struct Collected {
  Item* items = nullptr;
  size_t count = 0;
  size_t capacity = 0;

  // All that `collect` finds, which writes as many as there is room for and says how many there
  // are; whoever comes in between is there, too.
  template <typename Collect>
  void add_all(Collect collect) {
    for (;;) {
      const size_t found = collect(std::span<Item>{items + count, capacity - count});
      if (found <= capacity - count) {
        count += found;
        return;
      }
      grow(count + found + found / 4);
    }
  }
  Item& add() {
    if (count == capacity) grow(count * 2 + 16);
    return items[count++];
  }

 private:
  void grow(size_t to) {
    capacity = to;
    const Size bytes = sizeof(Item) * capacity;
    items = static_cast<Item*>(items ? repalloc_huge(items, bytes)
                                     : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
  }
};

using Candidates = Collected<Candidate>;
using Specials = Collected<Special>;

// The last seen first, then by id.
struct Ordered {
  const Candidate** items;
  size_t count;
};
Ordered in_order(const Candidates& candidates);
// The same of those who may have been found in two ways.
Ordered each_once_in_order(const Candidates& candidates);

// Members of a channel behind a user, or from the first on, latest activity first: so many, or all
// there are. Nothing: that user is no member.
struct FoundMembers {
  MemberCandidate* items;
  size_t count;
};
std::optional<FoundMembers> collect_at_most(size_t most, const RealmRef& realm,
                                            const ChannelKey& channel, const UserKey* after,
                                            Time not_before);

// Those who are here and whom a viewer sees otherwise than strangers do, each once: by a relation,
// as a member of a channel of the viewer, or as itself.
Specials special_to(const RealmRef& realm, const Viewer& viewer);
// The same of those who may be on a list of so many of each status.
Specials special_to(const RealmRef& realm, const Viewer& viewer, int most, Time not_before);

}  // namespace presence
