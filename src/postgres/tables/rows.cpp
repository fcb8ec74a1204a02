// rows.cpp: the statements of the application's side. The persister has its own.
#include "postgres/tables/rows.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/settings.h"
#include "postgres/shared/users.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

Statement fetch_one = {
    "SELECT " PRESENCE_ROW_COLUMNS " FROM %s.user_presence WHERE user_id = $1", 1, {TEXTOID}};

Statement fetch_many = {"SELECT " PRESENCE_ROW_COLUMNS
                        " FROM %s.user_presence WHERE user_id = ANY ($1)",
                        1,
                        {TEXTARRAYOID}};

Statement history_one = {
    "INSERT INTO %s.presence_history "
    "(user_id, previous_status, new_status, changed_at, change_reason) "
    "VALUES ($1, $2, $3, $4, $5)",
    5,
    {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID}};
Statement history_many = {
    "INSERT INTO %s.presence_history "
    "(user_id, previous_status, new_status, changed_at, change_reason) "
    "SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)",
    5,
    {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID}};

Statement erase_row = {"DELETE FROM %s.user_presence WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_history = {"DELETE FROM %s.presence_history WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_sessions = {"DELETE FROM %s.presence_sessions WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_members = {"DELETE FROM %s.channel_presence WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_rules = {"DELETE FROM %s.presence_visibility WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_relations = {"DELETE FROM %s.presence_contacts WHERE user_id = $1", 1, {TEXTOID}};
Statement erase_activities = {"DELETE FROM %s.user_activities WHERE user_id = $1", 1, {TEXTOID}};

std::string_view column_text(uint64 row, int number) {
  Datum value;
  return get_value(row, number, value) ? text_of(value) : std::string_view{};
}

}  // namespace

std::string_view clipped(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  return text.substr(
      0, static_cast<std::size_t>(pg_mbcliplen(text.data(), static_cast<int>(text.size()),
                                               static_cast<int>(most_bytes))));
}

ReadRow read_row(uint64 row) {
  ReadRow read;
  Datum value;
  read.user_id = column_text(row, 1);
  read.row.status = status_named(column_text(row, 2)).value_or(Status::offline);
  if (get_value(row, 3, value)) read.row.last_seen = DatumGetTimestampTz(value);
  read.row.page = clipped(column_text(row, 4), max_page_bytes);
  if (get_value(row, 5, value))
    read.row.activity_count = static_cast<uint32_t>(DatumGetInt32(value));
  if (get_value(row, 8, value)) read.row.data = bytes_of_jsonb(value);
  read.row.visibility = visibility_facts_in(row, 9);
  // A row that was not written by us has a message and no choices.
  const auto choices = read_choices(column_text(row, 6));
  if (choices && choices->count > 0) {
    read.row.choices = *choices;
  } else if (const std::string_view message = clipped(column_text(row, 7), max_message_bytes);
             !message.empty()) {
    read.row.choices.layers[0].message = message;
    read.row.choices.count = 1;
  }
  return read;
}

Time loaded_session_ends_at(const RealmRef& realm) {
  if (realm.control().loads_done.load() > 0) return never;
  return current_time() + current_policy().session_timeout;
}

bool RoomNeeded::found_near(uint32_t partition) {
  constexpr int enough = 16;
  return ++times_ <= enough && make_room(partition);
}

void raise_full() {
  const RealmRef& realm = extension().realm;
  realm.control().flush.store(true);
  wake_worker(realm);
  ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("presence is out of memory"),
                  errdetail("No cell is free, and no user is offline and written to the table."),
                  errhint("Raise presence.memory.")));
}

void RoomNeeded::near(uint32_t partition) {
  if (!found_near(partition)) raise_full();
}

namespace {

enum class Brought { yes, again, full };

// again: the row may be out of date, read it once more.
Brought bring(const RealmRef& realm, const UserKey& key, const Row* row, uint32_t removals,
              RoomNeeded& room) {
  switch (bring_user(realm, key, row, removals, current_policy(), current_time())) {
    case Answer::full:
      // Making room removes users: what was read before may be theirs.
      return room.found_near(key.partition()) ? Brought::again : Brought::full;
    case Answer::stale:
      return Brought::again;
    case Answer::gone:
      raise_gone();
    default:
      return Brought::yes;
  }
}

Brought fetch_and_bring(const RealmRef& realm, const UserKey& key, RoomNeeded& room) {
  const uint32_t removals = removals_near(realm, key.partition());
  Datum values[] = {text_datum(key.id)};
  if (run_fresh(fetch_one, values, nullptr) == 0) return bring(realm, key, nullptr, removals, room);
  ReadRow read = read_row(0);
  read.row.session_ends_at = loaded_session_ends_at(realm);
  return bring(realm, key, &read.row, removals, room);
}

}  // namespace

