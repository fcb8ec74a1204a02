// who_sees.cpp: how much of somebody a viewer sees, and what that looks like.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"

extern "C" {
#include "access/htup_details.h"
}

using namespace presence;

// It tells who hides from who is offline.
PRESENCE_FUNCTION(presence_can_see) {
  extension();
  require_service("presence_can_see()");
  const Viewer* viewer = viewer_argument(fcinfo, 0);
  const std::string_view user_id = id_argument(fcinfo, 1, "user_id");
  std::string_view channel_id;
  if (!PG_ARGISNULL(2)) channel_id = channel_argument(fcinfo, 2);
  // The trusted application sees all.
  const Detail detail = viewer ? see_detail(user_id, *viewer, channel_id) : Detail::full;
  PG_RETURN_DATUM(text_datum(name_of(detail)));
}

// The viewer is whomever the user wants to know about. In which channels that one is it does not
// learn by this.
PRESENCE_FUNCTION(presence_preview) {
  static UserView view;
  extension();
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view viewer_id = id_argument(fcinfo, 1, "viewer");
  if (!acts_for_others()) require_primary("presence_preview()");
  const Viewer* viewer =
      acts_for_others() ? viewer_of(viewer_id) : viewer_known_to(user_id, viewer_id);
  TupleDesc type = result_type(fcinfo);
  const Time now = current_time();
  const HeapTuple tuple = see_user(user_id, viewer, now, view) ? state_tuple(view, now, type)
                                                               : unknown_tuple(user_id, type);
  PG_RETURN_DATUM(HeapTupleGetDatum(tuple));
}
