// touch.cpp: activity. Shared memory only: no xid, no WAL, no dead tuple, no NOTIFY.
//
// The first touch of somebody who is not in memory reads the user's row, which writes nothing
// either.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/sessions.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/batch_room.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/name_texts.h"
#include "postgres/tables/activities.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/change.h"

extern "C" {
#include "access/xact.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

Touched touch_one(const RealmRef& realm, const UserKey& key, const Touch& touch) {
  const Policy policy = current_policy();
  RoomNeeded room;
  bool looked = false;
  for (;;) {
    Touched touched;
    switch (touch_user(realm, key, touch, policy, current_time(), touched)) {
      case Answer::done:
        return touched;
      case Answer::missing:
        bring_from_row(realm, key);
        break;
      case Answer::full:
        room.near(key.partition());
        break;
      case Answer::crowded:
        raise_too_many_sessions(key.id);
      case Answer::foreign:
        // Its time may be up without anybody having looked.
        if (looked) raise_foreign_session(touch.session->id);
        settle_owner(realm, *touch.session, policy, current_time());
        looked = true;
        break;
      default:
        raise_gone();
    }
    CHECK_FOR_INTERRUPTS();
  }
}

// With the queue full, or memory, the caller writes the row itself: nothing is dropped.
void record_activity(const RealmRef& realm, const UserKey& key, const Activity& activity) {
  if (queue_activity(realm, key.partition(), activity)) return;
  if (XactReadOnly)
    ereport(ERROR,
            (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
             errmsg("cannot record an activity in a read-only transaction just now"),
             errdetail("The queue of activities is full, so the caller has to write the row."),
             errhint("Try again when the worker has caught up, or raise presence.memory.")));
  write_activity(activity);
}

// The status as this transaction sees it, when it has changed the user itself.
Status own_status(const RealmRef& realm, const UserKey& key, Status shared_status) {
  const std::span<const Wish> wishes = wishes_for(key);
  if (wishes.empty()) return shared_status;
  Status status = shared_status;
  status_of_user(realm, key, wishes, current_policy(), current_time(), status);
  return status;
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_touch) {
  const RealmRef realm = extension().realm;
  require_primary("presence_touch()");
  const std::string_view id = acting_user_argument(fcinfo, 0);
  const auto activity = text_argument(fcinfo, 1, "activity_type", max_activity_bytes);
  if (activity && activity->empty())
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("activity_type must not be empty"),
             errhint("Leave it out when the activity is not to be recorded.")));
  Touch touch;
  touch.page = text_argument(fcinfo, 2, "page_url", max_page_bytes);
  const auto session = session_argument(fcinfo, 3);
  touch.interactions = static_cast<uint32_t>(int_argument(fcinfo, 4, "interactions", 0));
  if (session) {
    // Those of the last run are known when all is loaded.
    whole_realm();
    touch.session = realm.session_key(*session);
  }

  const UserKey key = realm.key(id);
  limit_rate(key);
  const Touched touched = touch_one(realm, key, touch);
  if (activity)
    record_activity(realm, key,
                    {current_time(), id, *activity, touch.page.value_or(std::string_view{}),
                     session.value_or(std::string_view{})});
  PG_RETURN_DATUM(status_text(own_status(realm, key, touched.status)));
}

namespace presence {

namespace {

struct ManyTouches {
  Elements ids;
  Elements seen_at;
  Elements interactions;
};

ManyTouches checked_touches(FunctionCallInfo fcinfo) {
  ManyTouches many{};
  if (PG_ARGISNULL(0)) raise_null("user_ids");
  many.ids = elements_of(PG_GETARG_ARRAYTYPE_P(0));
  if (!PG_ARGISNULL(1)) {
    many.seen_at = elements_of(PG_GETARG_ARRAYTYPE_P(1));
    check_same_length(many.ids.count, many.seen_at.count, "seen_at");
  }
  if (!PG_ARGISNULL(2)) {
    many.interactions = elements_of(PG_GETARG_ARRAYTYPE_P(2));
    check_same_length(many.ids.count, many.interactions.count, "interactions");
  }
  for (int i = 0; i < many.ids.count; i++) {
    if (many.ids.nulls[i]) raise_null("an element of user_ids");
    check_id(text_of(many.ids.values[i]));
  }
  for (int i = 0; i < many.interactions.count; i++)
    if (!many.interactions.nulls[i] && DatumGetInt32(many.interactions.values[i]) < 0)
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("interactions must be at least 0")));
  return many;
}

Touch touch_of(const ManyTouches& many, int i) {
  Touch touch;
  if (i < many.seen_at.count && !many.seen_at.nulls[i])
    touch.seen_at = DatumGetTimestampTz(many.seen_at.values[i]);
  if (i < many.interactions.count && !many.interactions.nulls[i])
    touch.interactions = static_cast<uint32_t>(DatumGetInt32(many.interactions.values[i]));
  return touch;
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_touch_many) {
  const RealmRef realm = extension().realm;
  require_primary("presence_touch_many()");
  require_service("presence_touch_many()");
  const ManyTouches many = checked_touches(fcinfo);
  const auto count = static_cast<Size>(Max(many.ids.count, 1));
  auto* touches = static_cast<TouchOfMany*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(TouchOfMany) * count));
  for (int i = 0; i < many.ids.count; i++)
    new (touches + i) TouchOfMany{realm.key(text_of(many.ids.values[i])), touch_of(many, i)};

  make_room_for_batch({realm, touches, many.ids.count});
  // Whoever is in memory is touched at once; the others are brought there with one query.
  auto* missed =
      static_cast<int*>(MemoryContextAllocHuge(CurrentMemoryContext, 2 * sizeof(int) * count));
  const int missing =
      touch_users(realm, touches, many.ids.count, current_policy(), current_time(), missed);
  auto* missing_ids = static_cast<std::string_view*>(MemoryContextAllocHuge(
      CurrentMemoryContext, sizeof(std::string_view) * static_cast<Size>(Max(missing, 1))));
  for (int i = 0; i < missing; i++) missing_ids[i] = touches[missed[i]].key.id;
  bring_from_rows(realm, missing_ids, missing);
  for (int i = 0; i < missing; i++)
    touch_one(realm, touches[missed[i]].key, touches[missed[i]].touch);
  PG_RETURN_INT32(many.ids.count);
}
