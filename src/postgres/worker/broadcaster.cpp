// broadcaster.cpp: many events in one transaction. What cannot be sent stays in the ring.
#include "postgres/worker/broadcaster.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "postgres/names.h"
#include "postgres/settings.h"
#include "postgres/shared/events.h"
#include "postgres/worker/attempt.h"
#include "postgres/worker/ending.h"

extern "C" {
#include "access/xact.h"
#include "commands/async.h"
#include "replication/message.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

constexpr uint32_t events_at_once = 1000;
constexpr size_t buffer_bytes = 1024 * 1024;
constexpr const char* message_prefix = "presence";

// "channel\0payload\0" each.
struct Sending {
  const char* buffer;
  uint32_t count;
};

// Calls `send` with each channel and payload.
template <typename Send>
void for_each_event(const Sending& sending, Send send) {
  const char* at = sending.buffer;
  for (uint32_t i = 0; i < sending.count; i++) {
    const char* payload = at + strlen(at) + 1;
    send(at, payload);
    at = payload + strlen(payload) + 1;
  }
}

// The commit waits for the lock of everybody who notifies, and somebody else may keep it: as long
// as a standby that must confirm is away. Or many wait for it, one after the other: whoever leaves
// the queue begins again at its end, so the next time it stays longer.
constexpr int shortest_wait_ms = 1000;
constexpr int longest_wait_ms = 8 * 1000;
int wait_ms = shortest_wait_ms;

void adapt_wait(bool sent) {
  if (sent)
    wait_ms = shortest_wait_ms;
  else if (last_error() == ERRCODE_LOCK_NOT_AVAILABLE)
    wait_ms = std::min(2 * wait_ms, longest_wait_ms);
}

void notify_all(void* sending) {
  char wait[16];
  snprintf(wait, sizeof wait, "%d", end_is_requested() ? shortest_wait_ms : wait_ms);
  (void)set_config_option("lock_timeout", wait, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
                          0, false);
  for_each_event(*static_cast<Sending*>(sending), [](const char* channel, const char* payload) {
    char name[max_channel_bytes + 1];
    notify_name(channel, name);
    Async_Notify(name, payload);
  });
}

// Of an event that is told on a channel of its own, too.
bool is_copy(std::string_view channel) {
  return channel == firehose_channel() && channel != private_channel();
}

// The transaction gets an xid, and is committed without waiting for the disk, like all of the
// worker's: a crash may take back what the log had, never what the tables have.
void log_all(void* sending) {
  for_each_event(*static_cast<Sending*>(sending), [](const char* channel, const char* payload) {
    if (!is_copy(channel)) log_message_compat(message_prefix, payload, strlen(payload));
  });
}

// When the queue of notifications is full everything stays in the ring.
bool send(Sending sending) {
  const bool sent =
      attempt("broadcast",
              "A listener in an open transaction keeps the queue of notifications full: see "
              "pg_notification_queue_usage() and pg_stat_activity.",
              notify_all, &sending);
  adapt_wait(sent);
  return sent;
}

// A full queue moves its tail only when somebody notifies, which nobody can, or asks how full it
// is.
void advance_queue() {
  (void)attempt(
      "look at the queue of notifications", "",
      [](void*) { (void)DirectFunctionCall1(pg_notification_queue_usage, Datum{0}); }, nullptr);
}

std::span<char> buffer() {
  static char* bytes;
  if (!bytes) bytes = static_cast<char*>(MemoryContextAlloc(TopMemoryContext, buffer_bytes));
  return {bytes, buffer_bytes};
}

// What could not be taken before it was overwritten is made good by new snapshots.
Sent end_taking(const RealmRef& realm, Taker taker, const Untaken& untaken) {
  if (untaken.any) mark_taken(realm, taker, untaken);
  if (untaken.lost) realm.control().resync.store(true);
  return stream_of(realm).seq > untaken.until.seq ? Sent::more : Sent::all;
}

}  // namespace

Sent broadcast(const RealmRef& realm) {
  const Untaken unsent =
      copy_untaken(realm, Taker::broadcaster, events_at_once, private_channel(), buffer());
  if (unsent.count > 0 && !send({buffer().data(), unsent.count})) {
    advance_queue();
    return Sent::failed;
  }
  return end_taking(realm, Taker::broadcaster, unsent);
}

Sent log_events(const RealmRef& realm) {
  if (!settings.wal_messages) {
    skip_untaken(realm, Taker::log);
    return Sent::all;
  }
  const Untaken unlogged =
      copy_untaken(realm, Taker::log, events_at_once, private_channel(), buffer());
  Sending sending{buffer().data(), unlogged.count};
  if (unlogged.count > 0 && !attempt("write events to the WAL", "", log_all, &sending))
    return Sent::failed;
  return end_taking(realm, Taker::log, unlogged);
}

}  // namespace presence
