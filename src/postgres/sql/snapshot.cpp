// snapshot.cpp: all that listeners of a channel know, with the position in its events that fits.
//
// What a snapshot shows may not have been told yet. begin_snapshot() and end_snapshot() see to it
// that it will be, or that its end will be. What was told while it was read may be older than what
// it shows; then it is read again, a few times. See docs/design.md.
#include "postgres/sql/snapshot.h"

#include <algorithm>

#include "core/channel_name.h"
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/shared/events.h"
#include "postgres/shared/work.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/info.h"
#include "postgres/sql/json_text.h"
#include "postgres/sql/lists.h"
#include "postgres/sql/member_row.h"
#include "postgres/sql/members.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/access.h"
#include "postgres/tables/jsonb.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

constexpr int most_reads = 5;
constexpr int reads_in_passing = 2;     // before the worker is asked to wait
constexpr long look_again_after = 200;  // µs
constexpr int most_looks = 250;

// ---- one user ----------------------------------------------------------------

// What events tell of users is enough to tell one picture from another.
enum class Facts : uint8_t { all, told };

struct Column {
  const char* name;
  int number;
  Oid type;
  bool is_told;
};

constexpr Column state_of_user[] = {{"user_id", column_user_id, TEXTOID, true},
                                    {"status", column_status, TEXTOID, true},
                                    {"status_message", column_message, TEXTOID, true},
                                    {"last_seen", column_last_seen, TIMESTAMPTZOID, false},
                                    {"last_seen_bucket", column_bucket, TEXTOID, false},
                                    {"current_page", column_page, TEXTOID, false},
                                    {"user_data", column_data, JSONBOID, true},
                                    {"session_count", column_sessions, INT4OID, false},
                                    {"activity_count", column_activities, INT4OID, false},
                                    {"interactions_per_minute", column_per_minute, INT4OID, false}};

constexpr Column state_of_member[] = {{"joined_at", member_joined_at, TIMESTAMPTZOID, false},
                                      {"last_active", member_last_active, TIMESTAMPTZOID, false},
                                      {"cursor_position", member_cursor, JSONBOID, true},
                                      {"selection_range", member_selection, JSONBOID, true},
                                      {"state", member_state, JSONBOID, true},
                                      {"typing", member_typing, BOOLOID, true}};

void add_columns(JsonText& json, std::span<const Column> columns, Facts facts, const Datum* values,
                 const bool* nulls) {
  for (const Column& column : columns)
    if (column.is_told || facts == Facts::all)
      json.column(column.name, column.type, values[column.number], nulls[column.number]);
}

// id, name and avatar, as "user" of an event has them.
void add_card(JsonText& json, const StateColumns& state) {
  json.column("id", TEXTOID, state.values[column_user_id], false);
  for (const char* name : {"name", "avatar"}) {
    const std::string_view value =
        state.nulls[column_data] ? std::string_view{} : json_in(state.values[column_data], name);
    json.raw(name, value.empty() ? "null" : value);
  }
}

void add_user(JsonText& json, const UserView& view, Facts facts) {
  StateColumns state;
  fill_state(view, current_time(), state);
  if (facts == Facts::all) add_card(json, state);
  add_columns(json, state_of_user, facts, state.values, state.nulls);
}

Datum text_in_call(const JsonText& json) { return text_datum(json.view()); }

Datum user_json(const UserView& view, void* facts) {
  JsonText json;
  json.begin_object();
  add_user(json, view, *static_cast<Facts*>(facts));
  json.end_object();
  return text_in_call(json);
}

// ---- one member ----------------------------------------------------------------

struct Reading {
  std::string_view channel_id;
  const Viewer& viewer;
  Facts facts;
};

// The user as the viewer sees it in this channel.
void view_user_of(const MemberView& member, const Viewer& viewer, UserView& out) {
  const RealmRef realm = extension().realm;
  const UserKey key = realm.key(member.id());
  const bool is_there =
      !RecoveryInProgress() && view_user_at(realm, key, member.detail, viewer, wishes_for(key),
                                            current_policy(), current_time(), out) == Answer::done;
  if (!is_there && !see_user(member.id(), &viewer, current_time(), out)) out = UserView{};
  out.detail = member.detail;
  out.status = member.status;
  out.id_bytes = member.id_bytes;
  std::copy_n(member.id_text, member.id_bytes, out.id_text);
  out.data_bytes = member.data_bytes;
  std::copy_n(member.data_text, member.data_bytes, out.data_text);
}

