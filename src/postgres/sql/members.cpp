// members.cpp: who is in a channel. Shared memory, with this transaction's own changes laid over
// it.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/many.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/authorize.h"
#include "postgres/sql/candidates.h"
#include "postgres/sql/member_row.h"
#include "postgres/sql/members.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"
#include "postgres/transaction/channel_ids.h"
#include "postgres/tables/access.h"
#include "postgres/tables/member_rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/membership.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

namespace presence {

namespace {

struct WantedMembers {
  std::string_view channel_id;
  int most;
  const Viewer* viewer;
  std::optional<std::string_view> after;
  Time not_before;
};

struct ListedMember {
  Time last_active;     // forever_ago when the viewer may not know
  std::string_view id;  // in the order of which those come then
  int place;  // as it was added: whoever was active at the same moment stays in that order
  Datum made;
  bool is_last_of_page_before;

  bool operator<(const ListedMember& other) const {
    if (last_active != other.last_active) return last_active > other.last_active;
    return last_active == forever_ago ? id < other.id : place < other.place;
  }
};

Time shown_last_active(const MemberView& view) {
  return view.detail == Detail::full ? view.last_active : forever_ago;
}

// Grows as needed; the memory of the function's call.
struct MemberList {
  ListedMember* items = nullptr;
  int count = 0;
  int capacity = 0;
  MemberMaker maker{};
  std::optional<std::string_view> after;

  void add(const MemberView& view) {
    if (count == capacity) {
      capacity = capacity == 0 ? 128 : capacity * 2;
      const Size bytes = sizeof(ListedMember) * static_cast<Size>(capacity);
      items =
          static_cast<ListedMember*>(items ? repalloc_huge(items, bytes)
                                           : MemoryContextAllocHuge(CurrentMemoryContext, bytes));
    }
    char* id = static_cast<char*>(palloc(view.id_bytes));
    memcpy(id, view.id_text, view.id_bytes);
    items[count] = {shown_last_active(view),
                    {id, view.id_bytes},
                    count,
                    maker.make ? maker.make(view, maker.context) : Datum{0},
                    after && view.id() == *after};
    count++;
  }
};

WantedMembers wanted_members(FunctionCallInfo fcinfo) {
  WantedMembers wanted{};
  wanted.channel_id = channel_argument(fcinfo, 0);
  if (wanted.channel_id == global_channel)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("\"global_presence\" has no list of members"),
                    errdetail("Whoever is present is in it."),
                    errhint("presence_online_users() lists them.")));
  wanted.most = int_argument(fcinfo, 1, "max_members", 0);
  wanted.viewer = viewer_argument(fcinfo, 2);
  wanted.after = text_argument(fcinfo, 3, "after", max_id_bytes);
  wanted.not_before = forever_ago;
  if (!PG_ARGISNULL(4)) {
    const Datum now = TimestampTzGetDatum(current_time());
    wanted.not_before =
        DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, now, PG_GETARG_DATUM(4)));
  }
  return wanted;
}

[[noreturn]] void raise_not_there(const WantedMembers& wanted) {
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("user \"%.*s\" is not in channel \"%.*s\" any more",
                  static_cast<int>(wanted.after->size()), wanted.after->data(),
                  static_cast<int>(wanted.channel_id.size()), wanted.channel_id.data()),
           errdetail("What comes after it cannot be told."),
           errhint("Begin again without \"after\", or pass another member of the last page.")));
}

// A few more than wanted: those whom this transaction sees differently, and those who leave just
// now, are left out of them.
FoundMembers find_members(const RealmRef& realm, const ChannelKey& channel,
                          const WantedMembers& wanted) {
  constexpr uint32_t may_leave = 16;
  const size_t others = static_cast<size_t>(wisher_count()) + may_leave;
  std::optional<UserKey> after;
  if (wanted.after) after = realm.key(*wanted.after);
  const auto found = collect_at_most(static_cast<size_t>(wanted.most) + others, realm, channel,
                                     after ? &*after : nullptr, wanted.not_before);
  if (!found) raise_not_there(wanted);
  return *found;
}

