// persister.cpp: batches of rows and their history.
//
// It never waits for an application: whoever is claimed is left out, existing rows are locked with SKIP
// LOCKED, and the tables are locked only if they are free at once. It publishes its xid before it
// marks a user, so that a set_status that finds the mark knows whom to wait for.
#include "postgres/worker/persister.h"

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/work.h"
#include "postgres/tables/arrays.h"
#include "postgres/worker/attempt.h"

extern "C" {
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

constexpr int rows_at_once = 1000;

// 1: those rows that are there and not locked, 2: written, 3: those that are not there, added. A
// row that is locked is in neither. History has the step from what the row said.
Statement write_batch = {
    "WITH r AS MATERIALIZED ("
    "  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY "
    "  AS r(user_id, status, message, last_seen, page, count, changed_at, reason, place)), "
    "old AS MATERIALIZED ("
    "  SELECT p.user_id, p.status FROM %s.user_presence p "
    "  WHERE p.user_id = ANY ($1) FOR UPDATE SKIP LOCKED), "
    "updated AS ("
    "  UPDATE %s.user_presence p SET status = r.status, status_message = r.message, "
    "  last_seen = r.last_seen, current_page = r.page, activity_count = r.count, updated_at = $9, "
    "  auto_away_at = CASE WHEN r.reason = 'idle_timeout' AND r.status = 'away' "
    "    AND old.status <> 'away' THEN r.changed_at ELSE p.auto_away_at END, "
    "  went_offline_at = CASE WHEN r.status = 'offline' AND old.status <> 'offline' "
    "    THEN r.changed_at ELSE p.went_offline_at END "
    "  FROM r JOIN old USING (user_id) WHERE p.user_id = r.user_id "
    "  RETURNING r.place), "
    "added AS ("
    "  INSERT INTO %s.user_presence (user_id, status, status_message, last_seen, current_page, "
    "    activity_count, updated_at, auto_away_at, went_offline_at) "
    "  SELECT r.user_id, r.status, r.message, r.last_seen, r.page, r.count, $9, "
    "    CASE WHEN r.reason = 'idle_timeout' AND r.status = 'away' THEN r.changed_at END, "
    "    CASE WHEN r.status = 'offline' THEN r.changed_at END "
    "  FROM r WHERE NOT EXISTS "
    "    (SELECT FROM %s.user_presence p WHERE p.user_id = r.user_id) "
    "  ON CONFLICT (user_id) DO NOTHING RETURNING user_id), "
    "done AS MATERIALIZED ("
    "  SELECT place FROM updated "
    "  UNION ALL SELECT r.place FROM added JOIN r USING (user_id)), "
    "history AS ("
    "  INSERT INTO %s.presence_history "
    "    (user_id, previous_status, new_status, changed_at, change_reason) "
    "  SELECT r.user_id, coalesce(old.status, 'offline'), r.status, r.changed_at, r.reason "
    "  FROM done JOIN r USING (place) LEFT JOIN old ON old.user_id = r.user_id "
    "  WHERE r.status <> coalesce(old.status, 'offline')) "
    "SELECT place::int FROM done",
    9,
    {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT4ARRAYOID,
     TIMESTAMPTZARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID}};

Statement maintain = {"SELECT %s.presence_maintain_history($1, $2)",
                      2,
                      {TIMESTAMPTZOID, INTERVALOID}};

// The users whose rows are being written, and which of them are.
struct Batch {
  UserView users[rows_at_once];
  bool written[rows_at_once];
  int count;
};

Batch* batch() {
  static Batch* only;
  if (!only) only = static_cast<Batch*>(MemoryContextAllocHuge(TopMemoryContext, sizeof(Batch)));
  return only;
}

bool lock_tables() {
  const Extension& ours = extension();
  return ConditionalLockRelationOid(ours.user_presence, RowExclusiveLock) &&
         ConditionalLockRelationOid(ours.presence_history, RowExclusiveLock);
}

void take_batch(const RealmRef& realm, Batch& batch) {
  const Policy policy = current_policy();
  const Time now = current_time();
  batch.count = 0;
  for (uint32_t partition = 0; batch.count < rows_at_once;) {
    UserView& user = batch.users[batch.count];
    if (!begin_writing(realm, partition, policy, now, user)) return;
    batch.written[batch.count++] = false;
  }
}

void write_rows(Batch& batch) {
  const int count = batch.count;
  Column ids(TEXTOID, count), statuses(TEXTOID, count), messages(TEXTOID, count);
  Column seen(TIMESTAMPTZOID, count), pages(TEXTOID, count), counts(INT4OID, count);
  Column changed(TIMESTAMPTZOID, count), reasons(TEXTOID, count);
  const Time now = current_time();
  for (int i = 0; i < count; i++) {
    const UserView& user = batch.users[i];
    ids.add_text(user.id());
    statuses.add_text(name_of(user.status));
    messages.add_text_or_null(user.message());
    if (user.has_last_seen)
      seen.add(TimestampTzGetDatum(user.last_seen));
    else
      seen.add_null();
    pages.add_text_or_null(user.page());
    counts.add(Int32GetDatum(static_cast<int32>(user.activity_count)));
    changed.add(TimestampTzGetDatum(user.changed_at == forever_ago ? now : user.changed_at));
    reasons.add_text(user.reason_name());
  }
  Datum values[] = {ids.array(),     statuses.array(), messages.array(),
                    seen.array(),    pages.array(),    counts.array(),
                    changed.array(), reasons.array(),  TimestampTzGetDatum(now)};
  const uint64 done = run(write_batch, values, nullptr);
  for (uint64 i = 0; i < done; i++) {
    Datum place;
    if (get_value(i, 1, place)) batch.written[DatumGetInt32(place) - 1] = true;
  }
}

// What follows when the transaction is over. True: all of them were written.
bool settle_batch(const RealmRef& realm, const Batch& batch, bool committed) {
  bool all = true;
  for (int i = 0; i < batch.count; i++) {
    const UserView& user = batch.users[i];
    const UserKey key = realm.key(user.id());
    if (committed && batch.written[i]) {
      end_writing(realm, key, user.cell);
    } else {
      give_up_writing(realm, key, user.cell);
      all = false;
    }
  }
  realm.control().writer.store(InvalidTransactionId);
  return all;
}

struct Writing {
  RealmRef realm;
  Batch* batch;
  bool locked;  // the tables were ours
};

void write_in_transaction(void* context) {
  auto* writing = static_cast<Writing*>(context);
  writing->locked = lock_tables();
  if (!writing->locked) return;
  writing->realm.control().writer.store(GetCurrentTransactionId());
  take_batch(writing->realm, *writing->batch);
  if (writing->batch->count == 0) return;
  // Taken after the marks: whoever wrote a row before them is seen.
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin();
  write_rows(*writing->batch);
  access.end();
  PopActiveSnapshot();
}

}  // namespace