// The application may be asked about the user, and ask for members itself: the view is not its own.
Datum member_json(const MemberView& shared_view, void* context) {
  static UserView user;
  const MemberView view = shared_view;
  const auto& reading = *static_cast<Reading*>(context);
  view_user_of(view, reading.viewer, user);
  MemberColumns columns{};
  fill_member(view, columns);
  JsonText json;
  json.begin_object();
  add_user(json, user, reading.facts);
  add_columns(json, state_of_member, reading.facts, columns.values, columns.nulls);
  json.end_object();
  return text_in_call(json);
}

Datum typing_json(const MemberView& view, void*) {
  JsonText json;
  json.begin_object();
  json.text("user_id", view.id());
  json.text_or_null("user_name", typing_name(view));
  json.moment("since", view.typing_since);
  json.end_object();
  return text_in_call(json);
}

// ---- a channel -----------------------------------------------------------------

// Everything that a snapshot has of people.
struct Picture {
  Made users;
  Made typing;
  bool is_whole;  // of everybody: no channel with members
};

struct Wanted {
  std::string_view channel_id;
  bool is_whole;
  const Viewer* viewer;  // nullptr: everything about everybody
  int most;
};

Made users_in(const Wanted& wanted, Facts& facts) {
  const ListMaker maker{user_json, &facts};
  return wanted.viewer ? list_present(wanted.most + 1, *wanted.viewer, maker)
                       : list_everybody(wanted.most + 1, maker);
}

Picture read_picture(const Wanted& wanted, Facts facts) {
  Picture picture{};
  picture.is_whole = wanted.is_whole;
  if (wanted.is_whole) {
    picture.users = users_in(wanted, facts);
    return picture;
  }
  Reading reading{wanted.channel_id, *wanted.viewer, facts};
  picture.users =
      list_channel(wanted.channel_id, wanted.most + 1, *wanted.viewer, {member_json, &reading});
  picture.typing = list_typing(wanted.channel_id, wanted.viewer, {typing_json, nullptr});
  return picture;
}

// ---- with its position -----------------------------------------------------------

struct Read {
  Picture picture;
  Stream stream;
};

// Waits until the worker makes no events just now, as far as that can be waited for. How often it
// has made some: while that stays the same, none are made.
uint64_t wait_for_announcements(const RealmRef& realm) {
  const std::atomic<uint64_t>& announcing = realm.control().announcing;
  // One that has died between two is put right by the next one.
  const auto waits = [&] {
    return announcing.load() % 2 != 0 && realm.control().worker.load() >= 0;
  };
  for (int looks = 1; waits() && looks < most_looks; looks++) {
    CHECK_FOR_INTERRUPTS();
    pg_usleep(look_again_after);
  }
  return announcing.load();
}

// In which channels the viewer is counts from the position on: what comes after it tells of others.
const Viewer* viewer_by_now(const Viewer* viewer) {
  return viewer && !viewer->is_everybody ? viewer_of(viewer->key.id) : viewer;
}

// Until the worker has made no events meanwhile.
Read read_with_position(const RealmRef& realm, const Wanted& wanted, Facts facts) {
  Wanted now = wanted;
  Read read{};
  bool asked = false;
  for (int reads = 1;; reads++) {
    CHECK_FOR_INTERRUPTS();
    if (reads > reads_in_passing) asked |= ask_for_quiet(realm);
    const uint64_t before = wait_for_announcements(realm);
    read.stream = stream_of(realm);
    now.viewer = viewer_by_now(wanted.viewer);
    read.picture = read_picture(now, facts);
    const bool fits = before % 2 == 0 && realm.control().announcing.load() == before;
    if (fits || reads == most_reads) break;
  }
  if (asked) end_quiet();
  return read;
}

Read read_snapshot(const Wanted& wanted, Facts facts) {
  if (RecoveryInProgress()) return {read_picture(wanted, facts), {}};
  const RealmRef realm = whole_realm();
  const int held = hold_snapshot(realm);
  const Read read = read_with_position(realm, wanted, facts);
  if (wisher_count() == 0) release_snapshot(held);
  return read;
}

Wanted wanted_snapshot(FunctionCallInfo call) {
  Wanted wanted{};
  wanted.channel_id = channel_argument(call, 0);
  const bool is_private = is_private_channel(wanted.channel_id);
  if (is_private) refuse_viewer(call, 1);
  wanted.is_whole =
      is_private || wanted.channel_id == global_channel || wanted.channel_id == firehose_channel();
  wanted.viewer = is_private ? nullptr : &hearing_viewer_argument(call, 1, wanted.channel_id);
  wanted.most = int_argument(call, 2, "max_users", 0);
  wanted.most = static_cast<int>(
      Min(static_cast<uint32_t>(wanted.most), Min(shared.region.pool.count(), 1u << 30)));
  return wanted;
}

