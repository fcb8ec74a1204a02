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

Statement fetch_session_keys = {
    "SELECT session_id, connected_at FROM %s.presence_sessions WHERE session_id > $1 "
    "ORDER BY session_id LIMIT $2",
    2,
    {TEXTOID, INT8OID}};
Statement delete_sessions = {
    "DELETE FROM %s.presence_sessions p USING unnest($1, $2) AS r(session_id, connected_at) "
    "WHERE p.session_id = r.session_id AND p.connected_at = r.connected_at",
    2,
    {TEXTARRAYOID, TIMESTAMPTZARRAYOID}};
Statement fetch_member_keys = {
    "SELECT channel_id, user_id FROM %s.channel_presence WHERE (channel_id, user_id) > ($1, $2) "
    "ORDER BY channel_id, user_id LIMIT $3",
    3,
    {TEXTOID, TEXTOID, INT8OID}};
Statement delete_members = {
    "DELETE FROM %s.channel_presence p USING unnest($1, $2) AS r(channel_id, user_id) "
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

// Each of these returns how many rows it has looked at. What is no id is deleted, and need not be
// remembered.
uint64 clean_sessions(const RealmRef& realm, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), Int64GetDatum(rows_at_once)};
  const uint64 looked_at = run(fetch_session_keys, from, nullptr);
  Column ids(TEXTOID, rows_at_once), connected(TIMESTAMPTZOID, rows_at_once);
  bool any = false;
  for (uint64 row = 0; row < looked_at; row++) {
    const std::string_view id = text_column(row, 1);
    if (is_id(id)) set(place.first, id);
    if (has_session(realm, id)) continue;
    ids.add_text(id);
    connected.add(TimestampTzGetDatum(time_column(row, 2)));
    any = true;
  }
  Datum lost[] = {ids.array(), connected.array()};
  if (any) run(delete_sessions, lost, nullptr);
  return looked_at;
}

// Who has joined since its row was looked at has lost it: it is written again.
uint64 clean_members(const RealmRef& realm, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), datum_of(place.second), Int64GetDatum(rows_at_once)};
  const uint64 looked_at = run(fetch_member_keys, from, nullptr);
  Column channels(TEXTOID, rows_at_once), users(TEXTOID, rows_at_once);
  bool any = false;
  for (uint64 row = 0; row < looked_at; row++) {
    const std::string_view channel = text_column(row, 1), user = text_column(row, 2);
    if (is_id(channel) && is_id(user)) {
      set(place.first, channel);
      set(place.second, user);
    }
    if (has_member(realm, channel, user)) continue;
    channels.add_text(channel);
    users.add_text(user);
    any = true;
  }
  Datum lost[] = {channels.array(), users.array()};
  const uint64 deleted = any ? run(delete_members, lost, nullptr) : 0;
  for (uint64 row = 0; row < deleted; row++)
    miss_member_row(realm, realm.key(text_column(row, 2)), realm.channel_key(text_column(row, 1)));
  return looked_at;
}

}  // namespace

bool clean_some_rows(CleaningPlace& place) {
  const bool are_sessions = place.table == Table::sessions;
  const Oid table = are_sessions ? extension().presence_sessions : extension().channel_presence;
  if (!ConditionalLockRelationOid(table, RowExclusiveLock)) return false;
  TableAccess access;
  access.begin();
  access.set("lock_timeout", "100");
  const RealmRef realm = extension().realm;
  const uint64 looked_at =
      are_sessions ? clean_sessions(realm, place) : clean_members(realm, place);
  access.end();
  if (looked_at < rows_at_once) place = {are_sessions ? Table::members : Table::none, {}, {}};
  return true;
}

}  // namespace presence
