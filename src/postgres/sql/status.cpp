// status.cpp: presence_set_status and its kin: durable changes, in the caller's transaction.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/people.h"
#include "postgres/transaction/change.h"

extern "C" {
#include "utils/hsearch.h"
}

namespace presence {

namespace {

Change change_for(Status status, bool explicit_logout, Time until) {
  Change change;
  change.status = status;
  change.until = until;
  switch (status) {
    case Status::away:
    case Status::busy:
      change.kind = ChangeKind::choose;
      break;
    case Status::online:
      change.kind = ChangeKind::be_automatic;
      break;
    case Status::offline:
      change.kind = ChangeKind::leave;
      if (!explicit_logout)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("cannot set the status \"offline\" without an explicit logout"),
                        errdetail("Users go offline by themselves when nothing is heard of them."),
                        errhint("Pass explicit_logout => true when the user logged out.")));
      break;
  }
  if (until != never && change.kind != ChangeKind::choose)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the status \"%s\" cannot expire", name_of(status).data()),
                    errhint("expires_at belongs to away and busy. presence_set_message() takes "
                            "one for a message.")));
  return change;
}

// What one session says, below what the user chose.
Change change_in_session(Status status, Time until) {
  if (status == Status::offline)
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a session cannot say \"offline\""),
             errhint("presence_disconnect() ends it.")));
  if (until != never)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the status of a session cannot expire"),
                    errhint("Leave session_id out to set the user's own status.")));
  Change change;
  change.kind = ChangeKind::say;
  change.status = status;
  return change;
}

// A logout is told as one unless the caller says otherwise.
Why reason_of(std::string_view given, const Change& change) {
  const Why why = why_of(given);
  if (change.kind == ChangeKind::leave && why.reason == Reason::manual) return {Reason::logout, {}};
  return why;
}

Datum state_after(FunctionCallInfo fcinfo, const WantedChange& wanted) {
  static UserView after;
  make_changes(&wanted, 1, after);
  return HeapTupleGetDatum(state_tuple(after, current_time(), result_type(fcinfo)));
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_set_status) {
  extension();
  require_writable("presence_set_status()");
  WantedChange wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  if (PG_ARGISNULL(1)) raise_null("status");
  const Status status = status_of_text(text_of(PG_GETARG_DATUM(1)));
  wanted.message = message_argument(fcinfo, 2);
  const std::string_view reason = reason_argument(fcinfo, 3);
  const bool explicit_logout = bool_argument(fcinfo, 4, "explicit_logout");
  const Time until = expiry_argument(fcinfo, 5, current_time());
  wanted.session_id = session_argument(fcinfo, 6);
  wanted.change = wanted.session_id ? change_in_session(status, until)
                                    : change_for(status, explicit_logout, until);
  wanted.why = reason_of(reason, wanted.change);
  return state_after(fcinfo, wanted);
}

PRESENCE_FUNCTION(presence_set_message) {
  extension();
  require_writable("presence_set_message()");
  WantedChange wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  wanted.message = message_argument(fcinfo, 1);
  wanted.change.kind = ChangeKind::set_message;
  wanted.change.until = expiry_argument(fcinfo, 2, current_time());
  wanted.why.reason = Reason::message;
  return state_after(fcinfo, wanted);
}

PRESENCE_FUNCTION(presence_clear_status) {
  extension();
  require_writable("presence_clear_status()");
  WantedChange wanted;
  wanted.user_id = acting_user_argument(fcinfo, 0);
  wanted.change.kind = ChangeKind::clear;
  return state_after(fcinfo, wanted);
}

namespace presence {

namespace {

// The last of duplicates wins; the others are left out. Returns how many remain.
int without_duplicates(WantedChange* wanted, int count) {
  struct Entry {
    char key[max_id_bytes + 1];
    int place;
  };
  HASHCTL control{};
  control.keysize = max_id_bytes + 1;
  control.entrysize = sizeof(Entry);
  control.hcxt = CurrentMemoryContext;
  HTAB* seen = hash_create("users of a batch", count, &control,
                           HASH_ELEM | hash_strings_compat | HASH_CONTEXT);
  int kept = 0;
  for (int i = 0; i < count; i++) {
    char key[max_id_bytes + 1] = {};
    memcpy(key, wanted[i].user_id.data(), wanted[i].user_id.size());
    bool found;
    auto* entry = static_cast<Entry*>(hash_search(seen, key, HASH_ENTER, &found));
    if (!found) entry->place = kept++;
    wanted[entry->place] = wanted[i];
  }
  return kept;
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_set_status_many) {
  extension();
  require_writable("presence_set_status_many()");
  require_service("presence_set_status_many()");
  const Elements ids = array_argument(fcinfo, 0, "user_ids");
  const Elements statuses = array_argument(fcinfo, 1, "statuses");
  check_same_length(ids.count, statuses.count, "statuses");
  Elements messages{};
  if (!PG_ARGISNULL(2)) {
    messages = array_argument(fcinfo, 2, "status_messages");
    check_same_length(ids.count, messages.count, "status_messages");
  }
  const std::string_view reason = reason_argument(fcinfo, 3);
  const bool explicit_logout = bool_argument(fcinfo, 4, "explicit_logout");
  if (ids.count == 0) PG_RETURN_INT32(0);

  auto* wanted =
      static_cast<WantedChange*>(palloc0(sizeof(WantedChange) * static_cast<Size>(ids.count)));
  for (int i = 0; i < ids.count; i++) {
    WantedChange& one = wanted[i] = WantedChange{};
    if (ids.nulls[i]) raise_null("an element of user_ids");
    if (statuses.nulls[i]) raise_null("an element of statuses");
    one.user_id = text_of(ids.values[i]);
    check_id(one.user_id);
    one.change = change_for(status_of_text(text_of(statuses.values[i])), explicit_logout, never);
    one.why = reason_of(reason, one.change);
    if (i < messages.count && !messages.nulls[i]) {
      one.message = text_of(messages.values[i]);
      check_message(*one.message);
    }
  }
  const int count = without_duplicates(wanted, ids.count);
  static UserView last;
  PG_RETURN_INT32(make_changes(wanted, count, last));
}
