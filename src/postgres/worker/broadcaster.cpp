// broadcaster.cpp: an event gets its seq here, so there is one writer per database.
//
// Between taking an announcement and appending its event nothing may be interrupted: that would
// lose the event. Nothing here looks for interrupts before the event is in the ring.
#include "postgres/worker/broadcaster.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/names.h"
#include "postgres/settings.h"
#include "postgres/shared/work.h"
#include "postgres/tables/rows.h"
#include "postgres/worker/attempt.h"
#include "postgres/worker/chains.h"

extern "C" {
#include "commands/async.h"
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

constexpr uint32_t events_at_once = 1000;
constexpr size_t buffer_bytes = 1024 * 1024;

// Returns how many bytes it is. `listeners` is the channel on which it is told, which is another
// one than the event's for those who may know everything.
size_t append(const RealmRef& realm, std::string_view listeners, EventFacts event) {
  static char payload[max_payload_bytes + 1];
  const Stream stream = stream_of(realm);
  event.epoch = stream.epoch;
  event.seq = stream.seq + 1;
  event.prev = take_prev(realm, stream, listeners, event.seq);
  const size_t bytes = write_event(event, payload);
  append_event(realm, stream.epoch, listeners, {payload, bytes});
  return bytes;
}

// Where those listen who may know everything; empty: nowhere.
std::string_view private_channel() {
  return settings.private_channel ? settings.private_channel : "";
}

std::string_view text_of_bytes(std::string_view jsonb) {
  return jsonb.empty() ? std::string_view{} : text_of_jsonb(jsonb_of_bytes(jsonb));
}

// {"id", "name", "avatar", ...}: what the application keeps with the user. Whatever it calls "id",
// the user's own id is meant.
std::string_view user_object(std::string_view user_id, std::string_view user_data) {
  if (user_data.empty()) return {};
  JsonbParseState* state = nullptr;
  JsonbValue name;
  JsonbValue value;
  pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
  const auto push_text = [&](JsonbIteratorToken token, std::string_view text, JsonbValue& to) {
    to.type = jbvString;
    to.val.string.val = const_cast<char*>(text.data());
    to.val.string.len = static_cast<int>(text.size());
    return pushJsonbValue(&state, token, &to);
  };
  push_text(WJB_KEY, "id", name);
  push_text(WJB_VALUE, user_id, value);
  const Datum id =
      JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
  const Datum blank =
      DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"name\": null, \"avatar\": null}"));
  const Datum kept = DirectFunctionCall2(jsonb_concat, blank, jsonb_of_bytes(user_data));
  const Datum all = DirectFunctionCall2(jsonb_concat, kept, id);
  return text_of_jsonb(all);
}

EventFacts facts_of(const UserView& user, std::string_view channel, Status previous,
                    Detail detail) {
  EventFacts event{};
  event.channel = channel;
  event.user_id = user.id();
  event.status = user.status;
  event.previous_status = previous;
  if (detail == Detail::full) event.message = user.message();
  event.reason = user.reason_name();
  event.at = user.changed_at;
  return event;
}

std::string_view data_shown(std::string_view data, Detail detail) {
  return detail == Detail::full ? data : name_and_avatar(data);
}

// ---- users -----------------------------------------------------------------

// What listeners learn of a user.
struct Step {
  std::string_view listeners;
  Status before, now;
  bool message_changed, data_changed;
  std::string_view data;
};

size_t append_step(const RealmRef& realm, const UserView& user, const Step& step,
                   EventFacts event) {
  size_t bytes = 0;
  const bool came_or_went =
      step.now != step.before && (step.now == Status::offline || step.before == Status::offline);
  event.status = step.now;
  if (came_or_went || step.data_changed) event.user = user_object(user.id(), step.data);
  event.kind = EventKind::user_status_changed;
  if (step.now != step.before || step.message_changed)
    bytes += append(realm, step.listeners, event);
  if (came_or_went)
    event.kind = step.now == Status::offline ? EventKind::user_left : EventKind::user_joined;
  else if (step.data_changed)
    event.kind = EventKind::user_updated;
  if (event.kind == EventKind::user_updated) event.reason = name_of(Reason::connect);
  if (event.kind != EventKind::user_status_changed) bytes += append(realm, step.listeners, event);
  return bytes;
}

