// lost_rows.cpp: a cleaning goes through the keys of both tables, a portion a transaction.
#include "postgres/tables/lost_rows.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/sessions.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/each_row.h"

extern "C" {
#include "storage/lmgr.h"
}

namespace presence {

namespace {

using Table = CleaningPlace::Table;

constexpr int looked_at_once = 2000;
constexpr int deleted_at_once = 250;  // what there is to tell meanwhile waits for some milliseconds

Statement fetch_session_keys = {
    "SELECT session_id, connected_at FROM %s.presence_sessions WHERE session_id > $1 "
    "ORDER BY session_id LIMIT $2",
    2,
    {TEXTOID, INT8OID}};
Statement delete_sessions = {
    "WITH free AS MATERIALIZED ("
    "  SELECT r.* FROM unnest($1, $2) AS r(session_id, connected_at), LATERAL ("
    "    SELECT FROM %s.presence_sessions p WHERE p.session_id = r.session_id "
    "    AND p.connected_at = r.connected_at FOR UPDATE SKIP LOCKED) p) "
    "DELETE FROM %s.presence_sessions p USING free r "
    "WHERE p.session_id = r.session_id AND p.connected_at = r.connected_at",
    2,
    {TEXTARRAYOID, TIMESTAMPTZARRAYOID}};
Statement fetch_member_keys = {
    "SELECT channel_id, user_id FROM %s.channel_presence WHERE (channel_id, user_id) > ($1, $2) "
    "ORDER BY channel_id, user_id LIMIT $3",
    3,
    {TEXTOID, TEXTOID, INT8OID}};
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

Datum datum_of(const CleaningPlace::Key& key) { return text_datum({key.text, key.bytes}); }

void set(CleaningPlace::Key& key, std::string_view text) {
  key.bytes = static_cast<uint32_t>(text.size());
  std::memcpy(key.text, text.data(), text.size());
}

bool has_session(const RealmRef& realm, std::string_view id) {
  SessionOwner owner;
  return is_id(id) && find_session(realm, realm.session_key(id), current_policy(), current_time(),
                                   owner) == Answer::done;
}

bool has_member(const RealmRef& realm, std::string_view channel, std::string_view user) {
  return is_id(channel) && is_id(user) &&
         is_member(realm, realm.key(user), realm.channel_key(channel));
}

// Each of these returns whether it has come to the end of its table. What is no id is deleted, and
// need not be remembered.
bool clean_sessions(const RealmRef& realm, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), Int64GetDatum(looked_at_once)};
  const uint64 found = run(fetch_session_keys, from, nullptr);
  Column ids(TEXTOID, deleted_at_once), connected(TIMESTAMPTZOID, deleted_at_once);
  uint64 row = 0, lost = 0;
  for (; row < found && lost < deleted_at_once; row++) {
    const std::string_view id = text_column(row, 1);
    if (is_id(id)) set(place.first, id);
    if (has_session(realm, id)) continue;
    ids.add_text(id);
    connected.add(TimestampTzGetDatum(time_column(row, 2)));
    lost++;
  }
  Datum rows[] = {ids.array(), connected.array()};
  if (lost > 0 && run(delete_sessions, rows, nullptr) < lost) place.left_some = true;
  return row == found && found < looked_at_once;
}

// Who has joined since its row was looked at has lost it: it is written again.
bool clean_members(const RealmRef& realm, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), datum_of(place.second), Int64GetDatum(looked_at_once)};
  const uint64 found = run(fetch_member_keys, from, nullptr);
  Column channels(TEXTOID, deleted_at_once), users(TEXTOID, deleted_at_once);
  uint64 row = 0, lost = 0;
  for (; row < found && lost < deleted_at_once; row++) {
    const std::string_view channel = text_column(row, 1), user = text_column(row, 2);
    if (is_id(channel) && is_id(user)) {
      set(place.first, channel);
      set(place.second, user);
    }
    if (has_member(realm, channel, user)) continue;
    channels.add_text(channel);
    users.add_text(user);
    lost++;
  }
  Datum rows[] = {channels.array(), users.array()};
  const uint64 deleted = lost > 0 ? run(delete_members, rows, nullptr) : 0;
  if (deleted < lost) place.left_some = true;
  for (uint64 i = 0; i < deleted; i++)
    miss_member_row(realm, realm.key(text_column(i, 2)), realm.channel_key(text_column(i, 1)));
  return row == found && found < looked_at_once;
}

void go_to_next_table(CleaningPlace& place) {
  const bool were_sessions = place.table == Table::sessions;
  place = {were_sessions ? Table::members : Table::none, place.left_some, {}, {}};
}

}  // namespace

void leave_table(CleaningPlace& place) {
  place.left_some = true;
  go_to_next_table(place);
}

void clean_some_rows(const RealmRef& realm, CleaningPlace& place) {
  const bool are_sessions = place.table == Table::sessions;
  const Oid table = are_sessions ? extension().presence_sessions : extension().channel_presence;
  // With the lock nobody drops the extension; until then somebody may have put another in its
  // place.
  if (!ConditionalLockRelationOid(table, RowExclusiveLock) ||
      extension().realm.identity != realm.identity) {
    leave_table(place);
    return;
  }
  TableAccess access;
  access.begin_many();
  access.set("lock_timeout", "100");
  const bool is_end = are_sessions ? clean_sessions(realm, place) : clean_members(realm, place);
  access.end();
  if (is_end) go_to_next_table(place);
}

}  // namespace presence
