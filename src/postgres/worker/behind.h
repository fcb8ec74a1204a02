// behind.h: rows that the worker writes behind, of sessions and of members: what is the same for
// both.
//
// One transaction deletes the rows of those that are over and writes the rows that wait for it.
// Rows that somebody has locked are held for another time.
#pragma once

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/tables/access.h"
#include "postgres/worker/attempt.h"
#include "postgres/worker/batches.h"

extern "C" {
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace presence {

// What was taken out of shared memory. In memory of the transaction: a view is large, and most
// batches are small.
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

// What is special about one kind of rows.
template <typename View>
struct RowsBehind {
  const char* task;  // as the log says it when it fails
  Oid Extension::*table;
  bool (*begin_deleting)(const RealmRef&, uint32_t& partition, View&);
  bool (*begin_writing)(const RealmRef&, uint32_t& partition, const Policy&, Time now, View&);
  void (*leave)(const RealmRef&, const View&);
  void (*end)(const RealmRef&, bool committed);
  // Mark the places of a batch whose rows somebody has locked.
  void (*delete_rows)(const Taken<View>&, bool* locked);
  void (*write_rows)(const Taken<View>&, bool* locked);
};

template <typename View>
struct WritingBehind {
  const RealmRef& realm;
  const RowsBehind<View>& rows;
  int most;
  int taken = 0;
  bool locked = false;  // the table was ours
  bool held = false;    // rows that somebody else had locked

  using Work = void (*)(const Taken<View>&, bool* locked);

  void run(const Taken<View>& views, Work work) {
    if (views.count() == 0) return;
    auto* marks = static_cast<bool*>(palloc0(static_cast<Size>(views.count())));
    work(views, marks);
    for (int i = 0; i < views.count(); i++) {
      if (!marks[i]) continue;
      rows.leave(realm, views[i]);
      held = true;
    }
  }

  void run() {
    locked = ConditionalLockRelationOid(extension().*rows.table, RowExclusiveLock);
    if (!locked) return;
    realm.control().writer.store(GetCurrentTransactionId());
    const Taken<View> ended(most, [&](uint32_t& partition, View& out) {
      return rows.begin_deleting(realm, partition, out);
    });
    taken = ended.count();
    const Policy policy = current_policy();
    const Time now = current_time();
    const Taken<View> waiting(most - taken, [&](uint32_t& partition, View& out) {
      return rows.begin_writing(realm, partition, policy, now, out);
    });
    taken += waiting.count();
    PushActiveSnapshot(GetTransactionSnapshot());
    TableAccess access;
    access.begin_worker();
    run(ended, rows.delete_rows);
    run(waiting, rows.write_rows);
    access.end();
    PopActiveSnapshot();
  }
};

template <typename View>
Outcome write_behind(const RealmRef& realm, const RowsBehind<View>& rows, int most) {
  WritingBehind<View> writing{realm, rows, most};
  const bool committed = attempt(
      rows.task, "See presence_info().",
      [](void* context) { static_cast<WritingBehind<View>*>(context)->run(); }, &writing);
  rows.end(realm, committed && writing.locked);
  realm.control().writer.store(InvalidTransactionId);
  if (!committed) return writing.taken > 0 ? Outcome::failed : Outcome::blocked;
  if (!writing.locked) return Outcome::blocked;
  return writing.held ? Outcome::held : Outcome::written;
}

}  // namespace presence
