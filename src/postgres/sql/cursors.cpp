// cursors.cpp: what users do in channels: they move, set a state, and type. Shared memory only, at
// once: no xid, no WAL, no dead tuple. The worker tells of it.
#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/sql/members.h"
#include "postgres/sql/arguments.h"
#include "postgres/sql/identity.h"
#include "postgres/sql/authorize.h"
#include "postgres/sql/people.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/rows.h"
#include "postgres/tables/whole.h"
#include "postgres/transaction/membership.h"

extern "C" {
#include "access/xlog.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
}

namespace presence {

namespace {

[[noreturn]] void raise_no_member(std::string_view user_id, std::string_view channel_id) {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("user \"%.*s\" is not in channel \"%.*s\"", static_cast<int>(user_id.size()),
                  user_id.data(), static_cast<int>(channel_id.size()), channel_id.data()),
           errhint("Call presence_join() or presence_join_document() first: a membership ends "
                   "with its session.")));
}

std::optional<int64_t> clock_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return std::nullopt;
  return DatumGetInt64(call->args[number].value);
}

void move(std::string_view user_id, std::string_view channel_id, const Move& move) {
  if (channel_id == global_channel)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("nobody has a state in \"global_presence\""),
                    errdetail("Whoever is present is in it, without joining."),
                    errhint("Join a channel of the application's own.")));
  const RealmRef realm = whole_realm();
  const UserKey user = realm.key(user_id);
  limit_rate(user);
  const ChannelKey channel = realm.channel_key(channel_id);
  RoomNeeded room;
  for (;;) {
    switch (move_in_channel(realm, user, channel, move, current_policy(), current_time())) {
      case Answer::done:
      case Answer::older:
        return;
      case Answer::full:
        room.near(user.partition());
        break;
      case Answer::missing:
      case Answer::stranger:
        if (!is_joining(user, channel)) raise_no_member(user_id, channel_id);
        move_at_commit(user_id, channel_id, move);
        return;
      default:
        raise_gone();
    }
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

}  // namespace presence

using namespace presence;

PRESENCE_FUNCTION(presence_move_cursor) {
  extension();
  require_primary("presence_move_cursor()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view channel_id = document_argument(fcinfo, 1);
  Move cursor;
  cursor.first = placed_argument(fcinfo, 2, "cursor_position");
  cursor.second = placed_argument(fcinfo, 3, "selection_range");
  cursor.clock = clock_argument(fcinfo, 4);
  move(user_id, channel_id, cursor);
  PG_RETURN_VOID();
}

PRESENCE_FUNCTION(presence_set_state) {
  extension();
  require_primary("presence_set_state()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view channel_id = channel_argument(fcinfo, 1);
  Move state;
  state.is_state = true;
  state.first = placed_argument(fcinfo, 2, "state");
  state.clock = clock_argument(fcinfo, 3);
  move(user_id, channel_id, state);
  PG_RETURN_VOID();
}

namespace presence {

namespace {

void type(const RealmRef& realm, const UserKey& user, const ChannelKey& channel,
          std::string_view name) {
  RoomNeeded room;
  for (;;) {
    switch (type_in_channel(realm, user, channel, name, current_policy(), current_time())) {
      case Answer::done:
        return;
      case Answer::missing:
        bring_from_row(realm, user);
        break;
      case Answer::full:
        room.near(user.partition());
        break;
      case Answer::crowded:
        raise_too_many_channels(user.id);
      default:
        raise_gone();
    }
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

}  // namespace presence

PRESENCE_FUNCTION(presence_typing) {
  extension();
  require_primary("presence_typing()");
  const std::string_view user_id = acting_user_argument(fcinfo, 0);
  const std::string_view channel_id = channel_argument(fcinfo, 1);
  const bool typing = bool_argument(fcinfo, 2, "typing");
  const auto name = text_argument(fcinfo, 3, "user_name", max_user_name_bytes);
  const RealmRef realm = whole_realm();
  const UserKey user = realm.key(user_id);
  limit_rate(user);
  if (typing) authorize(user_id, channel_id, "typing");
  const ChannelKey channel = realm.channel_key(channel_id);
  if (typing)
    type(realm, user, channel, name.value_or(std::string_view{}));
  else
    stop_typing(realm, user, channel, Reason::stopped, current_policy(), current_time());
  PG_RETURN_VOID();
}

namespace presence {

namespace {

Datum put_typing(const MemberView& view, void* context) {
  auto* result = static_cast<ReturnSetInfo*>(context);
  const std::string_view name = typing_name(view);
  Datum values[] = {text_datum(view.id()), name.empty() ? Datum{0} : text_datum(name),
                    TimestampTzGetDatum(view.typing_since)};
  bool nulls[] = {false, name.empty(), false};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  return 0;
}

}  // namespace

std::string_view typing_name(const MemberView& view) {
  const std::string_view name = view.name();
  return name.empty() ? clipped(name_in(view.data()), max_user_name_bytes) : name;
}

Made list_typing(std::string_view channel_id, const Viewer* viewer, const MemberMaker& maker) {
  static MemberView view;
  if (RecoveryInProgress()) return {nullptr, 0};
  const RealmRef realm = whole_realm();
  const ChannelKey channel = realm.channel_key(channel_id);
  const Policy policy = current_policy();
  const Time now = current_time();
  MemberCandidate* typing = nullptr;
  size_t room = 16;
  size_t found;
  do {
    room *= 4;
    typing = static_cast<MemberCandidate*>(
        MemoryContextAllocHuge(CurrentMemoryContext, sizeof(MemberCandidate) * room));
    found = collect_typing(realm, channel, {typing, room});
  } while (found == room);
  Made made{static_cast<Datum*>(
                MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * (found + 1))),
            0};
  for (size_t i = 0; i < found; i++) {
    CHECK_FOR_INTERRUPTS();
    if (viewer && see_detail(typing[i].id(), *viewer, channel_id) < Detail::status) continue;
    if (view_typing(realm, realm.key(typing[i].id()), channel, policy, now, view) == Answer::done)
      made.items[made.count++] = maker.make(view, maker.context);
  }
  return made;
}

}  // namespace presence

PRESENCE_FUNCTION(presence_typing_users) {
  extension();
  const Viewer* viewer = viewer_argument(fcinfo, 1);
  const std::string_view channel_id = channel_argument(fcinfo, 0);
  start_rows_compat(fcinfo);
  (void)list_typing(channel_id, viewer, {put_typing, fcinfo->resultinfo});
  return 0;
}
