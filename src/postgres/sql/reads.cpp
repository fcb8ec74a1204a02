// reads.cpp: who is here. Shared memory, with this transaction's own changes laid over it.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/many.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/people.h"
#include "postgres/tables/whole.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/timestamp.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"
}

using namespace presence;

PRESENCE_FUNCTION(presence_get) {
  static UserView view;
  extension();
  check_viewer_argument(fcinfo, 1);
  const std::string_view id = id_argument(fcinfo, 0, "user_id");
  TupleDesc type = result_type(fcinfo);
  const HeapTuple tuple = see_user(id, view) ? state_tuple(view, type) : unknown_tuple(id, type);
  PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

PRESENCE_FUNCTION(presence_get_many) {
  static UserView view;
  extension();
  check_viewer_argument(fcinfo, 1);
  if (PG_ARGISNULL(0)) raise_null("user_ids");
  const Elements ids = elements_of(PG_GETARG_ARRAYTYPE_P(0));
  for (int i = 0; i < ids.count; i++) {
    if (ids.nulls[i]) raise_null("an element of user_ids");
    check_id(text_of(ids.values[i]));
  }
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  for (int i = 0; i < ids.count; i++) {
    const std::string_view id = text_of(ids.values[i]);
    const bool known = see_user(id, view);
    tuplestore_puttuple(result->setResult, known ? state_tuple(view, result->setDesc)
                                                 : unknown_tuple(id, result->setDesc));
  }
  return 0;
}

// Memory only: of somebody who is not there it says offline, which is true.
PRESENCE_FUNCTION(presence_status) {
  static UserView view;
  const Extension& ours = extension();
  check_viewer_argument(fcinfo, 1);
  const std::string_view id = id_argument(fcinfo, 0, "user_id");
  Status status = Status::offline;
  if (RecoveryInProgress() || !ours.realm.complete()) {
    if (see_user(id, view)) status = view.status;
  } else {
    const UserKey key = ours.realm.key(id);
    status_of_user(ours.realm, key, wishes_for(key), current_policy(), current_time(), status);
  }
  PG_RETURN_DATUM(text_datum(name_of(status)));
}

// ---- all of them -----------------------------------------------------------

namespace presence {

namespace {

struct Listed {
  Status status;
  Time last_seen;
  std::string_view id;
  HeapTuple tuple;
};

// online, busy, away.
int rank_of(Status status) {
  switch (status) {
    case Status::online:
      return 0;
    case Status::busy:
      return 1;
    case Status::away:
      return 2;
    case Status::offline:
      return 3;
  }
  return 3;
}

bool comes_before(const Listed& a, const Listed& b) {
  if (a.status != b.status) return rank_of(a.status) < rank_of(b.status);
  if (a.last_seen != b.last_seen) return a.last_seen > b.last_seen;
  return a.id < b.id;
}

struct Wanted {
  int most;
  Time not_before;
  bool statuses[4];  // by Status

  bool admits(const UserView& view) const {
    return statuses[static_cast<int>(view.status)] && view.last_seen >= not_before;
  }
};

// Grows as needed; the memory of the function's call.
struct Listing {
  Listed* items = nullptr;
  int count = 0;
  int capacity = 0;
  TupleDesc type;

  void add(const UserView& view) {
    if (count == capacity) {
      capacity = capacity == 0 ? 128 : capacity * 2;
      const Size bytes = sizeof(Listed) * static_cast<Size>(capacity);
      items = static_cast<Listed*>(items ? repalloc_huge(items, bytes)
                                         : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
    }
    char* id = static_cast<char*>(palloc(view.id_bytes));
    memcpy(id, view.id_text, view.id_bytes);
    items[count++] = {view.status, view.last_seen, {id, view.id_bytes}, state_tuple(view, type)};
  }
};

struct Candidates {
  Candidate* items = nullptr;
  size_t count = 0;
  size_t capacity = 0;

  // All of a partition that are not older than the cutoff; whoever came in between is there, too.
  void add(const RealmRef& realm, uint32_t partition, Status status, Time not_before) {
    for (;;) {
      const size_t room = capacity - count;
      const size_t found =
          collect_users(realm, partition, status, not_before, {items + count, room});
      if (found <= room) {
        count += found;
        return;
      }
      capacity = count + found + found / 4;
      const Size bytes = sizeof(Candidate) * capacity;
      items = static_cast<Candidate*>(items ? repalloc_huge(items, bytes)
                                            : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
    }
  }
};

// The best users of a status as everybody sees them.
void list_status(const RealmRef& realm, Status status, const Wanted& wanted, int most,
                 Listing& list) {
  static UserView view;
  const Policy policy = current_policy();
  const Time now = current_time();
  Cutoff cutoff;
  cutoff.best = {static_cast<Time*>(MemoryContextAllocHuge(CurrentMemoryContext,
                                                           sizeof(Time) * static_cast<Size>(most))),
                 static_cast<size_t>(most)};
  cutoff.not_before = wanted.not_before;
  find_cutoff(realm, status, policy, now, cutoff);
  const bool all = cutoff.count < static_cast<size_t>(most);
  const Time not_before = all ? wanted.not_before : cutoff.best[0];

  Candidates candidates;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    candidates.add(realm, partition, status, not_before);
  std::sort(candidates.items, candidates.items + candidates.count,
            [](const Candidate& a, const Candidate& b) {
              return a.last_seen != b.last_seen ? a.last_seen > b.last_seen : a.id() < b.id();
            });
  int listed = 0;
  for (size_t i = 0; i < candidates.count && listed < most; i++) {
    CHECK_FOR_INTERRUPTS();
    const UserKey key = realm.key(candidates.items[i].id());
    if (!wishes_for(key).empty()) continue;  // listed as this transaction sees them
    if (view_user(realm, key, {}, policy, now, view) != Answer::done) continue;
    if (view.status != status || view.last_seen < wanted.not_before) continue;
    list.add(view);
    listed++;
  }
}

struct OwnChanges {
  const Wanted* wanted;
  Listing* list;
};

void add_own(const ClaimedUser& user, void* context) {
  static UserView view;
  auto* own = static_cast<OwnChanges*>(context);
  if (see_user(user.id(), view) && own->wanted->admits(view)) own->list->add(view);
}

Wanted wanted_users(FunctionCallInfo fcinfo) {
  Wanted wanted{};
  wanted.most = int_argument(fcinfo, 0, "max_users", 0);
  wanted.most = static_cast<int>(
      Min(static_cast<uint32_t>(wanted.most), Min(shared.region.pool.count(), 1u << 30)));
  if (PG_ARGISNULL(2)) raise_null("statuses");
  const Elements statuses = elements_of(PG_GETARG_ARRAYTYPE_P(2));
  for (int i = 0; i < statuses.count; i++) {
    if (statuses.nulls[i]) raise_null("an element of statuses");
    const Status status = status_of_text(text_of(statuses.values[i]));
    if (status == Status::offline)
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("presence_online_users() does not list users who are offline"),
                      errhint("The table user_presence has a row for each of them.")));
    wanted.statuses[static_cast<int>(status)] = true;
  }
  wanted.not_before = forever_ago;
  if (!PG_ARGISNULL(3)) {
    const Datum now = TimestampTzGetDatum(current_time());
    wanted.not_before =
        DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, now, PG_GETARG_DATUM(3)));
  }
  return wanted;
}

// On a standby the tables are all there is.
void list_rows(const Wanted& wanted, Listing& list) {
  static Statement query = {
      "SELECT user_id FROM %s.user_presence WHERE status <> 'offline'", 0, {}};
  static UserView view;
  TableAccess access;
  MemoryContext caller = CurrentMemoryContext;
  access.begin();
  const uint64 found = run_fresh(query, nullptr, nullptr);
  SPITupleTable* rows = SPI_tuptable;
  for (uint64 i = 0; i < found; i++) {
    bool is_null;
    const Datum id = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &is_null);
    if (!see_user(text_of(id), view) || !wanted.admits(view)) continue;
    MemoryContext before = MemoryContextSwitchTo(caller);
    list.add(view);
    MemoryContextSwitchTo(before);
  }
  access.end();
}

