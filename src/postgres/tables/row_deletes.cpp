// row_deletes.cpp: the statements for it.
#include "postgres/tables/row_deletes.h"

extern "C" {
#include "catalog/pg_type.h"
}

namespace presence {

namespace {

Statement delete_sessions = {
    "WITH free AS MATERIALIZED ("
    "  SELECT r.* FROM unnest($1, $2) AS r(session_id, connected_at), LATERAL ("
    "    SELECT FROM %s.presence_sessions p WHERE p.session_id = r.session_id "
    "    AND p.connected_at = r.connected_at FOR UPDATE SKIP LOCKED) p) "
    "DELETE FROM %s.presence_sessions p USING free r "
    "WHERE p.session_id = r.session_id AND p.connected_at = r.connected_at "
    "RETURNING p.session_id",
    2,
    {TEXTARRAYOID, TIMESTAMPTZARRAYOID}};
Statement delete_members = {
    "WITH free AS MATERIALIZED ("
    "  SELECT r.* FROM unnest($1, $2) AS r(channel_id, user_id), LATERAL ("
    "    SELECT FROM %s.channel_presence p WHERE p.channel_id = r.channel_id "
    "    AND p.user_id = r.user_id FOR UPDATE SKIP LOCKED) p) "
    "DELETE FROM %s.channel_presence p USING free r "
    "WHERE p.channel_id = r.channel_id AND p.user_id = r.user_id "
    "RETURNING p.channel_id, p.user_id",
    2,
    {TEXTARRAYOID, TEXTARRAYOID}};

}  // namespace

uint64 delete_session_rows(Datum session_ids, Datum connected_at) {
  Datum values[] = {session_ids, connected_at};
  return run(delete_sessions, values, nullptr);
}

uint64 delete_member_rows(Datum channel_ids, Datum user_ids) {
  Datum values[] = {channel_ids, user_ids};
  return run(delete_members, values, nullptr);
}

}  // namespace presence
