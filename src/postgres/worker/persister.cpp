// persister.cpp: batches of rows and their history.
//
// It never waits for an application: whoever is claimed is left out, existing rows are locked with
// SKIP LOCKED, and the tables are locked only if they are free at once. It publishes its xid before
// it marks a user, so that a set_status that finds the mark knows whom to wait for.
#include "postgres/worker/persister.h"

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/work.h"
#include "postgres/tables/rows.h"
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

constexpr int batch_columns = 10;
#define BATCH_ROWS                                               \
  "unnest($1, $2, $3, $4, $5, $6, $7, $8, $10) WITH ORDINALITY " \
  "AS r(user_id, status, message, last_seen, page, count, changed_at, reason, data, place)"
#define BATCH_TYPES                                                                            \
  {                                                                                            \
    TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT4ARRAYOID, \
        TIMESTAMPTZARRAYOID, TEXTARRAYOID, TIMESTAMPTZOID, JSONBARRAYOID                       \
  }

// The rows that are there and that nobody has locked. Says what they said before.
Statement update_rows = {
    "WITH old AS MATERIALIZED ("
    "  SELECT r.*, p.status AS was FROM " BATCH_ROWS
    ", LATERAL ("
    "    SELECT p.status FROM %s.user_presence p WHERE p.user_id = r.user_id "
    "    FOR NO KEY UPDATE SKIP LOCKED) p) "
    "UPDATE %s.user_presence p SET status = old.status, status_message = old.message, "
    "last_seen = old.last_seen, current_page = old.page, activity_count = old.count, "
    "user_data = old.data, updated_at = $9, "
    "auto_away_at = CASE WHEN old.reason = 'idle_timeout' AND old.status = 'away' "
    "  AND old.was <> 'away' THEN old.changed_at ELSE p.auto_away_at END, "
    "went_offline_at = CASE WHEN old.status = 'offline' AND old.was <> 'offline' "
    "  THEN old.changed_at ELSE p.went_offline_at END "
    "FROM old WHERE p.user_id = old.user_id RETURNING p.user_id, old.was",
    batch_columns, BATCH_TYPES};

// The rows that are not there.
Statement add_rows = {
    "INSERT INTO %s.user_presence (user_id, status, status_message, last_seen, current_page, "
    "  activity_count, user_data, updated_at, auto_away_at, went_offline_at) "
    "SELECT r.user_id, r.status, r.message, r.last_seen, r.page, r.count, r.data, $9, "
    "  CASE WHEN r.reason = 'idle_timeout' AND r.status = 'away' THEN r.changed_at END, "
    "  CASE WHEN r.status = 'offline' THEN r.changed_at END "
    "FROM " BATCH_ROWS
    " WHERE NOT EXISTS "
    "  (SELECT FROM %s.user_presence p WHERE p.user_id = r.user_id) "
    "ON CONFLICT (user_id) DO NOTHING RETURNING user_id, 'offline'",
    batch_columns, BATCH_TYPES};

// The users whose rows are being written, and which of them are.
struct Batch {
  UserView users[batch_rows];
  bool written[batch_rows];
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

void take_batch(const RealmRef& realm, int most, Batch& batch) {
  const Policy policy = current_policy();
  const Time now = current_time();
  batch.count = 0;
  for (uint32_t partition = 0; batch.count < most;) {
    UserView& user = batch.users[batch.count];
    if (!begin_writing(realm, partition, policy, now, user)) return;
    batch.written[batch.count++] = false;
  }
}

struct Columns {
  Datum values[batch_columns];
};

Columns columns_of(const Batch& batch) {
  const int count = batch.count;
  Column ids(TEXTOID, count), statuses(TEXTOID, count), messages(TEXTOID, count);
  Column seen(TIMESTAMPTZOID, count), pages(TEXTOID, count), counts(INT4OID, count);
  Column changed(TIMESTAMPTZOID, count), reasons(TEXTOID, count), data(JSONBOID, count);
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
    if (user.data_bytes > 0)
      data.add(jsonb_of_bytes(user.data()));
    else
      data.add_null();
  }
  return {{ids.array(), statuses.array(), messages.array(), seen.array(), pages.array(),
           counts.array(), changed.array(), reasons.array(), TimestampTzGetDatum(now),
           data.array()}};
}

Time moment_of(const UserView& user, Time now) {
  return user.changed_at == forever_ago ? now : user.changed_at;
}

// Takes down which users the last statement wrote, and the steps that are history.
int note_written(Batch& batch, HTAB* places, uint64 rows, Step* steps) {
  int count = 0;
  for (uint64 i = 0; i < rows; i++) {
    Datum id;
    Datum was;
    if (!get_value(i, 1, id) || !get_value(i, 2, was)) continue;
    const int place = place_of(places, text_of(id));
    if (place < 0) continue;
    batch.written[place] = true;
    const UserView& user = batch.users[place];
    const Status from = status_named(text_of(was)).value_or(Status::offline);
    if (from != user.status)
      steps[count++] = {user.id(), from, user.status, moment_of(user, current_time()),
                        user.reason_name()};
  }
  return count;
}

void write_batch(Batch& batch) {
  auto* ids = static_cast<std::string_view*>(
      palloc(sizeof(std::string_view) * static_cast<Size>(batch.count)));
  for (int i = 0; i < batch.count; i++) ids[i] = batch.users[i].id();
  HTAB* places = places_of(ids, batch.count);
  auto* steps = static_cast<Step*>(palloc(sizeof(Step) * static_cast<Size>(batch.count)));
  Columns columns = columns_of(batch);

  uint64 rows = run(update_rows, columns.values, nullptr);
  int step_count = note_written(batch, places, rows, steps);
  if (rows < static_cast<uint64>(batch.count)) {
    rows = run(add_rows, columns.values, nullptr);
    step_count += note_written(batch, places, rows, steps + step_count);
  }
  write_history(steps, step_count);
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
  int most;
  bool locked;  // the tables were ours
};

// Partitions are locked by the statements, and a restore may have put in a row that is not
// committed: neither may hold up anybody else for long.
void write_in_transaction(void* context) {
  auto* writing = static_cast<Writing*>(context);
  writing->locked = lock_tables();
  if (!writing->locked) return;
  writing->realm.control().writer.store(GetCurrentTransactionId());
  take_batch(writing->realm, writing->most, *writing->batch);
  if (writing->batch->count == 0) return;
  // Taken after the marks: whoever wrote a row before them is seen.
  PushActiveSnapshot(GetTransactionSnapshot());
  TableAccess access;
  access.begin_worker();
  write_batch(*writing->batch);
  access.end();
  PopActiveSnapshot();
}

}  // namespace

Outcome write_user_rows(const RealmRef& realm, int most) {
  Writing writing{realm, batch(), most, false};
  writing.batch->count = 0;
  const bool committed =
      attempt("write its rows", "See presence_info().", write_in_transaction, &writing);
  const bool all = settle_batch(realm, *writing.batch, committed);
  if (!committed) return writing.batch->count > 0 ? Outcome::failed : Outcome::blocked;
  if (!writing.locked) return Outcome::blocked;
  return all ? Outcome::written : Outcome::held;
}

}  // namespace presence
