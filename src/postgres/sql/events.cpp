// events.cpp: events out of the ring, and what a viewer may know of them.
//
// What everybody may hear is told as it is. Of users who are not open to everybody the ring has
// what the trusted may hear, whether anybody listens or not; of that a viewer is told as much as it
// may know. Whom it sees at all can change with a rule, or with a channel that it shares: then its
// picture has to be taken anew, since who appears or vanishes by that has no event of its own. So
// it is never told of somebody whom it does not see, not even that it has gone.
#include "postgres/sql/events.h"

#include <algorithm>
#include <cstring>

#include "postgres/clock.h"
#include "postgres/extension.h"
#include "postgres/settings.h"
#include "postgres/shared/channels.h"
#include "postgres/sql/candidates.h"
#include "postgres/sql/json_text.h"
#include "postgres/sql/people.h"
#include "postgres/sql/snapshot.h"
#include "postgres/sql/viewer.h"
#include "postgres/tables/arrays.h"
#include "postgres/tables/jsonb.h"
#include "postgres/transaction/transaction.h"

extern "C" {
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
}

namespace presence {

namespace {

constexpr size_t portion_bytes = 256 * 1024;

// ---- out of the ring -----------------------------------------------------------

struct Entry {
  uint64_t epoch;  // in which its seq counts: by now there may be another one
  HeardEvent head;
  std::string_view channel;
  std::string_view payload;
};
using Entries = Collected<Entry>;

void add_entries(uint64_t epoch, std::span<const char> heard, Entries& to) {
  const char* at = heard.data();
  while (at < heard.data() + heard.size()) {
    Entry& entry = to.add();
    entry.epoch = epoch;
    std::memcpy(&entry.head, at, sizeof entry.head);
    at += sizeof entry.head;
    entry.channel = {at, entry.head.channel_bytes};
    at += entry.head.channel_bytes;
    entry.payload = {at, entry.head.payload_bytes};
    at += entry.head.payload_bytes;
  }
}

// As many as are wanted, or a few more. False: what came first is not there any more.
bool collect_entries(const Interest& interest, size_t most, Position& position, Entries& to) {
  const RealmRef& realm = extension().realm;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    std::span<char> room{static_cast<char*>(palloc(portion_bytes)), portion_bytes};
    const Heard heard = hear_events(realm, position.epoch, position.seq, interest, room);
    position = {heard.epoch, heard.known ? heard.seq : stream_of(realm).seq};
    if (!heard.known) return false;
    add_entries(heard.epoch, room.first(heard.bytes), to);
    if (heard.bytes == 0) pfree(room.data());
    if (heard.all || to.count >= most) return true;
  }
}

bool is_resync(const Entry& entry) {
  return entry.payload.find("\"event\":\"presence_resync\"") != std::string_view::npos;
}

bool has_rules(const Entry& entry) {
  return entry.payload.find("\"event\":\"visibility_changed\"") != std::string_view::npos;
}

struct Telling {
  Told told;
  int most;

