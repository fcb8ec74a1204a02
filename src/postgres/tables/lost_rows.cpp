// lost_rows.cpp: a cleaning goes through the keys of both tables, a portion a transaction.
#include "postgres/tables/lost_rows.h"

#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/sessions.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/each_row.h"
#include "postgres/tables/row_deletes.h"

extern "C" {
#include "storage/lmgr.h"
}

namespace presence {

namespace {

using Table = CleaningPlace::Table;

// Fewer where rows are tried one by one.
int looked_at_once(int most) { return std::min(2000, 8 * most); }

Statement fetch_session_keys = {
    "SELECT session_id, connected_at FROM %s.presence_sessions WHERE session_id > $1 "
    "ORDER BY session_id LIMIT $2",
    2,
    {TEXTOID, INT8OID}};
Statement fetch_member_keys = {
    "SELECT channel_id, user_id FROM %s.channel_presence WHERE (channel_id, user_id) > ($1, $2) "
    "ORDER BY channel_id, user_id LIMIT $3",
    3,
    {TEXTOID, TEXTOID, INT8OID}};

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
bool clean_sessions(const RealmRef& realm, int most, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), Int64GetDatum(looked_at_once(most))};
  const uint64 found = run(fetch_session_keys, from, nullptr);
  Column ids(TEXTOID, most), connected(TIMESTAMPTZOID, most);
  uint64 row = 0;
  int lost = 0;
  for (; row < found && lost < most; row++) {
    const std::string_view id = text_column(row, 1);
    if (is_id(id)) set(place.first, id);
    if (has_session(realm, id)) continue;
    ids.add_text(id);
    connected.add(TimestampTzGetDatum(time_column(row, 2)));
    lost++;
  }
  place.tried = lost;
  if (lost > 0 && delete_session_rows(ids.array(), connected.array()) < static_cast<uint64>(lost))
    place.left_some = true;
  return row == found && found < static_cast<uint64>(looked_at_once(most));
}

// Who has joined since its row was looked at has lost it: it is written again.
bool clean_members(const RealmRef& realm, int most, CleaningPlace& place) {
  Datum from[] = {datum_of(place.first), datum_of(place.second),
                  Int64GetDatum(looked_at_once(most))};
  const uint64 found = run(fetch_member_keys, from, nullptr);
  Column channels(TEXTOID, most), users(TEXTOID, most);
  uint64 row = 0;
  int lost = 0;
  for (; row < found && lost < most; row++) {
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
  place.tried = lost;
  const uint64 deleted = lost > 0 ? delete_member_rows(channels.array(), users.array()) : 0;
  if (deleted < static_cast<uint64>(lost)) place.left_some = true;
  for (uint64 i = 0; i < deleted; i++)
    miss_member_row(realm, realm.key(text_column(i, 2)), realm.channel_key(text_column(i, 1)));
  return row == found && found < static_cast<uint64>(looked_at_once(most));
}

void go_to_next_table(CleaningPlace& place) {
  const bool were_sessions = place.table == Table::sessions;
  place = {were_sessions ? Table::members : Table::none, place.left_some, place.tried, {}, {}};
}

bool operator==(const CleaningPlace::Key& a, const CleaningPlace::Key& b) {
  return std::string_view(a.text, a.bytes) == std::string_view(b.text, b.bytes);
}

}  // namespace

bool is_further(const CleaningPlace& place, const CleaningPlace& before) {
  return !(place.table == before.table && place.first == before.first &&
           place.second == before.second);
}

void leave_table(CleaningPlace& place) {
  place.left_some = true;
  go_to_next_table(place);
}

void clean_some_rows(const RealmRef& realm, int most, CleaningPlace& place) {
  place.tried = 0;
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
  access.begin_worker();
  const bool is_end =
      are_sessions ? clean_sessions(realm, most, place) : clean_members(realm, most, place);
  access.end();
  if (is_end) go_to_next_table(place);
}

}  // namespace presence
