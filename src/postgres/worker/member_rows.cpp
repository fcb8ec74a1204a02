// member_rows.cpp: batches of rows of members.
//
// Rows that somebody has locked are left for another time. Each row of a batch has a place in it,
// by which the statements tell what they have done.
#include "postgres/worker/member_rows.h"

#include <algorithm>

#include "postgres/shared/work.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/jsonb.h"
#include "postgres/tables/member_rows.h"
#include "postgres/tables/row_deletes.h"
#include "postgres/worker/behind.h"

extern "C" {
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

using Members = Taken<MemberView>;

// Those that somebody has locked.
Statement undeleted_rows = {
    "SELECT r.place FROM unnest($1, $2) WITH ORDINALITY AS r(channel_id, user_id, place) "
    "JOIN %s.channel_presence p USING (channel_id, user_id)",
    2,
    {TEXTARRAYOID, TEXTARRAYOID}};

constexpr int batch_columns = 9;
#define MEMBER_ROWS                                                                           \
  "unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY AS r(channel_id, user_id, "     \
  "joined_at, last_active, cursor_position, selection_range, state, user_data, session_ids, " \
  "place)"
#define MEMBER_TYPES                                                                     \
  {                                                                                      \
    TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, JSONBARRAYOID, \
        JSONBARRAYOID, JSONBARRAYOID, JSONBARRAYOID, TEXTARRAYOID                        \
  }
// An array of arrays would need the same length of each: they come as their text.
Statement update_rows = {
    "WITH free AS MATERIALIZED ("
    "  SELECT r.* FROM " MEMBER_ROWS
    ", LATERAL (SELECT FROM %s.channel_presence p "
    "    WHERE p.channel_id = r.channel_id AND p.user_id = r.user_id "
    "    FOR NO KEY UPDATE SKIP LOCKED) p) "
    "UPDATE %s.channel_presence p SET joined_at = r.joined_at, last_active = r.last_active, "
    "cursor_position = r.cursor_position, selection_range = r.selection_range, state = r.state, "
    "user_data = r.user_data, session_ids = r.session_ids::text[] "
    "FROM free r WHERE p.channel_id = r.channel_id AND p.user_id = r.user_id RETURNING r.place",
    batch_columns, MEMBER_TYPES};
Statement add_rows = {
    "WITH batch AS MATERIALIZED (SELECT r.* FROM " MEMBER_ROWS
    "), added AS ("
    "  INSERT INTO %s.channel_presence (channel_id, user_id, joined_at, last_active, "
    "    cursor_position, selection_range, state, user_data, session_ids) "
    "  SELECT channel_id, user_id, joined_at, last_active, cursor_position, selection_range, "
    "    state, user_data, session_ids::text[] FROM batch b "
    "  WHERE NOT EXISTS (SELECT FROM %s.channel_presence p "
    "    WHERE p.channel_id = b.channel_id AND p.user_id = b.user_id) "
    "  ON CONFLICT (channel_id, user_id) DO NOTHING RETURNING channel_id, user_id) "
    "SELECT b.place FROM batch b JOIN added USING (channel_id, user_id)",
    batch_columns, MEMBER_TYPES};

// Marks the places that the last result names, or takes their marks away.
void mark_places(bool* marks, bool mark) {
  for (uint64 i = 0; i < SPI_processed; i++)
    if (Datum place; get_value(i, 1, place)) marks[DatumGetInt64(place) - 1] = mark;
}

void delete_left(const Members& left, bool* locked) {
  Column channels(TEXTOID, left.count()), users(TEXTOID, left.count());
  for (int i = 0; i < left.count(); i++) {
    channels.add_text(left[i].channel());
    users.add_text(left[i].id());
  }
  Datum values[] = {channels.array(), users.array()};
  if (delete_member_rows(values[0], values[1]) == static_cast<uint64>(left.count())) return;
  run(undeleted_rows, values, nullptr);
  mark_places(locked, true);
}

void add_jsonb(Column& column, std::string_view bytes) {
  bytes.empty() ? column.add_null() : column.add(jsonb_of_bytes(bytes));
}

void write_waiting(const Members& waiting, bool* locked) {
  const int count = waiting.count();
  Column channels(TEXTOID, count), users(TEXTOID, count);
  Column joined(TIMESTAMPTZOID, count), active(TIMESTAMPTZOID, count);
  Column cursors(JSONBOID, count), selections(JSONBOID, count), states(JSONBOID, count);
  Column data(JSONBOID, count), sessions(TEXTOID, count);
  for (int i = 0; i < count; i++) {
    const MemberView& member = waiting[i];
    channels.add_text(member.channel());
    users.add_text(member.id());
    joined.add(TimestampTzGetDatum(member.joined_at));
    active.add(TimestampTzGetDatum(member.last_active));
    add_jsonb(cursors, member.cursor());
    add_jsonb(selections, member.selection());
    add_jsonb(states, member.state());
    add_jsonb(data, member.has_own_data ? member.data() : std::string_view{});
    sessions.add_text(text_of_array(array_of_seats(member.seats())));
  }
  Datum values[] = {channels.array(), users.array(),   joined.array(),
                    active.array(),   cursors.array(), selections.array(),
                    states.array(),   data.array(),    sessions.array()};
  if (run(update_rows, values, nullptr) == static_cast<uint64>(count)) return;
  std::fill_n(locked, count, true);
  mark_places(locked, false);
  run(add_rows, values, nullptr);
  mark_places(locked, false);
}

constexpr RowsBehind<MemberView> member_rows = {"write the rows of channels",
                                                &Extension::channel_presence,
                                                begin_deleting_member,
                                                begin_writing_member,
                                                leave_member_row,
                                                end_member_rows,
                                                delete_left,
                                                write_waiting};

}  // namespace

Outcome write_member_rows(const RealmRef& realm, int most) {
  return write_behind(realm, member_rows, most);
}

}  // namespace presence