// As this transaction sees it, and a viewer in this channel. False: it does not. The application is
// asked before anything is copied: it may call these functions itself.
bool show_member(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
                 const Viewer* viewer, MemberView& out) {
  const Detail detail = viewer ? see_detail(user.id, *viewer, channel.id) : Detail::full;
  if (detail < Detail::status || !see_member(realm, user, channel, out)) return false;
  out.detail = detail;
  return true;
}

struct OwnMembers {
  const RealmRef& realm;
  const ChannelKey& channel;
  const WantedMembers& wanted;
  Time before;  // the last activity of whom the page comes after; who has the same comes later
  MemberList& list;
};

void add_own_member(const ClaimedUser& user, void* context) {
  static MemberView view;
  auto* own = static_cast<OwnMembers*>(context);
  const UserKey key = own->realm.key(user.id());
  if (show_member(own->realm, key, own->channel, own->wanted.viewer, view) &&
      shown_last_active(view) >= own->wanted.not_before && shown_last_active(view) <= own->before)
    own->list.add(view);
}

// The last activity of whom the page comes after; never: it is the first page.
Time end_of_page_before(const RealmRef& realm, const ChannelKey& channel,
                        const WantedMembers& wanted) {
  static MemberView view;
  const bool is_there = wanted.after && see_member(realm, realm.key(*wanted.after), channel, view);
  return is_there ? view.last_active : never;
}

void list_members(const WantedMembers& wanted, MemberList& list) {
  static MemberView view;
  const RealmRef realm = whole_realm();
  const ChannelKey channel = realm.channel_key(wanted.channel_id);
  const Policy policy = current_policy();
  const Time now = current_time();
  const Time before = end_of_page_before(realm, channel, wanted);
  const FoundMembers found = find_members(realm, channel, wanted);
  for (size_t i = 0; i < found.count && list.count < wanted.most; i++) {
    CHECK_FOR_INTERRUPTS();
    const UserKey key = realm.key(found.items[i].id());
    if (!wishes_for(key).empty()) continue;  // listed as this transaction sees them
    if (view_member(realm, key, channel, {}, policy, now, view) == Answer::done) list.add(view);
  }
  OwnMembers own{realm, channel, wanted, before, list};
  for_each_wisher(add_own_member, &own);
  std::sort(list.items, list.items + list.count);
}

// From the first on, whatever page is wanted: the order is the viewer's own.
void list_members_for_viewer(const WantedMembers& wanted, MemberList& list) {
  static MemberView view;
  const RealmRef realm = whole_realm();
  const ChannelKey channel = realm.channel_key(wanted.channel_id);
  const FoundMembers found =
      find_members(realm, channel, {wanted.channel_id, INT_MAX, nullptr, {}, forever_ago});
  // Those of whom the viewer may not know when they were active come last: they are needed only
  // when there are no more of the others.
  bool in_page = !wanted.after;
  int in_page_count = 0;
  for (size_t i = 0; i < found.count && in_page_count < wanted.most; i++) {
    CHECK_FOR_INTERRUPTS();
    const UserKey key = realm.key(found.items[i].id());
    if (!wishes_for(key).empty()) continue;  // listed as this transaction sees them
    if (!show_member(realm, key, channel, wanted.viewer, view)) continue;
    list.add(view);
    if (view.detail != Detail::full) continue;
    in_page_count += in_page;
    in_page |= wanted.after && view.id() == *wanted.after;
  }
  OwnMembers own{realm, channel, wanted, never, list};
  for_each_wisher(add_own_member, &own);
  std::sort(list.items, list.items + list.count);
}

// The same on a standby.
void list_member_rows_for_viewer(const WantedMembers& wanted, MemberList& list) {
  static MemberView view;
  for (const std::string_view user_id : users_of_member_rows(wanted.channel_id)) {
    CHECK_FOR_INTERRUPTS();
    const Detail detail = see_detail(user_id, *wanted.viewer, wanted.channel_id);
    if (detail < Detail::status || !view_member_row(wanted.channel_id, user_id, view)) continue;
    view.detail = detail;
    list.add(view);
  }
  std::sort(list.items, list.items + list.count);
}