void list_memory(const Wanted& wanted, Listing& list) {
  const RealmRef realm = whole_realm();
  // This transaction's own users are left out and added as it sees them.
  int left = wanted.most;
  for (const Status status : {Status::online, Status::busy, Status::away}) {
    if (!wanted.statuses[static_cast<int>(status)] || left <= 0) continue;
    const int before = list.count;
    list_status(realm, status, wanted, left + wisher_count(), list);
    left -= list.count - before;
  }
  OwnChanges own{&wanted, &list};
  for_each_wisher(add_own, &own);
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_online_users) {
  extension();
  check_viewer_argument(fcinfo, 1);
  const Wanted wanted = wanted_users(fcinfo);
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (wanted.most == 0) return 0;

  Listing list;
  list.type = result->setDesc;
  if (RecoveryInProgress())
    list_rows(wanted, list);
  else
    list_memory(wanted, list);
  std::sort(list.items, list.items + list.count, comes_before);
  for (int i = 0; i < list.count && i < wanted.most; i++)
    tuplestore_puttuple(result->setResult, list.items[i].tuple);
  return 0;
}

namespace presence {

namespace {

void count_as(Counts& counts, Status status, int by) {
  const auto add = static_cast<uint32_t>(by);  // modulo 2^32, so that -1 works
  switch (status) {
    case Status::online:
      counts.online += add;
      break;
    case Status::busy:
      counts.busy += add;
      break;
    case Status::away:
      counts.away += add;
      break;
    case Status::offline:
      break;
  }
}

// Counted as this transaction sees them instead of as everybody does.
void recount_own(const ClaimedUser& user, void* context) {
  auto* counts = static_cast<Counts*>(context);
  const UserKey key = user.realm.key(user.id());
  const Policy policy = current_policy();
  const Time now = current_time();
  Status for_all = Status::offline;
  Status for_us = Status::offline;
  status_of_user(user.realm, key, {}, policy, now, for_all);
  status_of_user(user.realm, key, wishes_for(key), policy, now, for_us);
  count_as(*counts, for_all, -1);
  count_as(*counts, for_us, 1);
}

void count_rows(Counts& counts) {
  static Statement query = {
      "SELECT status, count(*) FROM %s.user_presence WHERE status <> 'offline' GROUP BY 1", 0, {}};
  TableAccess access;
  access.begin();
  const uint64 found = run_fresh(query, nullptr, nullptr);
  for (uint64 i = 0; i < found; i++) {
    Datum status;
    Datum count;
    if (!get_value(i, 1, status) || !get_value(i, 2, count)) continue;
    count_as(counts, status_named(text_of(status)).value_or(Status::offline),
             static_cast<int>(DatumGetInt64(count)));
  }
  access.end();
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_counts) {
  extension();
  check_viewer_argument(fcinfo, 0);
  Counts counts;
  if (RecoveryInProgress()) {
    count_rows(counts);
  } else {
    const RealmRef realm = whole_realm();
    count_users(realm, current_policy(), current_time(), counts);
    for_each_wisher(recount_own, &counts);
  }
  Datum values[] = {UInt32GetDatum(counts.online), UInt32GetDatum(counts.busy),
                    UInt32GetDatum(counts.away),
                    UInt32GetDatum(counts.online + counts.busy + counts.away)};
  bool nulls[4] = {};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls)));
}
