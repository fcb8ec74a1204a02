// activity_rows.cpp: batches of what people did.
//
// What is queued is lost in a crash; what the worker has taken and could not write goes back.
#include "postgres/worker/activity_rows.h"

#include "postgres/extension.h"
#include "postgres/shared/work.h"
#include "postgres/tables/access.h"
#include "postgres/tables/activities.h"
#include "postgres/worker/attempt.h"

extern "C" {
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace presence {

namespace {

constexpr int rows_at_once = 1000;  // a row takes much less than that of a user

ActivityView* batch() {
  static ActivityView* only;
  if (!only)
    only = static_cast<ActivityView*>(
        MemoryContextAllocHuge(TopMemoryContext, sizeof(ActivityView) * rows_at_once));
  return only;
}

struct Writing {
  RealmRef realm;
  bool locked;  // the table was ours
  int count;
};

void write_in_transaction(void* context) {
  auto* writing = static_cast<Writing*>(context);
  const RealmRef& realm = writing->realm;
  writing->locked = ConditionalLockRelationOid(extension().user_activities, RowExclusiveLock);
  if (!writing->locked) return;
  ActivityView* activities = batch();
  realm.control().writer.store(GetCurrentTransactionId());
  for (uint32_t partition = 0; writing->count < rows_at_once; writing->count++)
    if (!begin_writing_activity(realm, partition, activities[writing->count])) break;
  if (writing->count == 0) return;
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin_worker();
  write_activities(activities, writing->count);
  access.end();
  PopActiveSnapshot();
}

}  // namespace

Written write_activity_rows(const RealmRef& realm) {
  Writing writing{realm, false, 0};
  const bool committed =
      attempt("write activities", "See presence_info().", write_in_transaction, &writing);
  end_activities(realm, committed);
  realm.control().writer.store(InvalidTransactionId);
  if (!committed || !writing.locked) return Written::blocked;
  return writing.count == rows_at_once ? Written::more : Written::all;
}

}  // namespace presence
