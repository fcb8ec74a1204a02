// channels.cpp: users join channels and documents, and leave them; in which ones they are.
//
// Joins and leaves happen at COMMIT.
#include <algorithm>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/many.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/authorize.h"
#include "postgres/sql/member_row.h"
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

// Nobody joins or leaves it: whoever is present is in it.
void check_joinable(std::string_view channel_id) {
  if (channel_id != global_channel) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("nobody joins or leaves \"global_presence\""),
                  errdetail("Whoever is present is in it."),
                  errhint("presence_connect() and presence_touch() make a user present.")));
}

Datum join(FunctionCallInfo fcinfo, WantedJoin wanted, const char* action) {
  static MemberView after;
  check_joinable(wanted.channel_id);
  authorize(wanted.user_id, wanted.channel_id, action);
  make_joined(wanted, after);
  return HeapTupleGetDatum(channel_presence_tuple(after, result_type(fcinfo)));
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_join) {
  extension();
  require_primary("presence_join()");
  WantedJoin wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  wanted.channel_id = channel_argument(fcinfo, 1);
  wanted.data = data_argument(fcinfo, 2);
  wanted.session_id = session_argument(fcinfo, 3);
  PG_RETURN_DATUM(join(fcinfo, wanted, "join"));
}

PRESENCE_FUNCTION(presence_join_document) {
  extension();
  require_primary("presence_join_document()");
  WantedJoin wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  wanted.channel_id = document_argument(fcinfo, 1);
  Move cursor;
  cursor.first = placed_argument(fcinfo, 2, "cursor_position");
  cursor.second = placed_argument(fcinfo, 3, "selection_range");
  if (!cursor.first.empty() || !cursor.second.empty()) wanted.move = &cursor;
  wanted.data = data_argument(fcinfo, 4);
  wanted.session_id = session_argument(fcinfo, 5);
  PG_RETURN_DATUM(join(fcinfo, wanted, "join_document"));
}

PRESENCE_FUNCTION(presence_leave) {
  extension();
  require_primary("presence_leave()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view channel_id = channel_argument(fcinfo, 1);
  check_joinable(channel_id);
  PG_RETURN_BOOL(make_left(user_id, channel_id, session_argument(fcinfo, 2)));
}

PRESENCE_FUNCTION(presence_leave_document) {
  extension();
  require_primary("presence_leave_document()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  PG_RETURN_BOOL(make_left(user_id, document_argument(fcinfo, 1), session_argument(fcinfo, 2)));
}

PRESENCE_FUNCTION(presence_channels) {
  extension();
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  start_values_compat(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (RecoveryInProgress()) {
    put_channel_rows(user_id, result);
    return 0;
  }
  const RealmRef realm = whole_realm();
  const ChannelIds channels = own_channels(realm, realm.key(user_id));
  std::sort(channels.ids, channels.ids + channels.count);
  for (size_t i = 0; i < channels.count; i++) {
    Datum value = text_datum(channels.ids[i]);
    bool is_null = false;
    tuplestore_putvalues(result->setResult, result->setDesc, &value, &is_null);
  }
  return 0;
}
