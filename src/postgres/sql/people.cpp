// people.cpp: looking a person up, and making the row.
#include "postgres/sql/people.h"

#include <algorithm>
#include <cstring>

#include "core/choices_text.h"
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/sql/name_texts.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/rows.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/htup_details.h"
#include "access/xlog.h"
#include "utils/timestamp.h"
}

namespace presence {

namespace {

Datum int_datum(uint32_t number) {
  return Int32GetDatum(static_cast<int32>(Min(number, static_cast<uint32_t>(INT32_MAX))));
}

void text_or_null(std::string_view text, int column, Datum* values, bool* nulls) {
  nulls[column] = text.empty();
  if (!text.empty()) values[column] = text_datum(text);
}

void fill_id(std::string_view id, StateColumns& out) {
  SET_VARSIZE(out.user_id, VARHDRSZ + id.size());
  std::memcpy(out.user_id + VARHDRSZ, id.data(), id.size());
  out.values[column_user_id] = PointerGetDatum(out.user_id);
  out.nulls[column_user_id] = false;
}

}  // namespace

void fill_state(const UserView& view, Time now, StateColumns& out) {
  Datum* values = out.values;
  bool* nulls = out.nulls;
  fill_id(view.id(), out);
  values[column_status] = status_text(view.status);
  nulls[column_status] = false;
  nulls[column_bucket] = !view.has_last_seen;
  values[column_bucket] = bucket_text(bucket_of(view.last_seen, now));
  // A count that goes up tells when somebody was there as well as last_seen does.
  const bool all = view.detail == Detail::full;
  text_or_null(all ? view.message() : std::string_view{}, column_message, values, nulls);
  nulls[column_last_seen] = !view.has_last_seen || !all;
  values[column_last_seen] = TimestampTzGetDatum(view.last_seen);
  text_or_null(all ? view.page() : std::string_view{}, column_page, values, nulls);
  const std::string_view data = all ? view.data() : name_and_avatar(view.data());
  nulls[column_data] = data.empty();
  if (!data.empty()) values[column_data] = jsonb_of_bytes(data);
  nulls[column_sessions] = nulls[column_activities] = nulls[column_per_minute] = !all;
  values[column_sessions] = int_datum(view.session_count);
  values[column_activities] = int_datum(view.activity_count);
  values[column_per_minute] = int_datum(view.interactions_per_minute);
}

HeapTuple state_tuple(const UserView& view, Time now, TupleDesc out) {
  StateColumns columns;
  fill_state(view, now, columns);
  return heap_form_tuple(out, columns.values, columns.nulls);
}

void fill_unknown(std::string_view user_id, StateColumns& out) {
  std::fill_n(out.nulls, static_cast<int>(state_columns), true);
  fill_id(user_id, out);
  out.values[column_status] = status_text(Status::offline);
  out.nulls[column_status] = false;
  for (const StateColumn count : {column_sessions, column_activities, column_per_minute}) {
    out.values[count] = Int32GetDatum(0);
    out.nulls[count] = false;
  }
}

HeapTuple unknown_tuple(std::string_view user_id, TupleDesc out) {
  StateColumns columns;
  fill_unknown(user_id, columns);
  return heap_form_tuple(out, columns.values, columns.nulls);
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

uint32_t copy(std::string_view from, char* to, std::size_t room) {
  const std::size_t bytes = Min(from.size(), room);
  std::memcpy(to, from.data(), bytes);
  return static_cast<uint32_t>(bytes);
}

// In the scope of the query whose last result has the row.
void view_row(const ReadRow& read, Time now, UserView& out) {
  out = UserView{};
  out.detail = Detail::full;
  out.status = read.row.status;
  out.has_last_seen = read.row.last_seen != forever_ago;
  out.last_seen = read.row.last_seen;
  out.activity_count = read.row.activity_count;
  out.session_count = read.row.status == Status::offline ? 0 : 1;
  out.id_bytes = copy(read.user_id, out.id_text, sizeof out.id_text);
  out.page_bytes = copy(read.row.page, out.page_text, sizeof out.page_text);
  if (read.row.data.size() <= sizeof out.data_text)
    out.data_bytes = copy(read.row.data, out.data_text, sizeof out.data_text);
  out.message_bytes =
      copy(message_at(read.row.choices, now), out.message_text, sizeof out.message_text);
}

const RelationFacts* relation_to(const VisibilityFacts* facts, const Viewer& viewer) {
  if (!facts) return nullptr;
  for (const RelationFacts& one : facts->relations)
    if (one.viewer == viewer.key.id) return &one;
  return nullptr;
}

bool share_channel_rows(std::string_view user_id, std::string_view viewer_id) {
  static Statement query = {
      "SELECT FROM %s.channel_presence a JOIN %s.channel_presence b USING (channel_id) "
      "WHERE a.user_id = $1 AND b.user_id = $2 LIMIT 1",
      2,
      {TEXTOID, TEXTOID}};
  Datum values[] = {text_datum(user_id), text_datum(viewer_id)};
  return run_fresh(query, values, nullptr) > 0;
}

void rules_by_rows(const VisibilityFacts* facts, std::string_view channel_id, Rules& rules) {
  rules.preset = current_policy().default_audience;
  if (!facts) return;
  rules.of_user = facts->rule;
  for (const ChannelRuleFacts& one : facts->channel_rules)
    if (!channel_id.empty() && one.channel == channel_id) rules.of_channel = one.rule;
}

// The least that anyone sees.
Detail detail_for_everybody_by_rows(const VisibilityFacts* facts, std::string_view channel_id) {
  Rules rules;
  rules_by_rows(facts, channel_id, rules);
  Detail least = allowed({}, rules);
  if (!facts) return least;
  for (const RelationFacts& one : facts->relations)
    least = std::min(least, allowed({one.is_blocked, one.is_contact, one.own, false}, rules));
  return least;
}

// By the rows alone. It runs a query of its own: what the row holds must have been copied.
Detail detail_by_rows(std::string_view user_id, const VisibilityFacts* facts, const Viewer& viewer,
                      std::string_view channel_id) {
  if (user_id == viewer.key.id) return Detail::full;
  if (viewer.is_everybody) return detail_for_everybody_by_rows(facts, channel_id);
  Rules rules;
  rules_by_rows(facts, channel_id, rules);
  Standing standing;
  if (const RelationFacts* relation = relation_to(facts, viewer)) {
    standing.is_blocked = relation->is_blocked;
    standing.is_contact = relation->is_contact;
    standing.own = relation->own;
  }
  standing.shares_channel = asks_for_channels(rules) && share_channel_rows(user_id, viewer.key.id);
  return allowed(standing, rules);
}

const ShownFacts* shown_by_rows(const VisibilityFacts* facts, const Viewer& viewer) {
  if (!facts) return nullptr;
  const RelationFacts* relation = relation_to(facts, viewer);
  int place = relation ? relation->shown : shown_as_others;
  if (place == shown_as_others && relation && relation->is_contact) place = facts->to_contacts;
  if (place == shown_as_others) place = facts->to_strangers;
  return place == shown_as_others ? nullptr : &facts->shown[static_cast<std::size_t>(place)];
}

// As core does it for a user in memory: see Roster::view_at.
void show_as(Detail detail, const ShownFacts* shown, const Viewer& viewer, Time now,
             UserView& view) {
  const bool is_self = view.id() == viewer.key.id;
  const Time last_seen = view.last_seen;
  if (detail <= Detail::last_seen) {
    view.status = Status::offline;
    view.has_last_seen = detail == Detail::last_seen && last_seen != forever_ago;
    view.message_bytes = view.data_bytes = view.activity_count = view.session_count = 0;
  }
  if (detail == Detail::nothing && shown && shown->detail != Detail::nothing) {
    detail = shown->detail;
    view.last_seen = shown->last_seen;
    view.has_last_seen = shown->last_seen != forever_ago;
    if (detail != Detail::last_seen) {
      view.activity_count = shown->activity_count;
      std::string_view message;
      if (!shown->choices.empty())
        message = message_at(shown->choices, now);
      else if (shown->message_until > now)
        message = shown->message;
      view.message_bytes = copy(message, view.message_text, sizeof view.message_text);
      view.data_bytes = copy(shown->data, view.data_text, sizeof view.data_text);
    }
  }
  view.detail = detail == Detail::nothing ? Detail::full : detail;
  if (view.status == Status::offline && !is_self) view.page_bytes = 0;
}

// In a scope. False: there is none.
bool fetch_row(std::string_view user_id) {
  static Statement fetch = {
      "SELECT " PRESENCE_ROW_COLUMNS " FROM %s.user_presence WHERE user_id = $1", 1, {TEXTOID}};
  Datum values[] = {text_datum(user_id)};
  return run_fresh(fetch, values, nullptr) > 0;
}

// What the row says: on a standby, where the primary keeps it up to date, or of somebody for whom
// there is no room in memory.
bool see_row(std::string_view user_id, const Viewer* viewer, std::optional<Detail> decided,
             Time now, UserView& out) {
  TableAccess access;
  access.begin();
  const bool found = fetch_row(user_id);
  if (found) {
    const ReadRow read = read_row(0);
    view_row(read, now, out);
    if (viewer) {
      const Detail by_rules = detail_by_rows(user_id, read.row.visibility, *viewer, {});
      show_as(decided.value_or(by_rules), shown_by_rows(read.row.visibility, *viewer), *viewer, now,
              out);
    }
  }
  access.end();
  return found;
}

Detail see_detail_of_row(std::string_view user_id, const Viewer& viewer,
                         std::string_view channel_id) {
  TableAccess access;
  access.begin();
  const bool found = fetch_row(user_id);
  const ReadRow read = found ? read_row(0) : ReadRow{};
  const Detail detail = detail_by_rows(user_id, read.row.visibility, viewer, channel_id);
  access.end();
  return detail;
}

Answer view_as_seen(const RealmRef& realm, const UserKey& key, const Viewer* viewer,
                    std::optional<Detail> decided, Time now, UserView& out) {
  const std::span<const Wish> wishes = wishes_for(key);
  const Policy policy = current_policy();
  if (!viewer) return view_user(realm, key, wishes, policy, now, out);
  return decided ? view_user_at(realm, key, *decided, *viewer, wishes, policy, now, out)
                 : view_user_for(realm, key, *viewer, wishes, policy, now, out);
}

}  // namespace

bool see_user(std::string_view user_id, const Viewer* viewer, Time now, UserView& out) {
  const RealmRef realm = extension().realm;
  return see_user(realm, realm.key(user_id), viewer, now, out);
}

bool see_user(const RealmRef& realm, const UserKey& key, const Viewer* viewer, Time now,
              UserView& out) {
  const auto decided = viewer ? detail_by_application(*viewer, key.id, {}) : std::nullopt;
  if (RecoveryInProgress()) return see_row(key.id, viewer, decided, now, out);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    switch (view_as_seen(realm, key, viewer, decided, now, out)) {
      case Answer::done:
        return is_known(out);
      case Answer::missing:
        // With memory full, the row itself has the answer.
        if (!try_bring_from_row(realm, key)) return see_row(key.id, viewer, decided, now, out);
        break;
      default:
        raise_gone();
    }
  }
}

Detail see_detail(std::string_view user_id, const Viewer& viewer, std::string_view channel_id) {
  if (const auto decided = detail_by_application(viewer, user_id, channel_id)) return *decided;
  if (RecoveryInProgress()) return see_detail_of_row(user_id, viewer, channel_id);
  const RealmRef realm = extension().realm;
  const UserKey key = realm.key(user_id);
  const ChannelKey channel = realm.channel_key(channel_id);
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Detail detail;
    switch (detail_of_user(realm, key, viewer, channel_id.empty() ? nullptr : &channel,
                           wishes_for(key), current_policy(), detail)) {
      case Answer::done:
        return detail;
      case Answer::missing:
        if (!try_bring_from_row(realm, key)) return see_detail_of_row(user_id, viewer, channel_id);
        break;
      default:
        raise_gone();
    }
  }
}

}  // namespace presence
