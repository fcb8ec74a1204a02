// candidates.h: candidates for a list, copied out of shared memory.
#pragma once

#include "postgres/shared/many.h"

extern "C" {
#include "utils/memutils.h"
}

namespace presence {

// Grows as needed; the memory of the function's call.
struct Candidates {
  Candidate* items = nullptr;
  size_t count = 0;
  size_t capacity = 0;

  // All that `collect` finds, which writes as many as there is room for and says how many there
  // are; whoever comes in between is there, too.
  template <typename Collect>
  void add(Collect collect) {
    for (;;) {
      const size_t found = collect(std::span<Candidate>{items + count, capacity - count});
      if (found <= capacity - count) {
        count += found;
        return;
      }
      grow(count + found + found / 4);
    }
  }
  void add(std::string_view id, Time last_seen);

  // Each user once, the last seen first, then by id.
  void sort();

 private:
  void grow(size_t to);
};

// Who may be seen by a viewer without being open to all: to whom it has a relation, the members of
// its channels, and itself. Each once.
Candidates special_to(const RealmRef& realm, const Viewer& viewer);

}  // namespace presence