// Who hides goes offline for everybody as by a logout, and who shows itself connects.
size_t tell_everybody(const RealmRef& realm, const UserNews& news) {
  const UserView& user = news.user;
  const bool hides = news.now == Status::offline && user.status != Status::offline;
  const bool appears = news.before == Status::offline && user.announced != Status::offline;
  const Detail detail = hides ? news.told_detail : news.detail;
  const bool detail_changed = !hides && !appears && news.detail != news.told_detail;
  EventFacts event = facts_of(user, global_channel, news.before, detail);
  // What changes while the user hides is not for everybody any more.
  if (hides && user.message_changed) event.message = {};
  const bool is_secret = news.detail < Detail::status && user.data_changed;
  const std::string_view data = is_secret ? std::string_view{} : data_shown(user.data(), detail);
  if (hides || appears) {
    event.reason = name_of(hides ? Reason::logout : Reason::connect);
    event.at = current_time();
  }
  const bool message_changed = user.message_changed && news.detail == Detail::full;
  return append_step(realm, user,
                     {global_channel, news.before, news.now, message_changed || detail_changed,
                      user.data_changed || detail_changed, data},
                     event);
}

// Who asks presence_can_see() must ask again.
size_t tell_private_listeners(const RealmRef& realm, const UserNews& news) {
  const UserView& user = news.user;
  EventFacts event = facts_of(user, global_channel, user.announced, Detail::full);
  event.audience = news.audience;
  event.detail = news.detail;
  size_t bytes = append_step(realm, user,
                             {private_channel(), user.announced, user.status, user.message_changed,
                              user.data_changed, user.data()},
                             event);
  if (news.rules_changed) {
    event.kind = EventKind::visibility_changed;
    event.at = current_time();
    bytes += append(realm, private_channel(), event);
  }
  return bytes;
}

size_t append_events_of(const RealmRef& realm, const UserNews& news) {
  size_t bytes = 0;
  if (news.everybody_hears && settings.global_broadcast) bytes += tell_everybody(realm, news);
  if (!private_channel().empty()) bytes += tell_private_listeners(realm, news);
  return bytes;
}

// ---- members ---------------------------------------------------------------

// As it was given, or as the application's data has it. A long one is cut.
std::string_view name_of_user(const MemberView& member) {
  return member.name_bytes > 0 ? member.name()
                               : clipped(name_in(member.data()), max_user_name_bytes);
}

// The words of a goodbye are those of the user who has gone by it.
std::string_view reason_in_channel(Reason reason, const UserView& user) {
  if (reason != Reason::custom) return name_of(reason);
  return user.reason == Reason::custom ? user.reason_name() : name_of(Reason::disconnect);
}

// What some listeners learn of a member.
struct MemberStep {
  std::string_view listeners;
  const MemberChanges& changes;
  std::string_view data;
};

