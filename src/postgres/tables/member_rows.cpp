// member_rows.cpp: from rows to members.
#include "postgres/tables/member_rows.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/each_row.h"
#include "postgres/tables/jsonb.h"

extern "C" {
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
}

namespace presence {

Datum array_of_seats(std::string_view seats) {
  int count = 0;
  for (const char c : seats) count += c == '\0';
  Column ids(TEXTOID, Max(count, 1));
  while (!seats.empty()) {
    const std::size_t end = seats.find('\0');
    ids.add_text(seats.substr(0, end));
    seats.remove_prefix(end + 1);
  }
  return ids.array();
}

std::string_view text_of_array(Datum array) {
  Oid output;
  bool is_varlena;
  getTypeOutputInfo(TEXTARRAYOID, &output, &is_varlena);
  return OidOutputFunctionCall(output, array);
}

namespace {

#define MEMBER_COLUMNS                                                                     \
  "channel_id, user_id, joined_at, last_active, cursor_position, selection_range, state, " \
  "user_data, session_ids"
// Whoever was active last comes last: each one goes before those who are there.
Statement fetch_members = {
    "SELECT " MEMBER_COLUMNS " FROM %s.channel_presence ORDER BY last_active", 0, {}};
Statement fetch_member = {"SELECT " MEMBER_COLUMNS
                          " FROM %s.channel_presence WHERE channel_id = $1 AND user_id = $2",
                          2,
                          {TEXTOID, TEXTOID}};

std::string_view jsonb_column(uint64 row, int number, std::size_t most_bytes) {
  Datum value;
  if (!get_value(row, number, value)) return {};
  const std::string_view bytes = bytes_of_jsonb(value);
  return bytes.size() <= most_bytes && !has_long_number(value) ? bytes : std::string_view{};
}

// Those that may be ids, in memory of the scope.
std::span<const SessionKey> session_keys(const RealmRef& realm, uint64 row, int number) {
  Datum value;
  if (!get_value(row, number, value)) return {};
  const Elements ids = elements_of(DatumGetArrayTypeP(value));
  auto* keys =
      static_cast<SessionKey*>(palloc(sizeof(SessionKey) * static_cast<Size>(Max(ids.count, 1))));
  std::size_t count = 0;
  for (int i = 0; i < ids.count; i++)
    if (!ids.nulls[i] && is_id(text_of(ids.values[i])))
      new (keys + count++) SessionKey(realm.session_key(text_of(ids.values[i])));
  return {keys, count};
}

bool is_loadable(std::string_view channel, std::string_view user) {
  return is_id(channel) && is_id(user) && channel != global_channel;
}

MemberRowFacts facts_of_row(const RealmRef& realm, uint64 row) {
  MemberRowFacts facts;
  facts.channel = realm.channel_key(text_column(row, 1));
  facts.joined_at = time_column(row, 3);
  facts.last_active = Min(time_column(row, 4), current_time());
  facts.cursor = jsonb_column(row, 5, max_placed_bytes);
  facts.selection = jsonb_column(row, 6, max_placed_bytes);
  facts.state = jsonb_column(row, 7, max_placed_bytes);
  facts.data = jsonb_column(row, 8, max_data_bytes);
  facts.sessions = session_keys(realm, row, 9);
  return facts;
}

// Somebody who is gone since the rows were read may be this one: then its row is no more. Another
// loader may be far ahead.
void load_again(const RealmRef& realm, std::string_view channel, std::string_view user) {
  const UserKey key = realm.key(user);
  Answer answer = Answer::stale;
  while (answer == Answer::stale) {
    CHECK_FOR_INTERRUPTS();
    const uint32_t removals = member_removals_near(realm, key.partition());
    Datum values[] = {text_datum(channel), text_datum(user)};
    if (run_fresh(fetch_member, values, nullptr) == 0) return;
    answer =
        load_member(realm, key, facts_of_row(realm, 0), removals, current_policy(), current_time());
  }
}

void load_member_row(const RealmRef& realm, uint64 row, const uint32_t* removals) {
  const std::string_view channel = text_column(row, 1);
  const std::string_view user = text_column(row, 2);
  if (!is_loadable(channel, user)) return;
  const UserKey key = realm.key(user);
  if (load_member(realm, key, facts_of_row(realm, row), removals[key.partition()], current_policy(),
                  current_time()) == Answer::stale)
    load_again(realm, channel, user);
}

}  // namespace

void load_members(const RealmRef& realm, uint64_t load) {
  uint32_t removals[partition_count];
  for (uint32_t i = 0; i < partition_count; i++) removals[i] = member_removals_near(realm, i);
  for_each_row(fetch_members, [&](uint64 row) {
    if (realm.control().loads_done.load() < load) load_member_row(realm, row, removals);
  });
}

// ---- a standby -------------------------------------------------------------

namespace {

// Puts the columns of each row of the last result, as they are.
void put_all(uint64 found, int columns, ReturnSetInfo* result) {
  Datum values[9];
  bool nulls[9];
  for (uint64 i = 0; i < found; i++) {
    for (int column = 0; column < columns; column++)
      nulls[column] = !get_value(i, column + 1, values[column]);
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
}

}  // namespace

namespace {

bool has_member_row(std::string_view channel_id, std::string_view user_id) {
  static Statement query = {
      "SELECT FROM %s.channel_presence WHERE channel_id = $1 AND user_id = $2",
      2,
      {TEXTOID, TEXTOID}};
  Datum values[] = {text_datum(channel_id), text_datum(user_id)};
  return run_fresh(query, values, nullptr) > 0;
}

}  // namespace

bool put_member_rows(std::string_view channel_id, int most, std::optional<std::string_view> after,
                     Time not_before, ReturnSetInfo* result) {
  static Statement fetch = {
      "SELECT c.user_id, coalesce(u.status, 'offline'), coalesce(c.user_data, u.user_data), "
      "c.joined_at, c.last_active, c.cursor_position, c.selection_range, c.state, false "
      "FROM %s.channel_presence c LEFT JOIN %s.user_presence u USING (user_id) "
      "WHERE c.channel_id = $1 AND ($3 IS NULL OR c.last_active >= $3) AND ($4 IS NULL OR "
      "  (c.last_active, c.user_id) < (SELECT a.last_active, a.user_id FROM %s.channel_presence a "
      "   WHERE a.channel_id = $1 AND a.user_id = $4)) "
      "ORDER BY c.last_active DESC, c.user_id DESC LIMIT $2",
      4,
      {TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID}};
  TableAccess access;
  access.begin();
  const bool is_there = !after || has_member_row(channel_id, *after);
  Datum values[] = {text_datum(channel_id), Int32GetDatum(most), TimestampTzGetDatum(not_before),
                    after ? text_datum(*after) : Datum{0}};
  const char nulls[] = {' ', ' ', not_before == forever_ago ? 'n' : ' ', after ? ' ' : 'n', '\0'};
  put_all(run_fresh(fetch, values, nulls), 9, result);
  access.end();
  return is_there;
}

std::span<const std::string_view> users_of_member_rows(std::string_view channel_id) {
  static Statement query = {
      "SELECT user_id FROM %s.channel_presence WHERE channel_id = $1 "
      "ORDER BY last_active DESC, user_id DESC",
      1,
      {TEXTOID}};
  TableAccess access;
  MemoryContext caller = CurrentMemoryContext;
  access.begin();
  Datum values[] = {text_datum(channel_id)};
  const uint64 found = run_fresh(query, values, nullptr);
  MemoryContext before = MemoryContextSwitchTo(caller);
  auto* users = static_cast<std::string_view*>(
      palloc_extended(sizeof(std::string_view) * (found + 1), MCXT_ALLOC_HUGE));
  for (uint64 i = 0; i < found; i++) {
    const std::string_view user = text_column(i, 1);
    char* copy = static_cast<char*>(palloc(user.size() + 1));
    std::memcpy(copy, user.data(), user.size());
    users[i] = {copy, user.size()};
  }
  MemoryContextSwitchTo(before);
  access.end();
  return {users, found};
}

namespace {

uint32_t copy_bytes(uint64 row, int number, char* to, std::size_t room) {
  Datum value;
  if (!get_value(row, number, value)) return 0;
  const std::string_view bytes = bytes_of_jsonb(value);
  if (bytes.size() > room) return 0;
  std::memcpy(to, bytes.data(), bytes.size());
  return static_cast<uint32_t>(bytes.size());
}

}  // namespace

bool view_member_row(std::string_view channel_id, std::string_view user_id, MemberView& out) {
  static Statement query = {
      "SELECT coalesce(u.status, 'offline'), coalesce(c.user_data, u.user_data), c.joined_at, "
      "c.last_active, c.cursor_position, c.selection_range, c.state "
      "FROM %s.channel_presence c LEFT JOIN %s.user_presence u USING (user_id) "
      "WHERE c.channel_id = $1 AND c.user_id = $2",
      2,
      {TEXTOID, TEXTOID}};
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(channel_id), text_datum(user_id)};
  const bool found = run_fresh(query, values, nullptr) > 0;
  if (found) {
    out = MemberView{};
    out.detail = Detail::full;
    out.status = status_named(text_column(0, 1)).value_or(Status::offline);
    out.id_bytes = static_cast<uint32_t>(user_id.size());
    std::memcpy(out.id_text, user_id.data(), user_id.size());
    out.data_bytes = copy_bytes(0, 2, out.data_text, sizeof out.data_text);
    out.joined_at = time_column(0, 3);
    out.last_active = time_column(0, 4);
    out.cursor_bytes = copy_bytes(0, 5, out.cursor_text, sizeof out.cursor_text);
    out.selection_bytes = copy_bytes(0, 6, out.selection_text, sizeof out.selection_text);
    out.state_bytes = copy_bytes(0, 7, out.state_text, sizeof out.state_text);
  }
  access.end();
  return found;
}

int count_member_rows(std::string_view channel_id) {
  static Statement query = {
      "SELECT count(*) FROM %s.channel_presence WHERE channel_id = $1 "
      "UNION ALL SELECT count(*) FROM %s.user_presence WHERE $1 = 'global_presence' AND status <> "
      "'offline'",
      1,
      {TEXTOID}};
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(channel_id)};
  int count = 0;
  const uint64 found = run_fresh(query, values, nullptr);
  for (uint64 i = 0; i < found; i++)
    if (Datum value; get_value(i, 1, value)) count += static_cast<int>(DatumGetInt64(value));
  access.end();
  return count;
}

void put_channel_rows(std::string_view user_id, ReturnSetInfo* result) {
  static Statement fetch = {
      "SELECT channel_id FROM %s.channel_presence WHERE user_id = $1 ORDER BY 1", 1, {TEXTOID}};
  TableAccess access;
  access.begin();
  Datum values[] = {text_datum(user_id)};
  put_all(run_fresh(fetch, values, nullptr), 1, result);
  access.end();
}

}  // namespace presence
