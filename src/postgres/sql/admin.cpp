// admin.cpp: taking over, erasing, emptying.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/change.h"
#include "postgres/transaction/visibility.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
}

using namespace presence;

PRESENCE_FUNCTION(presence_forget) {
  extension();
  require_writable("presence_forget()");
  require_service("presence_forget()");
  const std::string_view user_id = id_argument(fcinfo, 0, "user_id");
  const bool was_known_to_others = make_unknown_to_others(user_id);
  PG_RETURN_BOOL(make_forgotten(user_id) || was_known_to_others);
}

PRESENCE_FUNCTION(presence_reset) {
  const Extension& ours = extension();
  require_writable("presence_reset()");
  if (!has_privs_of_role(GetUserId(), ours.owner))
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied for presence_reset()"),
                    errdetail("Only the extension's owner may empty everything."),
                    errhint("Call it as the role that owns the extension (\\dx), or as a member of "
                            "that role.")));
  if (has_changes())
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("presence_reset() must be the transaction's first change of presence"),
                    errhint("Commit or roll back first.")));
  static Statement empty = {
      "TRUNCATE %s.user_presence, %s.presence_sessions, %s.presence_history, "
      "%s.user_activities, %s.channel_presence, %s.presence_visibility, %s.presence_contacts",
      0,
      {}};
  TableAccess access;
  access.begin();
  run(empty, nullptr, nullptr);
  access.end();
  reset_at_commit(extension().realm);
  PG_RETURN_VOID();
}

namespace presence {

namespace {

#define IMPORTED_COLUMNS                                                                       \
  "user_id text, status text, status_message text, last_seen timestamptz, current_page text, " \
  "activity_count int, auto_away_at timestamptz, went_offline_at timestamptz, "                \
  "updated_at timestamptz, user_data jsonb"

Statement read_rows = {
    "SELECT user_id, status, status_message, current_page, user_data "
    "FROM jsonb_to_recordset($1) AS r(" IMPORTED_COLUMNS ") ORDER BY user_id COLLATE \"C\"",
    1,
    {JSONBOID}};

// In the order of the keys, like every batch. Of duplicates the one seen last is taken. `manual` is
// the line of core/choices_text.h: busy is a choice, a message is kept as one.
Statement import_rows = {
    "INSERT INTO %s.user_presence (user_id, status, status_message, last_seen, current_page, "
    "activity_count, auto_away_at, went_offline_at, updated_at, user_data, manual) "
    "SELECT DISTINCT ON (user_id COLLATE \"C\") user_id, status, nullif(status_message, ''), "
    "least(coalesce(last_seen, CASE WHEN status <> 'offline' THEN $2 END), $2), "
    "nullif(current_page, ''), greatest(coalesce(activity_count, 0), 0), auto_away_at, "
    "went_offline_at, coalesce(updated_at, $2), user_data, "
    "CASE WHEN status = 'busy' OR status_message <> '' THEN "
    "CASE status WHEN 'busy' THEN 'busy' ELSE 'offline' END || ' - - ' || "
    "octet_length(coalesce(status_message, '')) || ':' || coalesce(status_message, '') END "
    "FROM jsonb_to_recordset($1) AS r(" IMPORTED_COLUMNS
    ") WHERE user_id <> ALL ($3) "
    "ORDER BY user_id COLLATE \"C\", last_seen DESC NULLS LAST "
    "ON CONFLICT (user_id) DO NOTHING",
    3,
    {JSONBOID, TIMESTAMPTZOID, TEXTARRAYOID}};

std::string_view text_in(uint64 row, int number) {
  Datum value;
  return get_value(row, number, value) ? text_of(value) : std::string_view{};
}

void check_imported(uint64 row) {
  Datum value;
  if (!get_value(row, 1, value)) raise_null("user_id");
  check_id(text_of(value));
  if (!get_value(row, 2, value)) raise_null("status");
  status_of_text(text_of(value));
  check_message(text_in(row, 3));
  if (text_in(row, 4).size() > max_page_bytes)
    ereport(ERROR,
            (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("current_page is too long"),
             errdetail("At most %zu bytes are allowed.", max_page_bytes),
             errhint("Shorten it, or leave it out.")));
  if (get_value(row, 5, value)) check_data(value);
}

void check_is_array(Jsonb* rows) {
  if (JB_ROOT_IS_ARRAY(rows) && !JB_ROOT_IS_SCALAR(rows)) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("rows must be a JSON array of objects"),
           errhint("SELECT presence_import(jsonb_agg(to_jsonb(t))) FROM your_table t;")));
}

bool is_known_in_memory(const RealmRef& realm, std::string_view id) {
  static UserView view;
  const Answer answer = view_user(realm, realm.key(id), {}, current_policy(), current_time(), view);
  return answer == Answer::done && (view.has_last_seen || view.message_bytes > 0);
}

// Who is known keeps what they have; the others who are not offline are claimed. That keeps the
// persister away from their rows until this transaction ends.
Datum claim_imported(const RealmRef& realm, SPITupleTable* rows, uint64 count) {
  Column known(TEXTOID, static_cast<int>(count));
  auto* claimed = static_cast<std::string_view*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(std::string_view) * Max(count, 1)));
  int claims = 0;
  for (uint64 i = 0; i < count; i++) {
    SPI_tuptable = rows;
    const std::string_view id = text_in(i, 1);
    if (is_known_in_memory(realm, id))
      known.add_text(id);
    else if (text_in(i, 2) != name_of(Status::offline))
      claimed[claims++] = id;
  }
  bring_from_rows(realm, claimed, claims);
  for (int i = 0; i < claims; i++) {
    CHECK_FOR_INTERRUPTS();
    claim_for_change(realm, realm.key(claimed[i]));
  }
  return known.array();
}

}  // namespace

}  // namespace presence

// The worker loads the rows when this transaction commits.
PRESENCE_FUNCTION(presence_import) {
  const RealmRef realm = extension().realm;
  require_writable("presence_import()");
  require_service("presence_import()");
  if (PG_ARGISNULL(0)) raise_null("rows");
  check_is_array(PG_GETARG_JSONB_P(0));
  Datum values[] = {PG_GETARG_DATUM(0), TimestampTzGetDatum(current_time()), 0};

  TableAccess access;
  access.begin();
  const uint64 found = run(read_rows, values, nullptr);
  for (uint64 i = 0; i < found; i++) check_imported(i);
  values[2] = claim_imported(realm, SPI_tuptable, found);
  const uint64 imported = run(import_rows, values, nullptr);
  access.end();
  if (imported > 0) reload_at_commit(realm);
  PG_RETURN_INT32(static_cast<int32>(imported));
}