Written write_waiting_rows(const RealmRef& realm) {
  Writing writing{realm, batch(), false};
  writing.batch->count = 0;
  const bool committed =
      attempt("write its rows", "See presence_info().", write_in_transaction, &writing);
  const bool all = settle_batch(realm, *writing.batch, committed);
  if (!committed || !writing.locked || !all) return Written::blocked;
  return writing.batch->count == rows_at_once ? Written::more : Written::all;
}

// ---- history's partitions --------------------------------------------------

namespace {

constexpr Duration looks_every = 60 * minute;
constexpr Duration tries_again_after = minute;

void maintain_in_transaction(void* now) {
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin();
  (void)set_config_option("lock_timeout", "100", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
                          0, false);
  Interval retention{};
  retention.time = settings.history_retention * minute;
  Datum values[] = {TimestampTzGetDatum(*static_cast<Time*>(now)), IntervalPGetDatum(&retention)};
  run(maintain, values, nullptr);
  access.end();
  PopActiveSnapshot();
}

}  // namespace

void maintain_history(const RealmRef& realm) {
  static Time next;
  static uint64_t of_realm;
  Time now = current_time();
  if (of_realm == realm.identity && now < next) return;
  of_realm = realm.identity;
  const bool done = attempt("maintain the partitions of its history",
                            "Somebody may have locked presence_history.", maintain_in_transaction,
                            &now);
  next = now + (done ? looks_every : tries_again_after);
}

}  // namespace presence