bool try_bring_from_row(const RealmRef& realm, const UserKey& key) {
  TableAccess access;
  access.begin();
  RoomNeeded room;
  Brought brought = Brought::again;
  while (brought == Brought::again) {
    CHECK_FOR_INTERRUPTS();
    brought = fetch_and_bring(realm, key, room);
  }
  access.end();
  return brought == Brought::yes;
}

void bring_from_row(const RealmRef& realm, const UserKey& key) {
  if (try_bring_from_row(realm, key)) return;
  RoomNeeded room;
  room.near(key.partition());
}

void bring_from_rows(const RealmRef& realm, const std::string_view* ids, int count) {
  if (count == 0) return;
  uint32_t removals[partition_count];
  for (uint32_t i = 0; i < partition_count; i++) removals[i] = removals_near(realm, i);
  TableAccess access;
  access.begin_many();
  Datum values[] = {texts_datum(ids, count)};
  const uint64 found = run_fresh(fetch_many, values, nullptr);
  HTAB* places = places_of(ids, count);
  auto* has_row = static_cast<bool*>(palloc0(static_cast<Size>(count)));
  for (uint64 i = 0; i < found; i++) {
    RoomNeeded room;
    ReadRow read = read_row(i);
    read.row.session_ends_at = loaded_session_ends_at(realm);
    if (const int place = place_of(places, read.user_id); place >= 0) has_row[place] = true;
    const UserKey key = realm.key(read.user_id);
    // Who does not come now is fetched alone when needed.
    (void)bring(realm, key, &read.row, removals[key.partition()], room);
  }
  for (int i = 0; i < count; i++) {
    RoomNeeded room;
    const UserKey key = realm.key(ids[i]);
    // An id may be there more than once: all of them have the place of one.
    if (!has_row[place_of(places, ids[i])])
      (void)bring(realm, key, nullptr, removals[key.partition()], room);
  }
  access.end();
}

HTAB* places_of(const std::string_view* ids, int count) {
  HASHCTL control{};
  control.keysize = max_id_bytes + 1;
  control.entrysize = max_id_bytes + 1 + sizeof(int);
  control.hcxt = CurrentMemoryContext;
  HTAB* places = hash_create("ids of a batch", count, &control,
                             HASH_ELEM | hash_strings_compat | HASH_CONTEXT);
  for (int i = 0; i < count; i++) {
    char key[max_id_bytes + 1] = {};
    std::memcpy(key, ids[i].data(), ids[i].size());
    auto* entry = static_cast<char*>(hash_search(places, key, HASH_ENTER, nullptr));
    std::memcpy(entry + max_id_bytes + 1, &i, sizeof i);
  }
  return places;
}

int place_of(HTAB* places, std::string_view id) {
  char key[max_id_bytes + 1] = {};
  std::memcpy(key, id.data(), Min(id.size(), max_id_bytes));
  auto* entry = static_cast<char*>(hash_search(places, key, HASH_FIND, nullptr));
  int place = -1;
  if (entry) std::memcpy(&place, entry + max_id_bytes + 1, sizeof place);
  return place;
}

void write_history(const Step* steps, int count) {
  if (count == 0) return;
  if (count == 1) {
    Datum values[] = {text_datum(steps->user_id), text_datum(name_of(steps->from)),
                      text_datum(name_of(steps->to)), TimestampTzGetDatum(steps->at),
                      text_datum(steps->reason)};
    run(history_one, values, nullptr);
    return;
  }
  // Neighbours in the index one after the other; the steps of one user stay in their order.
  const int* order = order_of(count, [steps](int a, int b) {
    const int ids = steps[a].user_id.compare(steps[b].user_id);
    return ids == 0 ? a < b : ids < 0;
  });
  Column ids(TEXTOID, count), from(TEXTOID, count), to(TEXTOID, count);
  Column at(TIMESTAMPTZOID, count), reasons(TEXTOID, count);
  for (int i = 0; i < count; i++) {
    const Step& step = steps[order[i]];
    ids.add_text(step.user_id);
    from.add_text(name_of(step.from));
    to.add_text(name_of(step.to));
    at.add(TimestampTzGetDatum(step.at));
    reasons.add_text(step.reason);
  }
  Datum values[] = {ids.array(), from.array(), to.array(), at.array(), reasons.array()};
  run(history_many, values, nullptr);
}

Erased erase_rows(std::string_view user_id) {
  Datum values[] = {text_datum(user_id)};
  Erased erased;
  erased.rows = run(erase_row, values, nullptr);
  erased.history = run(erase_history, values, nullptr);
  erased.activities = run(erase_activities, values, nullptr);
  run(erase_sessions, values, nullptr);
  run(erase_members, values, nullptr);
  run(erase_rules, values, nullptr);
  run(erase_relations, values, nullptr);
  return erased;
}

}  // namespace presence
