// reads.cpp: one person, or several by their ids. Shared memory, with this transaction's own
// changes laid over it.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/ahead.h"
#include "postgres/shared/many.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/name_texts.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"
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
  const Viewer* viewer = viewer_argument(fcinfo, 1);
  const std::string_view id = id_argument(fcinfo, 0, "user_id");
  TupleDesc type = result_type(fcinfo);
  const Time now = current_time();
  const HeapTuple tuple =
      see_user(id, viewer, now, view) ? state_tuple(view, now, type) : unknown_tuple(id, type);
  PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}

PRESENCE_FUNCTION(presence_get_many) {
  static UserView view;
  const RealmRef realm = extension().realm;
  const Viewer* viewer = viewer_argument(fcinfo, 1);
  if (PG_ARGISNULL(0)) raise_null("user_ids");
  const Elements ids = elements_of(PG_GETARG_ARRAYTYPE_P(0));
  for (int i = 0; i < ids.count; i++) {
    if (ids.nulls[i]) raise_null("an element of user_ids");
    check_id(text_of(ids.values[i]));
  }
  start_rows_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const Time now = current_time();
  KeysAhead keys(realm, ids.count, Use::look, [&](int i) { return text_of(ids.values[i]); });
  for (int i = 0; i < ids.count; i++) {
    const UserKey& key = keys.at(i);
    StateColumns row;
    if (see_user(realm, key, viewer, now, view))
      fill_state(view, now, row);
    else
      fill_unknown(key.id, row);
    tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
  }
  return 0;
}

namespace presence {

namespace {

// Memory only: of somebody who is not there it says offline, which is true.
Status status_in_memory(const RealmRef& realm, std::string_view user_id, const Viewer* viewer) {
  const UserKey key = realm.key(user_id);
  const Policy policy = current_policy();
  const Time now = current_time();
  if (!viewer) {
    Status status = Status::offline;
    status_of_user(realm, key, wishes_for(key), policy, now, status);
    return status;
  }
  Glance glance;
  if (glance_at_user(realm, key, *viewer, wishes_for(key), policy, now, glance) != Answer::done)
    return Status::offline;
  return glance.detail >= Detail::status ? glance.status : Status::offline;
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_status) {
  static UserView view;
  const RealmRef& realm = extension().realm;
  const Viewer* viewer = viewer_argument(fcinfo, 1);
  const std::string_view id = id_argument(fcinfo, 0, "user_id");
  Status status = Status::offline;
  if (RecoveryInProgress() || !realm.complete() || (viewer && application_decides())) {
    if (see_user(id, viewer, current_time(), view)) status = view.status;
  } else {
    status = status_in_memory(realm, id, viewer);
  }
  PG_RETURN_DATUM(status_text(status));
}