size_t append_step(const RealmRef& realm, const MemberNews& news, const MemberStep& step,
                   EventFacts event) {
  const MemberView& member = news.member;
  const MemberChanges& changes = step.changes;
  // For these listeners only: whoever may know everything hears nothing of it.
  const bool appears =
      (changes.joined && !news.all.joined) || (changes.typing_started && !news.all.typing_started);
  const bool hides =
      (changes.left && !news.all.left) || (changes.typing_stopped && !news.all.typing_stopped);
  const Time now = current_time();
  size_t bytes = 0;
  const auto tell = [&](EventKind kind, Time at) {
    event.kind = kind;
    event.at = at;
    bytes += append(realm, step.listeners, event);
  };
  const bool comes_or_goes = (changes.joined || changes.left) && !news.large;
  if (comes_or_goes || changes.updated) event.user = user_object(member.id(), step.data);
  if (changes.status_changed) tell(EventKind::user_status_changed, news.user.changed_at);
  if (changes.joined && comes_or_goes) {
    event.reason = name_of(Reason::join);
    tell(EventKind::user_joined, appears ? now : member.joined_at);
  }
  if (changes.updated) {
    event.reason = name_of(member.has_own_data ? Reason::join : Reason::connect);
    tell(EventKind::user_updated, now);
  }
  if (changes.typing_started) {
    event.user_name = name_of_user(member);
    tell(EventKind::typing_start, appears ? now : member.typing_since);
  }
  const Reason parting = news.of_user >= Detail::status ? Reason::leave : Reason::logout;
  if (changes.typing_stopped) {
    event.reason = hides ? name_of(parting) : reason_in_channel(news.typing_reason, news.user);
    tell(EventKind::typing_stop, hides ? now : news.changed_at);
  }
  if (changes.moved) {
    event.cursor = text_of_bytes(member.cursor());
    event.selection = text_of_bytes(member.selection());
    tell(EventKind::cursor_moved, member.last_active);
  }
  if (changes.state_set) {
    event.state = text_of_bytes(member.state());
    tell(EventKind::state_changed, member.last_active);
  }
  if (changes.left && comes_or_goes) {
    event.reason = hides ? name_of(parting) : reason_in_channel(news.reason, news.user);
    tell(EventKind::user_left, hides ? now : news.changed_at);
  }
  return bytes;
}

size_t tell_everybody(const RealmRef& realm, const MemberNews& news) {
  const bool hides = news.everybody.left && !news.all.left;
  const Detail detail = hides ? news.told_detail : news.detail;
  const Status previous = news.everybody.joined ? Status::offline : news.told;
  EventFacts event = facts_of(news.user, news.member.channel(), previous, detail);
  // What changes while the user hides is not for everybody any more.
  if (hides && news.message_changed) event.message = {};
  const bool is_secret = news.detail < Detail::status && news.data_changed;
  const std::string_view data =
      is_secret ? std::string_view{} : data_shown(news.member.data(), detail);
  // Who hides from everybody is offline to them; who hides here alone has left.
  if (hides && news.of_user < Detail::status) event.status = Status::offline;
  return append_step(realm, news, {news.member.channel(), news.everybody, data}, event);
}

size_t tell_private_listeners(const RealmRef& realm, const MemberNews& news) {
  EventFacts event = facts_of(news.user, news.member.channel(), news.told, Detail::full);
  event.audience = news.audience;
  event.detail = news.detail;
  return append_step(realm, news, {private_channel(), news.all, news.member.data()}, event);
}

size_t append_events_of(const RealmRef& realm, const MemberNews& news) {
  const bool is_silent = news.member.channel() == global_channel && !settings.global_broadcast;
  size_t bytes = 0;
  if (news.everybody.any() && !is_silent) bytes += tell_everybody(realm, news);
  if (news.all.any() && !private_channel().empty()) bytes += tell_private_listeners(realm, news);
  return bytes;
}

// ---- channels --------------------------------------------------------------

size_t append_resync(const RealmRef& realm, std::string_view channel) {
  EventFacts event{};
  event.channel = channel;
  event.kind = EventKind::presence_resync;
  event.at = current_time();
  return append(realm, channel, event);
}

size_t append_events_of(const RealmRef& realm, const ChannelNews& news) {
  EventFacts event{};
  event.channel = news.id();
  event.kind = EventKind::channel_occupancy;
  event.members = news.members;
  event.large = news.large;
  event.at = current_time();
  const size_t bytes = append(realm, news.id(), event);
  return news.resync ? bytes + append_resync(realm, news.id()) : bytes;
}

// What one round may put into the ring.
struct Portion {
  const RealmRef& realm;
  size_t most_bytes;
  size_t bytes = 0;
  bool any = false;

  bool is_full() const { return bytes >= most_bytes; }
};

// Goes on where it stopped the last time, so that no partition has to wait for the others. False:
// the portion is full.
template <typename News, typename Take, typename Tell>
bool tell_all(Portion& portion, uint32_t& partition, Take take, Tell tell) {
  static News news;
  while (!portion.is_full() && take(partition, news)) {
    portion.bytes += tell(news);
    portion.any = true;
    MemoryContextReset(CurrentMemoryContext);
  }
  if (portion.is_full()) return false;
  partition = 0;
  return true;
}