void list_for_viewer(const WantedMembers& wanted, MemberList& list) {
  RecoveryInProgress() ? list_member_rows_for_viewer(wanted, list)
                       : list_members_for_viewer(wanted, list);
}

// Returns where the page begins in the list. Behind somebody whom this transaction sees where
// others do not, and for a viewer, everybody is listed.
int list_page(const WantedMembers& wanted, MemberList& list) {
  list.after = wanted.after;
  if (wanted.viewer) {
    list_for_viewer(wanted, list);
    if (!wanted.after) return 0;
  } else if (!wanted.after || wishes_for(extension().realm.key(*wanted.after)).empty()) {
    list_members(wanted, list);
    return 0;
  } else {
    list_members({wanted.channel_id, INT_MAX, nullptr, std::nullopt, forever_ago}, list);
  }
  for (int i = 0; i < list.count; i++)
    if (list.items[i].is_last_of_page_before) return i + 1;
  raise_not_there(wanted);
}

Datum make_row(const MemberView& view, void* type) {
  return PointerGetDatum(member_tuple(view, static_cast<TupleDesc>(type)));
}

}  // namespace

Made list_channel(std::string_view channel_id, int most, const Viewer& viewer,
                  const MemberMaker& maker) {
  MemberList list{};
  list.maker = maker;
  list_for_viewer({channel_id, most, &viewer, std::nullopt, forever_ago}, list);
  Made made{static_cast<Datum*>(MemoryContextAllocHuge(
                CurrentMemoryContext, sizeof(Datum) * (static_cast<Size>(list.count) + 1))),
            list.count};
  for (int i = 0; i < list.count; i++) made.items[i] = list.items[i].made;
  return made;
}

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_members) {
  extension();
  const WantedMembers wanted = wanted_members(fcinfo);
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (wanted.most == 0) return 0;
  if (RecoveryInProgress() && !wanted.viewer) {
    if (!put_member_rows(wanted.channel_id, wanted.most, wanted.after, wanted.not_before, result))
      raise_not_there(wanted);
    return 0;
  }
  MemberList list{};
  list.maker = {make_row, result->setDesc};
  const int first = list_page(wanted, list);
  for (int i = first; i < list.count && i - first < wanted.most; i++)
    if (list.items[i].last_active >= wanted.not_before)
      tuplestore_puttuple(result->setResult,
                          reinterpret_cast<HeapTuple>(DatumGetPointer(list.items[i].made)));
  return 0;
}

namespace presence {

namespace {

struct OwnCount {
  ChannelKey channel;
  int difference;
};

// Counted as this transaction sees them instead of as everybody does.
void recount_own_member(const ClaimedUser& user, void* context) {
  auto* own = static_cast<OwnCount*>(context);
  const UserKey key = user.realm.key(user.id());
  own->difference -= seated(user.realm, key, own->channel, nullptr, {});
  own->difference += seated(user.realm, key, own->channel, nullptr, wishes_for(key));
}

int count_everybody(std::string_view channel_id) {
  const RealmRef realm = whole_realm();
  OwnCount own{realm.channel_key(channel_id), 0};
  for_each_wisher(recount_own_member, &own);
  const uint32_t members = count_members(realm, own.channel, current_policy(), current_time());
  return static_cast<int32>(members) + own.difference;
}

}  // namespace

int count_for_viewer(std::string_view channel_id, const Viewer* viewer) {
  WantedMembers wanted{channel_id, INT_MAX, viewer, std::nullopt, forever_ago};
  MemberList list{};
  list_for_viewer(wanted, list);
  return list.count;
}

}  // namespace presence

PRESENCE_FUNCTION(presence_member_count) {
  extension();
  const std::string_view channel_id = channel_argument(fcinfo, 0);
  const Viewer* viewer = viewer_argument(fcinfo, 1);
  if (channel_id == global_channel) {
    PG_RETURN_INT32(static_cast<int32>(count_present(viewer).total()));
  }
  if (viewer) PG_RETURN_INT32(count_for_viewer(channel_id, viewer));
  PG_RETURN_INT32(RecoveryInProgress() ? count_member_rows(channel_id)
                                       : count_everybody(channel_id));
}
