// lists.cpp: everybody who is here, and how many. Shared memory, with this transaction's own
// changes laid over it.
//
// A viewer is shown those whom strangers see, but for whom a relation says otherwise, and those who
// are special to it. Of whom it may not know when they were seen come last, by their ids.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/work.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/candidates.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/lists.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

namespace presence {

namespace {

struct Listed {
  Status status;
  Time last_seen;  // forever_ago when the viewer may not know
  std::string_view id;
  Datum made;
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

Time shown_last_seen(Detail detail, Time last_seen) {
  return detail == Detail::full ? last_seen : forever_ago;
}

struct Wanted {
  int most;
  Time not_before;
  bool statuses[4];  // by Status
  const Viewer* viewer;

  bool admits(Status status, Time last_seen) const {
    return statuses[static_cast<int>(status)] && last_seen >= not_before;
  }
};

// Grows as needed; the memory of the function's call.
struct Listing {
  Listed* items = nullptr;
  int count = 0;
  int capacity = 0;
  bool may_be_more = false;  // who was looked at may have gone meanwhile, and others were not
  ListMaker maker{};

  void add(const UserView& view) {
    if (count == capacity) {
      capacity = capacity == 0 ? 128 : capacity * 2;
      const Size bytes = sizeof(Listed) * static_cast<Size>(capacity);
      items = static_cast<Listed*>(items ? repalloc_huge(items, bytes)
                                         : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
    }
    char* id = static_cast<char*>(palloc(view.id_bytes));
    memcpy(id, view.id_text, view.id_bytes);
    items[count++] = {view.status,
                      shown_last_seen(view.detail, view.last_seen),
                      {id, view.id_bytes},
                      maker.make ? maker.make(view, maker.context) : Datum{0}};
  }
};

// ---- a status, as the rules show it -----------------------------------------

// The best of those whom everybody sees, or with a viewer of those who are open to it. False: there
// are others.
bool add_best(const RealmRef& realm, Status status, const Viewer* viewer, Time not_before, int most,
              Candidates& to) {
  const Policy policy = current_policy();
  Cutoff cutoff;
  cutoff.best = {static_cast<Time*>(MemoryContextAllocHuge(CurrentMemoryContext,
                                                           sizeof(Time) * static_cast<Size>(most))),
                 static_cast<size_t>(most)};
  cutoff.not_before = not_before;
  find_cutoff(realm, status, viewer, policy, current_time(), cutoff);
  const bool all = cutoff.count < static_cast<size_t>(most);
  const Time from = all ? not_before : cutoff.best[0];
  for (uint32_t partition = 0; partition < partition_count; partition++)
    to.add_all([&](std::span<Candidate> room) {
      return collect_users(realm, partition, status, viewer, policy, from, room);
    });
  return all;
}

void add_veiled(const RealmRef& realm, Status status, Candidates& to) {
  const size_t before = to.count;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    to.add_all([&](std::span<Candidate> room) {
      return collect_users_of(realm, partition, status, UserKind::veiled, room);
    });
  for (size_t i = before; i < to.count; i++) to.items[i].last_seen = forever_ago;
}

void add_special(const Specials& specials, Status status, Candidates& to) {
  for (size_t i = 0; i < specials.count; i++) {
    const Special& special = specials.items[i];
    if (special.glance.status != status || special.glance.detail < Detail::status) continue;
    Candidate& added = to.add();
    added = special.who;
    added.last_seen = shown_last_seen(special.glance.detail, special.glance.last_seen);
  }
}

// Of whom the viewer may not know when they were seen come last, all of them by their ids: so they
// are needed together, and only when there are not enough others.
bool has_enough_known(const Ordered& ordered, int most) {
  const auto wanted = static_cast<size_t>(most);
  return ordered.count >= wanted && ordered.items[wanted - 1]->last_seen != forever_ago;
}

Ordered candidates_for(const RealmRef& realm, Status status, const Wanted& wanted, int most,
                       const Specials& specials, bool& may_be_more) {
  Candidates candidates;
  may_be_more |= !add_best(realm, status, wanted.viewer, wanted.not_before, most, candidates);
  if (!wanted.viewer) return in_order(candidates);
  add_special(specials, status, candidates);
  const Ordered ordered = each_once_in_order(candidates);
  if (wanted.not_before != forever_ago || has_enough_known(ordered, most)) return ordered;
  add_veiled(realm, status, candidates);
  return each_once_in_order(candidates);
}

Answer view_candidate(const RealmRef& realm, const UserKey& key, const Viewer* viewer, Time now,
                      UserView& out) {
  const Policy policy = current_policy();
  return viewer ? view_user_for(realm, key, *viewer, {}, policy, now, out)
                : view_user(realm, key, {}, policy, now, out);
}

// The best users of a status as everybody sees them, or the viewer does.
void list_status(const RealmRef& realm, Status status, const Wanted& wanted, int most,
                 const Specials& specials, Listing& list) {
  static UserView view;
  const Ordered candidates =
      candidates_for(realm, status, wanted, most, specials, list.may_be_more);
  const Time now = current_time();
  int listed = 0;
  for (size_t i = 0; i < candidates.count && listed < most; i++) {
    CHECK_FOR_INTERRUPTS();
    const UserKey key = realm.key(candidates.items[i]->id());
    if (!wishes_for(key).empty()) continue;  // listed as this transaction sees them
    if (view_candidate(realm, key, wanted.viewer, now, view) != Answer::done) continue;
    if (view.status != status ||
        !wanted.admits(status, shown_last_seen(view.detail, view.last_seen)))
      continue;
    list.add(view);
    listed++;
  }
}

// ---- a status, as the application shows it ----------------------------------

// Asks about the best ones until enough of them are seen. False: there may be more.
bool list_by_asking(const RealmRef& realm, Status status, const Wanted& wanted, int most, int looks,
                    Listing& list) {
  static UserView view;
  Candidates candidates;
  add_best(realm, status, nullptr, forever_ago, looks, candidates);
  const Ordered ordered = in_order(candidates);
  int listed = 0;
  for (size_t i = 0; i < ordered.count && listed < most; i++) {
    CHECK_FOR_INTERRUPTS();
    const std::string_view id = ordered.items[i]->id();
    if (!wishes_for(realm.key(id)).empty()) continue;
    if (!see_user(id, wanted.viewer, current_time(), view) || view.status != status) continue;
    if (!wanted.admits(status, shown_last_seen(view.detail, view.last_seen))) continue;
    list.add(view);
    listed += view.detail == Detail::full;
  }
  return listed >= most || candidates.count < static_cast<size_t>(looks);
}

void list_status_by_application(const RealmRef& realm, Status status, const Wanted& wanted,
                                int most, Listing& list) {
  const int before = list.count;
  const int everybody = static_cast<int>(Min(shared.region.pool.count(), 1u << 30));
  int looks = most;
  while (!list_by_asking(realm, status, wanted, most, looks, list)) {
    list.count = before;
    looks = looks > everybody / 8 ? everybody : looks * 8;
  }
}

// ---- together ---------------------------------------------------------------

struct OwnChanges {
  const Wanted* wanted;
  Listing* list;
};

void add_own(const ClaimedUser& user, void* context) {
  static UserView view;
  auto* own = static_cast<OwnChanges*>(context);
  if (see_user(user.id(), own->wanted->viewer, current_time(), view) &&
      own->wanted->admits(view.status, shown_last_seen(view.detail, view.last_seen)))
    own->list->add(view);
}

Wanted wanted_users(FunctionCallInfo fcinfo) {
  Wanted wanted{};
  wanted.most = int_argument(fcinfo, 0, "max_users", 0);
  wanted.most = static_cast<int>(
      Min(static_cast<uint32_t>(wanted.most), Min(shared.region.pool.count(), 1u << 30)));
  wanted.viewer = viewer_argument(fcinfo, 1);
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
  auto* ids = static_cast<std::string_view*>(
      MemoryContextAllocHuge(caller, sizeof(std::string_view) * (static_cast<Size>(found) + 1)));
  MemoryContext before = MemoryContextSwitchTo(caller);
  for (uint64 i = 0; i < found; i++) {
    Datum id;
    ids[i] = get_value(i, 1, id) ? text_of(PointerGetDatum(PG_DETOAST_DATUM_COPY(id)))
                                 : std::string_view{};
  }
  MemoryContextSwitchTo(before);
  access.end();
  for (uint64 i = 0; i < found; i++) {
    CHECK_FOR_INTERRUPTS();
    if (see_user(ids[i], wanted.viewer, current_time(), view) &&
        wanted.admits(view.status, shown_last_seen(view.detail, view.last_seen)))
      list.add(view);
  }
}

void list_memory(const Wanted& wanted, Listing& list) {
  const RealmRef realm = whole_realm();
  const bool asks = wanted.viewer && application_decides();
  const Specials specials = wanted.viewer && !asks
                                ? special_to(realm, *wanted.viewer, wanted.most, wanted.not_before)
                                : Specials{};
  // This transaction's own users are left out and added as it sees them.
  int left = wanted.most;
  for (const Status status : {Status::online, Status::busy, Status::away}) {
    if (!wanted.statuses[static_cast<int>(status)] || left <= 0) continue;
    const int before = list.count;
    if (asks)
      list_status_by_application(realm, status, wanted, left + wisher_count(), list);
    else
      list_status(realm, status, wanted, left + wisher_count(), specials, list);
    left -= list.count - before;
  }
  list.may_be_more |= left <= 0;
  OwnChanges own{&wanted, &list};
  for_each_wisher(add_own, &own);
}

// Whose status has changed between two looks may have been found twice.
void keep_each_once(Listing& list) {
  Listed* end = list.items + list.count;
  const bool has_one_status = std::all_of(
      list.items, end, [&](const Listed& one) { return one.status == list.items->status; });
  if (has_one_status) return;
  std::sort(list.items, end, [](const Listed& a, const Listed& b) { return a.id < b.id; });
  end = std::unique(list.items, end, [](const Listed& a, const Listed& b) { return a.id == b.id; });
  list.count = static_cast<int>(end - list.items);
}

struct RowType {
  TupleDesc columns;
  Time now;  // what last_seen_bucket counts from
};

Datum make_row(const UserView& view, void* context) {
  const auto* type = static_cast<const RowType*>(context);
  return PointerGetDatum(state_tuple(view, type->now, type->columns));
}

void list_users(const Wanted& wanted, Listing& list) {
  // Nothing about anybody is for everybody then.
  if (wanted.viewer && wanted.viewer->is_everybody && application_decides()) return;
  if (RecoveryInProgress())
    list_rows(wanted, list);
  else
    list_memory(wanted, list);
  keep_each_once(list);
  std::sort(list.items, list.items + list.count, comes_before);
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_online_users) {
  extension();
  const Wanted wanted = wanted_users(fcinfo);
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (wanted.most == 0) return 0;
  Listing list{};
  RowType type{result->setDesc, current_time()};
  list.maker = {make_row, &type};
  list_users(wanted, list);
  for (int i = 0; i < list.count && i < wanted.most; i++)
    tuplestore_puttuple(result->setResult,
                        reinterpret_cast<HeapTuple>(DatumGetPointer(list.items[i].made)));
  return 0;
}

namespace presence {

namespace {

Made list_for(int most, const Viewer* viewer, const ListMaker& maker) {
  Wanted wanted{};
  wanted.most = most;
  wanted.not_before = forever_ago;
  wanted.viewer = viewer;
  for (const Status status : {Status::online, Status::busy, Status::away})
    wanted.statuses[static_cast<int>(status)] = true;
  Listing list{};
  list.maker = maker;
  list_users(wanted, list);
  Made made{static_cast<Datum*>(MemoryContextAllocHuge(
                CurrentMemoryContext, sizeof(Datum) * (static_cast<Size>(list.count) + 1))),
            list.count, list.may_be_more};
  for (int i = 0; i < list.count; i++) made.items[i] = list.items[i].made;
  return made;
}

}  // namespace

Made list_everybody(int most, const ListMaker& maker) { return list_for(most, nullptr, maker); }

Made list_present(int most, const Viewer& viewer, const ListMaker& maker) {
  return list_for(most, &viewer, maker);
}

}  // namespace presence

// ---- how many ---------------------------------------------------------------

namespace presence {

namespace {

struct Counting {
  const Viewer* viewer;
  Counts counts;
};

// As a transaction with these wishes counts a user.
Status counted_as(const RealmRef& realm, const UserKey& key, const Viewer* viewer,
                  std::span<const Wish> wishes) {
  const Policy policy = current_policy();
  const Time now = current_time();
  if (!viewer) {
    Status status = Status::offline;
    status_of_user(realm, key, wishes, policy, now, status);
    return status;
  }
  Glance glance;
  const bool is_there =
      glance_at_user(realm, key, *viewer, wishes, policy, now, glance) == Answer::done;
  return is_there && glance.detail >= Detail::status ? glance.status : Status::offline;
}

// Counted as this transaction sees them instead of as everybody does.
void recount_own(const ClaimedUser& user, void* context) {
  auto* counting = static_cast<Counting*>(context);
  const UserKey key = user.realm.key(user.id());
  counting->counts.add(counted_as(user.realm, key, counting->viewer, {}), -1);
  counting->counts.add(counted_as(user.realm, key, counting->viewer, wishes_for(key)), 1);
}

// Strangers are not shown whom a relation or a channel shows, or are shown whom one hides.
void recount_special(const RealmRef& realm, const Viewer& viewer, Counts& counts) {
  const Specials specials = special_to(realm, viewer);
  for (size_t i = 0; i < specials.count; i++) {
    const Glance& glance = specials.items[i].glance;
    const int counted = glance.kind != UserKind::closed;
    const int seen = glance.detail >= Detail::status;
    counts.add(glance.status, seen - counted);
  }
}

void count_memory(Counting& counting) {
  const RealmRef realm = whole_realm();
  const Policy policy = current_policy();
  const Time now = current_time();
  if (counting.viewer) {
    count_seen_users(realm, policy, now, counting.counts);
    recount_special(realm, *counting.viewer, counting.counts);
  } else {
    count_users(realm, policy, now, counting.counts);
  }
  for_each_wisher(recount_own, &counting);
}

// One by one, as the application or the rows say.
void count_list(Counting& counting) {
  Wanted wanted{};
  wanted.most = static_cast<int>(Min(shared.region.pool.count(), 1u << 30));
  wanted.not_before = forever_ago;
  for (const Status status : {Status::online, Status::busy, Status::away})
    wanted.statuses[static_cast<int>(status)] = true;
  wanted.viewer = counting.viewer;
  Listing list{};
  list_users(wanted, list);
  for (int i = 0; i < list.count; i++) counting.counts.add(list.items[i].status, 1);
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
    counts.add(status_named(text_of(status)).value_or(Status::offline),
               static_cast<int>(DatumGetInt64(count)));
  }
  access.end();
}

// Until the worker has put everybody into the lists of a new setting they tell nothing of who is
// seen.
bool must_look_at_each(const Viewer* viewer) {
  if (!viewer) return false;
  return RecoveryInProgress() || application_decides() ||
         !is_scheduled(extension().realm, current_policy());
}

}  // namespace

Counts count_present(const Viewer* viewer) {
  Counting counting{viewer, {}};
  if (!viewer && RecoveryInProgress())
    count_rows(counting.counts);
  else if (!must_look_at_each(viewer))
    count_memory(counting);
  // Also when the lists have become those of a new setting meanwhile.
  if (must_look_at_each(viewer)) {
    counting.counts = {};
    count_list(counting);
  }
  return counting.counts;
}

}  // namespace presence

PRESENCE_FUNCTION(presence_counts) {
  extension();
  const Counts counts = count_present(counting_viewer_argument(fcinfo, 0));
  Datum values[] = {UInt32GetDatum(counts.online), UInt32GetDatum(counts.busy),
                    UInt32GetDatum(counts.away), UInt32GetDatum(counts.total())};
  bool nulls[4] = {};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_type(fcinfo), values, nulls)));
}
