// people.cpp: looking a person up, and making the row.
#include "postgres/sql/people.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

// The columns of presence_state, in order.
enum StateColumn {
  column_user_id,
  column_status,
  column_message,
  column_last_seen,
  column_page,
  column_data,
  column_sessions,
  column_activities,
  column_per_minute,
  state_columns
};

Datum int_datum(uint32_t number) {
  return Int32GetDatum(static_cast<int32>(Min(number, static_cast<uint32_t>(INT32_MAX))));
}

void text_or_null(std::string_view text, int column, Datum* values, bool* nulls) {
  nulls[column] = text.empty();
  if (!text.empty()) values[column] = text_datum(text);
}

}  // namespace

HeapTuple state_tuple(const UserView& view, TupleDesc out) {
  Datum values[state_columns] = {};
  bool nulls[state_columns] = {};
  values[column_user_id] = text_datum(view.id());
  values[column_status] = text_datum(name_of(view.status));
  text_or_null(view.message(), column_message, values, nulls);
  nulls[column_last_seen] = !view.has_last_seen;
  values[column_last_seen] = TimestampTzGetDatum(view.last_seen);
  text_or_null(view.page(), column_page, values, nulls);
  nulls[column_data] = view.data_bytes == 0;
  if (view.data_bytes > 0) values[column_data] = jsonb_of_bytes(view.data());
  values[column_sessions] = int_datum(view.session_count);
  values[column_activities] = int_datum(view.activity_count);
  values[column_per_minute] = int_datum(view.interactions_per_minute);
  return heap_form_tuple(out, values, nulls);
}

HeapTuple unknown_tuple(std::string_view user_id, TupleDesc out) {
  UserView view{};
  view.id_bytes = static_cast<uint32_t>(user_id.size());
  std::memcpy(view.id_text, user_id.data(), user_id.size());
  return state_tuple(view, out);
}

TupleDesc result_type(FunctionCallInfo call) {
  TupleDesc type;
  if (get_call_result_type(call, nullptr, &type) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "the function's result is not a row");
  return BlessTupleDesc(type);
}

namespace {

bool is_known(const UserView& view) {
  return view.has_last_seen || view.status != Status::offline || view.message_bytes > 0 ||
         view.activity_count > 0 || view.data_bytes > 0;
}

// What the row says: on a standby, where the primary keeps it up to date, or of somebody for whom
// there is no room in memory.
bool see_row(std::string_view user_id, UserView& out) {
  static Statement fetch = {
      "SELECT " PRESENCE_ROW_COLUMNS " FROM %s.user_presence WHERE user_id = $1", 1, {TEXTOID}};
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(user_id)};
  const bool found = run_fresh(fetch, values, nullptr) > 0;
  if (found) {
    const ReadRow read = read_row(0);
    out = UserView{};
    out.status = read.row.status;
    out.has_last_seen = read.row.last_seen != forever_ago;
    out.last_seen = read.row.last_seen;
    out.activity_count = read.row.activity_count;
    out.session_count = read.row.status == Status::offline ? 0 : 1;
    const auto copy = [](std::string_view from, char* to, std::size_t room) {
      const std::size_t bytes = Min(from.size(), room);
      std::memcpy(to, from.data(), bytes);
      return static_cast<uint32_t>(bytes);
    };
    out.id_bytes = copy(read.user_id, out.id_text, sizeof out.id_text);
    out.page_bytes = copy(read.row.page, out.page_text, sizeof out.page_text);
    if (read.row.data.size() <= sizeof out.data_text)
      out.data_bytes = copy(read.row.data, out.data_text, sizeof out.data_text);
    if (Datum message; get_value(0, 7, message))
      out.message_bytes = copy(text_of(message), out.message_text, sizeof out.message_text);
  }
  access.end();
  return found;
}

}  // namespace

bool see_user(std::string_view user_id, UserView& out) {
  const RealmRef realm = extension().realm;
  if (RecoveryInProgress()) return see_row(user_id, out);
  const UserKey key = realm.key(user_id);
  const std::span<const Wish> wishes = wishes_for(key);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    switch (view_user(realm, key, wishes, current_policy(), current_time(), out)) {
      case Answer::done:
        return is_known(out);
      case Answer::missing:
        // With memory full, the row itself has the answer.
        if (!try_bring_from_row(realm, key)) return see_row(user_id, out);
        break;
      default:
        raise_gone();
    }
  }
}

}  // namespace presence