// ---- as JSON -------------------------------------------------------------------

void add_all(JsonText& json, const char* name, const Made& made, int most) {
  json.begin_array(name);
  for (int i = 0; i < made.count && i < most; i++) json.element(text_of(made.items[i]));
  json.end_array();
}

void add_position(JsonText& json, const Stream& stream) {
  if (RecoveryInProgress()) {
    for (const char* name : {"epoch", "seq"}) json.null(name);
    return;
  }
  char epoch[epoch_bytes];
  write_epoch(stream.epoch, epoch);
  json.text("epoch", {epoch, epoch_bytes});
  json.number("seq", static_cast<int64>(stream.seq));
}

void add_freshness(JsonText& json) {
  if (RecoveryInProgress()) {
    for (const char* name : {"complete", "fresh"}) json.null(name);
    return;
  }
  const RealmRef& realm = extension().realm;
  const Freshness freshness = freshness_of(realm);
  json.boolean("complete", realm.complete());
  json.boolean("fresh", freshness.fresh);
  if (freshness.stale_since != 0) json.moment("stale_since", freshness.stale_since);
}

// How many there are in a large channel is no secret: channel_occupancy says so.
int count_of_members(const Wanted& wanted, const Picture& picture, bool is_large) {
  if (picture.users.count <= wanted.most) return picture.users.count;
  if (!is_large) return count_for_viewer(wanted.channel_id, wanted.viewer);
  const RealmRef& realm = extension().realm;
  return static_cast<int>(
      count_members(realm, realm.channel_key(wanted.channel_id), current_policy(), current_time()));
}

void add_channel(JsonText& json, const Wanted& wanted, const Picture& picture) {
  if (picture.is_whole) return;
  const ChannelKey channel = extension().realm.channel_key(wanted.channel_id);
  const bool is_large = !RecoveryInProgress() && shared.region.channels.is_large(channel);
  json.number("members", count_of_members(wanted, picture, is_large));
  json.boolean("large", is_large);
}

bool is_truncated(const Wanted& wanted, const Made& users) {
  return users.count > wanted.most || users.may_be_more;
}

Datum snapshot_json(const Wanted& wanted, const Read& read) {
  JsonText json;
  json.begin_object();
  json.text("channel", wanted.channel_id);
  add_position(json, read.stream);
  json.moment("at", current_time());
  add_freshness(json);
  json.boolean("truncated", is_truncated(wanted, read.picture.users));
  add_channel(json, wanted, read.picture);
  add_all(json, "users", read.picture.users, wanted.most);
  if (!read.picture.is_whole) add_all(json, "typing", read.picture.typing, INT_MAX);
  json.end_object();
  return json.to_jsonb();
}

// Whatever their order, and without the moments.
std::string_view version_of(const Wanted& wanted, const Read& read) {
  const Made& users = read.picture.users;
  std::sort(users.items, users.items + users.count,
            [](Datum a, Datum b) { return text_of(a) < text_of(b); });
  JsonText json;
  json.begin_object();
  if (!RecoveryInProgress()) json.number("epoch", static_cast<int64>(read.stream.epoch));
  json.boolean("truncated", is_truncated(wanted, users));
  add_channel(json, wanted, read.picture);
  add_all(json, "users", users, INT_MAX);
  if (!read.picture.is_whole) add_all(json, "typing", read.picture.typing, INT_MAX);
  json.end_object();
  auto* digest = static_cast<char*>(palloc(digest_digits));
  write_digest(json.view(), digest);
  return {digest, digest_digits};
}

}  // namespace

bool is_private_channel(std::string_view channel_id) {
  return !private_channel().empty() && channel_id == private_channel() && acts_for_others();
}

void refuse_viewer(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("the private channel is for those who may know everything"),
                  errdetail("Nobody sees a part of it."),
                  errhint("With a viewer ask for global_presence, or for the channel that it is "
                          "about; ask for the private channel without one.")));
}

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_snapshot) {
  extension();
  const Wanted wanted = wanted_snapshot(fcinfo);
  PG_RETURN_DATUM(snapshot_json(wanted, read_snapshot(wanted, Facts::all)));
}

PRESENCE_FUNCTION(presence_version) {
  extension();
  const Wanted wanted = wanted_snapshot(fcinfo);
  // It has no position: nothing need be told for it.
  const RealmRef realm = RecoveryInProgress() ? extension().realm : whole_realm();
  const Read read{read_picture(wanted, Facts::told), stream_of(realm)};
  PG_RETURN_DATUM(text_datum(version_of(wanted, read)));
}