// Those of which listeners may know something else come before all news.
bool tell_resyncs(Portion& portion) {
  while (!portion.is_full() && has_to_resync()) {
    portion.bytes += append_resync(portion.realm, next_to_resync());
    portion.any = true;
    MemoryContextReset(CurrentMemoryContext);
  }
  return !has_to_resync();
}

// Whole channels come first: they say how joins and leaves are told.
bool announce_all(Portion& portion) {
  static uint32_t channels, users, members;
  const RealmRef& realm = portion.realm;
  const Time now = current_time();
  const Policy policy = current_policy();
  const auto large_from = static_cast<uint32_t>(settings.large_channel);
  return tell_resyncs(portion) &&
         tell_all<ChannelNews>(
             portion, channels,
             [&](uint32_t& partition, ChannelNews& news) {
               return take_channel_news(realm, partition, large_from, now, news);
             },
             [&](const ChannelNews& news) { return append_events_of(realm, news); }) &&
         tell_all<UserNews>(
             portion, users,
             [&](uint32_t& partition, UserNews& news) {
               return take_announcement(realm, partition, policy, news);
             },
             [&](const UserNews& news) { return append_events_of(realm, news); }) &&
         tell_all<MemberNews>(
             portion, members,
             [&](uint32_t& partition, MemberNews& news) {
               return take_member_news(realm, partition, policy, now, news);
             },
             [&](const MemberNews& news) { return append_events_of(realm, news); });
}

}  // namespace

Announced announce(const RealmRef& realm, bool stuck) {
  static MemoryContext context;
  if (!context)
    context = AllocSetContextCreate(TopMemoryContext, "presence: an event", ALLOCSET_SMALL_SIZES);
  MemoryContext before = MemoryContextSwitchTo(context);
  prune_chains(realm);
  Portion portion{realm, stuck ? SIZE_MAX : static_cast<size_t>(settings.event_buffer) * 1024 / 4};
  const bool all = announce_all(portion);
  MemoryContextSwitchTo(before);
  if (!all) return Announced::some;
  return portion.any ? Announced::all : Announced::nothing;
}

namespace {

void notify_all(const char* buffer, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    char name[max_channel_bytes + 1];
    const char* payload = buffer + strlen(buffer) + 1;
    notify_name(buffer, name);
    Async_Notify(name, payload);
    buffer = payload + strlen(payload) + 1;
  }
}

struct Sending {
  const char* buffer;
  uint32_t count;
};

// When the queue of notifications is full everything stays in the ring.
bool send(const char* buffer, uint32_t count) {
  Sending sending{buffer, count};
  return attempt(
      "broadcast",
      "A listener in an open transaction keeps the queue of notifications full: see "
      "pg_notification_queue_usage() and pg_stat_activity.",
      [](void* context) {
        auto* sending = static_cast<Sending*>(context);
        notify_all(sending->buffer, sending->count);
      },
      &sending);
}

// A full queue moves its tail only when somebody notifies, which nobody can, or asks how full it
// is.
void advance_queue() {
  (void)attempt(
      "look at the queue of notifications", "",
      [](void*) { (void)DirectFunctionCall1(pg_notification_queue_usage, Datum{0}); }, nullptr);
}

}  // namespace

Sent broadcast(const RealmRef& realm) {
  static char* buffer;
  if (!buffer) buffer = static_cast<char*>(MemoryContextAlloc(TopMemoryContext, buffer_bytes));
  const Unsent unsent = copy_unsent(realm, events_at_once, {buffer, buffer_bytes});
  if (unsent.count > 0 && !send(buffer, unsent.count)) {
    advance_queue();
    return Sent::failed;
  }
  if (unsent.count > 0 || unsent.lost) mark_sent(realm, unsent);
  if (unsent.lost) begin_resync(realm);
  return unsent.count == events_at_once || stream_of(realm).seq > unsent.seq ? Sent::more
                                                                             : Sent::all;
}

}  // namespace presence
