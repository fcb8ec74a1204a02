// taken.h: what the worker has taken out of shared memory to write it, in one transaction.
#pragma once

#include "postgres/boundary.h"

extern "C" {
#include "utils/memutils.h"
}

namespace presence {

// In memory of the transaction: a view is large, and most batches are small.
template <typename View>
class Taken {
 public:
  // Takes at most so many, one by one, until `take(partition, view)` says that there are no more.
  template <typename Take>
  Taken(int most, Take take) {
    for (uint32_t partition = 0; count_ < most; count_++) {
      make_space();
      if (!take(partition, views_[count_])) return;
    }
  }

  int count() const { return count_; }
  const View& operator[](int i) const { return views_[i]; }

 private:
  void make_space() {
    if (count_ < capacity_) return;
    capacity_ = capacity_ == 0 ? 16 : 4 * capacity_;
    const Size bytes = sizeof(View) * static_cast<Size>(capacity_);
    views_ = static_cast<View*>(views_ ? repalloc_huge(views_, bytes)
                                       : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
  }

  View* views_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

}  // namespace presence
