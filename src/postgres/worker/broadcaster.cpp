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

// Returns how many bytes it is.
size_t append(const RealmRef& realm, EventFacts event) {
  static char payload[max_payload_bytes + 1];
  const Stream stream = stream_of(realm);
  event.epoch = stream.epoch;
  event.seq = stream.seq + 1;
  event.prev = stream.last_on_global;
  const size_t bytes = write_event(event, payload);
  append_event(realm, stream.epoch, event.channel, {payload, bytes});
  return bytes;
}

// {"id", "name", "avatar", ...}: what the application keeps with the user. Whatever it calls "id",
// the user's own id is meant.
std::string_view user_object(const UserView& user) {
  if (user.data_bytes == 0) return {};
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
  push_text(WJB_VALUE, user.id(), value);
  const Datum id =
      JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
  const Datum blank =
      DirectFunctionCall1(jsonb_in, CStringGetDatum("{\"name\": null, \"avatar\": null}"));
  const Datum kept = DirectFunctionCall2(jsonb_concat, blank, jsonb_of_bytes(user.data()));
  const Datum all = DirectFunctionCall2(jsonb_concat, kept, id);
  Jsonb* json = DatumGetJsonbP(all);
  StringInfoData text;
  initStringInfo(&text);
  JsonbToCString(&text, &json->root, VARSIZE(json));
  return {text.data, static_cast<size_t>(text.len)};
}

size_t append_events_of(const RealmRef& realm, const UserView& user) {
  size_t bytes = 0;
  const bool came_or_went = user.status != user.announced &&
                            (user.status == Status::offline || user.announced == Status::offline);
  EventFacts event{};
  event.channel = global_channel;
  event.user_id = user.id();
  event.status = user.status;
  event.previous_status = user.announced;
  event.message = user.message();
  event.reason = user.reason_name();
  event.at = user.changed_at;
  if (came_or_went || user.data_changed) event.user = user_object(user);
  event.kind = EventKind::user_status_changed;
  if (user.status != user.announced || user.message_changed) bytes += append(realm, event);
  if (came_or_went)
    event.kind = user.status == Status::offline ? EventKind::user_left : EventKind::user_joined;
  else if (user.data_changed)
    event.kind = EventKind::user_updated;
  if (event.kind != EventKind::user_status_changed) bytes += append(realm, event);
  return bytes;
}

}  // namespace

Announced announce(const RealmRef& realm, bool stuck) {
  static UserView user;
  static MemoryContext context;
  if (!context)
    context = AllocSetContextCreate(TopMemoryContext, "presence: an event", ALLOCSET_SMALL_SIZES);
  MemoryContext before = MemoryContextSwitchTo(context);
  // The next time it goes on where it stopped, so that no partition has to wait for the others.
  static uint32_t partition;
  const size_t most_bytes =
      stuck ? SIZE_MAX : static_cast<size_t>(settings.event_buffer) * 1024 / 4;
  size_t bytes = 0;
  bool any = false;
  while (bytes < most_bytes && take_announcement(realm, partition, user)) {
    if (settings.global_broadcast) bytes += append_events_of(realm, user);
    MemoryContextReset(context);
    any = true;
  }
  MemoryContextSwitchTo(before);
  if (bytes >= most_bytes) return Announced::some;
  partition = 0;
  return any ? Announced::all : Announced::nothing;
}

void announce_resync(const RealmRef& realm) {
  EventFacts event{};
  event.channel = global_channel;
  event.kind = EventKind::presence_resync;
  event.at = current_time();
  append(realm, event);
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
  if (unsent.lost) {
    announce_resync(realm);
    return Sent::more;
  }
  return unsent.count == events_at_once || stream_of(realm).seq > unsent.seq ? Sent::more
                                                                             : Sent::all;
}

}  // namespace presence