  bool is_full() const { return told.count >= most; }
  void add(std::string_view event) { told.events[told.count++] = event; }
  // They are told so far; the rest comes with the next call.
  void stop_before(const Entry& entry) { told.position.seq = entry.head.seq - 1; }
};

Telling begin_telling(const Asked& asked, const Position& position, const Entries& entries) {
  Telling telling{{position, false, nullptr, 0}, asked.most};
  telling.told.events = static_cast<std::string_view*>(
      MemoryContextAllocHuge(CurrentMemoryContext, sizeof(std::string_view) * (entries.count + 1)));
  return telling;
}

Told tell_resync(const Position& position) { return {position, true, nullptr, 0}; }

Told tell_as_it_is(const Asked& asked, const Position& position, const Entries& entries) {
  Telling telling = begin_telling(asked, position, entries);
  for (size_t i = 0; i < entries.count; i++) {
    if (is_resync(entries.items[i])) return tell_resync(position);
    if (telling.is_full()) {
      telling.stop_before(entries.items[i]);
      break;
    }
    telling.add(entries.items[i].payload);
  }
  return telling.told;
}

// ---- for a viewer ----------------------------------------------------------------

enum class Kind : uint8_t { presence, coming, rules, typing, placed };

Kind kind_of(std::string_view event) {
  if (event == "user_joined" || event == "user_left") return Kind::coming;
  if (event == "visibility_changed") return Kind::rules;
  if (event == "typing_start" || event == "typing_stop") return Kind::typing;
  if (event == "cursor_moved" || event == "state_changed") return Kind::placed;
  return Kind::presence;
}

// An event about somebody.
struct Parsed {
  Kind kind;
  bool is_coming;  // rather than going
  std::string_view user_id;
  std::string_view reason;
};

Parsed parse(const Entry& entry) {
  char* text = pnstrdup(entry.payload.data(), entry.payload.size());
  Parsed parsed;
  const Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
  const std::string_view event = text_in(json, "event");
  parsed.kind = kind_of(event);
  parsed.is_coming = event == "user_joined";
  parsed.reason = text_in(json, "reason");
  parsed.user_id = text_in(json, "user_id");
  return parsed;
}

// Somebody as a viewer sees it now: what was in between may not have been for it.
struct Now {
  Detail detail;
  bool is_there;
  const UserView* user;
  const MemberView* member;  // in a channel
};

Now look_at(const Asked& asked, std::string_view user_id) {
  static UserView user;
  static MemberView member;
  const RealmRef& realm = extension().realm;
  const UserKey key = realm.key(user_id);
  const bool in_channel = asked.channel_id != global_channel;
  const ChannelKey channel = realm.channel_key(asked.channel_id);
  const Policy policy = current_policy();
  const Time now = current_time();
  Now seen{see_detail(user_id, *asked.viewer, in_channel ? asked.channel_id : std::string_view{}),
           false, &user, in_channel ? &member : nullptr};
  if (seen.detail < Detail::status) return seen;
  seen.is_there =
      view_user_at(realm, key, seen.detail, *asked.viewer, {}, policy, now, user) == Answer::done &&
      user.status != Status::offline;
  if (!in_channel || !seen.is_there) return seen;
  seen.is_there = view_member(realm, key, channel, {}, policy, now, member) == Answer::done;
  return seen;
}

// Never nothing: what was known before may be something.
std::string_view user_card(std::string_view user_id, std::string_view data) {
  const std::string_view card = card_of(user_id, data);
  if (!card.empty()) return card;
  JsonText json;
  json.begin_object();
  json.text("id", user_id);
  for (const char* name : {"name", "avatar"}) json.null(name);
  json.end_object();
  return json.view();
}

void begin_event(JsonText& json, const Entry& entry, const char* kind, std::string_view user_id) {
  char epoch[epoch_bytes];
  write_epoch(entry.epoch, epoch);
  json.begin_object();
  json.number("v", 1);
  json.text("epoch", {epoch, epoch_bytes});
  json.number("seq", static_cast<int64>(entry.head.seq));
  json.text("channel", entry.channel);
  json.text("event", kind);
  json.text("user_id", user_id);
}

std::string_view end_event(JsonText& json) {
  json.moment("timestamp", current_time());
  json.end_object();
  return json.view();
}

void add_placed(JsonText& json, const char* name, std::string_view bytes) {
  bytes.empty() ? json.null(name) : json.raw(name, text_of_jsonb(jsonb_of_bytes(bytes)));
}

// What is left out of an event that would be too long, one after the other.
enum class LeftOut : uint8_t { nothing, place, data, message, name };

std::string_view told_without(LeftOut left_out, const Entry& entry, std::string_view user_id,
                              const Now& now) {
  JsonText json;
  begin_event(json, entry, now.is_there ? "user_updated" : "user_left", user_id);
  json.text("status", name_of(now.is_there ? now.user->status : Status::offline));
  json.text("reason", name_of(now.is_there ? Reason::activity : Reason::logout));
  if (!now.is_there) return end_event(json);
  const bool all = now.detail == Detail::full;
  const bool has_message = all && left_out < LeftOut::message;
  json.text_or_null("status_message", has_message ? now.user->message() : std::string_view{});
  std::string_view data = now.member ? now.member->data() : now.user->data();
  if (!all || left_out >= LeftOut::data) data = name_and_avatar(data);
  if (left_out >= LeftOut::name) data = {};
  json.raw("user", user_card(user_id, data));
  if (now.member) {
    const bool has_place = all && left_out < LeftOut::place;
    add_placed(json, "cursor_position", has_place ? now.member->cursor() : std::string_view{});
    add_placed(json, "selection_range", has_place ? now.member->selection() : std::string_view{});
    add_placed(json, "state", has_place ? now.member->state() : std::string_view{});
    json.boolean("typing", now.member->typing);
  }
  if (left_out != LeftOut::nothing) json.boolean("truncated", true);
  return end_event(json);
}

// Not longer than any other event.
std::string_view told_as_now(const Entry& entry, std::string_view user_id, const Now& now) {
  std::string_view told;
  for (const LeftOut left_out :
       {LeftOut::nothing, LeftOut::place, LeftOut::data, LeftOut::message, LeftOut::name}) {
    told = told_without(left_out, entry, user_id, now);
    if (told.size() <= max_payload_bytes) break;
  }
  return told;
}

std::string_view typing_as_now(const Asked& asked, const Entry& entry, std::string_view user_id) {
  static MemberView typing;
  const RealmRef& realm = extension().realm;
  const bool types = view_typing(realm, realm.key(user_id), realm.channel_key(asked.channel_id),
                                 current_policy(), current_time(), typing) == Answer::done;
  JsonText json;
  begin_event(json, entry, types ? "typing_start" : "typing_stop", user_id);
  if (types)
    json.text_or_null("user_name", typing.name());
  else
    json.text("reason", name_of(Reason::stopped));
  return end_event(json);
}

// Something that not everybody may know.
void tell_secret(const Asked& asked, const Entry& entry, const Parsed& parsed, Telling& telling) {
  const Now now = look_at(asked, parsed.user_id);
  if (now.detail < Detail::status) return;
  if (parsed.kind == Kind::typing)
    telling.add(typing_as_now(asked, entry, parsed.user_id));
  else if (parsed.kind != Kind::placed || (now.detail == Detail::full && now.is_there))
    telling.add(told_as_now(entry, parsed.user_id, now));
}

bool concerns_viewer(const Asked& asked, const Parsed& parsed) {
  return parsed.user_id == asked.viewer->key.id;
}

// Somebody comes to a channel of the viewer, or goes, or the viewer does: who shows itself to those
// with whom it shares one is seen from now on, or no longer.
bool changes_companions(const Asked& asked, const Entry& entry, const Parsed& parsed) {
  if (entry.channel == global_channel) return false;
  if (concerns_viewer(asked, parsed)) return true;
  const RealmRef& realm = extension().realm;
  const bool is_told_as_it_is = entry.channel == asked.channel_id && parsed.is_coming;
  return !is_told_as_it_is &&
         is_member(realm, realm.key(asked.viewer->key.id), realm.channel_key(entry.channel));
}

bool is_present(const Asked& asked, std::string_view user_id) {
  static MemberView view;
  const RealmRef& realm = extension().realm;
  const UserKey key = realm.key(user_id);
  const ChannelKey channel = realm.channel_key(asked.channel_id);
  if (asked.channel_id != global_channel)
    return is_member(realm, key, channel) ||
           view_typing(realm, key, channel, current_policy(), current_time(), view) == Answer::done;
  Status status = Status::offline;
  (void)status_of_user(realm, key, {}, current_policy(), current_time(), status);
  return status != Status::offline;
}

// Something is told of it on the channel that is asked for, besides its rules.
bool is_told_of(const Asked& asked, const Entries& entries, std::string_view user_id) {
  char text[max_user_key_bytes];
  const std::string_view key{text, write_user_key(user_id, text)};
  for (size_t i = 0; i < entries.count; i++) {
    const Entry& entry = entries.items[i];
    if (entry.channel == asked.channel_id && !has_rules(entry) &&
        entry.payload.find(key) != std::string_view::npos)
      return true;
  }
  return false;
}

// Whether the viewer may see other people since then. Who is not there, and was not, is not there
// for anybody.
bool changes_who_is_seen(const Asked& asked, const Entries& entries, const Entry& entry,
                         const Parsed& parsed) {
  switch (parsed.kind) {
    case Kind::rules:
      return !concerns_viewer(asked, parsed) &&
             (is_present(asked, parsed.user_id) || is_told_of(asked, entries, parsed.user_id));
    case Kind::coming:
      return changes_companions(asked, entry, parsed);
    case Kind::presence:
      // Who is forgotten has no rules any more.
      return parsed.reason == name_of(Reason::forgotten) && !concerns_viewer(asked, parsed);
    default:
      return false;
  }
}

bool is_told_as_it_is(const Asked& asked, const Entry& entry) {
  return entry.head.hearers == Hearers::everybody && entry.channel == asked.channel_id;
}

bool is_secret(const Asked& asked, const Entry& entry) {
  return entry.head.hearers == Hearers::trusted && entry.channel == asked.channel_id;
}

bool has_to_look_again(const Asked& asked, const Entries& entries) {
  for (size_t i = 0; i < entries.count; i++) {
    const Entry& entry = entries.items[i];
    CHECK_FOR_INTERRUPTS();
    if (is_public(entry.head.hearers) && entry.channel == asked.channel_id && is_resync(entry))
      return true;
    const bool names_viewer = entry.payload.find(asked.naming) != std::string_view::npos;
    const bool is_secret = entry.head.hearers == Hearers::trusted;
    if ((names_viewer || is_secret) && changes_who_is_seen(asked, entries, entry, parse(entry)))
      return true;
  }
  return false;
}

Told tell_viewer(const Asked& asked, const Position& position, const Entries& entries) {
  if (has_to_look_again(asked, entries)) return tell_resync(position);
  Telling telling = begin_telling(asked, position, entries);
  for (size_t i = 0; i < entries.count; i++) {
    const Entry& entry = entries.items[i];
    if (telling.is_full()) {
      telling.stop_before(entry);
      break;
    }
    if (is_told_as_it_is(asked, entry)) {
      telling.add(entry.payload);
    } else if (is_secret(asked, entry)) {
      const Parsed parsed = parse(entry);
      if (parsed.kind != Kind::rules) tell_secret(asked, entry, parsed, telling);
    }
  }
  return telling.told;
}

// How somebody is now may not have been told yet: what is shown is as if a snapshot had shown it.
Told tell_viewer_as_now(const Asked& asked, const Position& position, const Entries& entries) {
  const bool shows_now = std::any_of(entries.items, entries.items + entries.count,
                                     [&](const Entry& entry) { return is_secret(asked, entry); });
  if (!shows_now) return tell_viewer(asked, position, entries);
  const int held = hold_snapshot(extension().realm);
  const Told told = tell_viewer(asked, position, entries);
  release_snapshot(held);
  return told;
}

// ---- whoever asks ------------------------------------------------------------------

Interest interest_of(const Asked& asked) {
  if (is_private_channel(asked.channel_id)) return {{}, {}, Secrets::all};
  if (asked.viewer->is_everybody || asked.channel_id == firehose_channel())
    return {asked.channel_id, {}, Secrets::none};
  return {asked.channel_id, asked.naming, Secrets::untold};
}

}  // namespace

Told events_after(const Asked& asked, const Position& position) {
  const Interest interest = interest_of(asked);
  const bool for_viewer = interest.secrets == Secrets::untold;
  Entries entries;
  Position reached = position;
  // A change of who is seen may come at the end.
  const size_t most = for_viewer ? SIZE_MAX : static_cast<size_t>(asked.most);
  if (!collect_entries(interest, most, reached, entries)) return tell_resync(reached);
  return for_viewer ? tell_viewer_as_now(asked, reached, entries)
                    : tell_as_it_is(asked, reached, entries);
}

}  // namespace presence
