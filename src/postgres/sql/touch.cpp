// touch.cpp: activity. Shared memory only: no xid, no WAL, no dead tuple, no NOTIFY.
//
// The first touch of somebody who is not in memory reads the user's row, which writes nothing
// either.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/sql/arguments.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace presence {

namespace {

Touched touch_one(const RealmRef& realm, const UserKey& key, const Touch& touch) {
  const Policy policy = current_policy();
  RoomNeeded room;
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
      default:
        raise_gone();
    }
    CHECK_FOR_INTERRUPTS();
  }
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
  const std::string_view id = id_argument(fcinfo, 0, "user_id");
  refuse_argument(fcinfo, 1, "activity_type", "The log of activities comes with the next version.");
  Touch touch;
  touch.page = text_argument(fcinfo, 2, "page_url", max_page_bytes);
  refuse_argument(fcinfo, 3, "session_id", "Sessions come with the next version.");
  touch.interactions = static_cast<uint32_t>(int_argument(fcinfo, 4, "interactions", 0));

  const UserKey key = realm.key(id);
  const Touched touched = touch_one(realm, key, touch);
  PG_RETURN_DATUM(text_datum(name_of(own_status(realm, key, touched.status))));
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
  const ManyTouches many = checked_touches(fcinfo);
  const Policy policy = current_policy();

  // Whoever is in memory is touched at once; the others are brought there with one query.
  auto* missing =
      static_cast<int*>(palloc(sizeof(int) * static_cast<Size>(Max(many.ids.count, 1))));
  auto* missing_ids = static_cast<std::string_view*>(
      palloc(sizeof(std::string_view) * static_cast<Size>(Max(many.ids.count, 1))));
  int missing_count = 0;
  for (int i = 0; i < many.ids.count; i++) {
    const std::string_view id = text_of(many.ids.values[i]);
    const UserKey key = realm.key(id);
    Touched touched;
    if (touch_user(realm, key, touch_of(many, i), policy, current_time(), touched) == Answer::done)
      continue;
    missing_ids[missing_count] = id;
    missing[missing_count++] = i;
  }
  bring_from_rows(realm, missing_ids, missing_count);
  for (int i = 0; i < missing_count; i++)
    touch_one(realm, realm.key(missing_ids[i]), touch_of(many, missing[i]));
  PG_RETURN_INT32(many.ids.count);
}
