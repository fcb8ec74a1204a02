// announcer.cpp: an event gets its seq here, so there is one writer per database.
//
// Between taking an announcement and appending its event nothing may be interrupted: that would
// lose the event. Nothing here looks for interrupts before the event is in the ring.
#include "postgres/worker/announcer.h"

#include <cstring>

#include "postgres/clock.h"
#include "postgres/names.h"
#include "postgres/settings.h"
#include "postgres/shared/events.h"
#include "postgres/shared/many.h"
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

// Returns how many bytes it is. `listeners` is the channel on which it is told, which is another
// one than the event's for those who hear of all channels; empty: it is only looked up.
size_t append(const RealmRef& realm, Hearers hearers, std::string_view listeners,
              EventFacts event) {
  static char payload[max_payload_bytes + 1];
  const Stream stream = stream_of(realm);
  event.epoch = stream.epoch;
  event.seq = stream.seq + 1;
  event.prev = listeners.empty() ? 0 : take_prev(realm, stream, listeners, event.seq);
  const size_t bytes = write_event(event, payload);
  append_event(realm, stream.epoch, hearers, is_public(hearers) ? listeners : event.channel,
               {payload, bytes});
  return bytes;
}

size_t append_public(const RealmRef& realm, Hearers hearers, const EventFacts& event) {
  const size_t bytes = append(realm, hearers, event.channel, event);
  if (firehose_channel().empty()) return bytes;
  return bytes + append(realm, hearers, firehose_channel(), event);
}

size_t append_private(const RealmRef& realm, Hearers hearers, const EventFacts& event) {
  return append(realm, hearers, private_channel(), event);
}

// How much everybody was told of somebody, and may know: all, or less than some others.
struct Openness {
  Detail told, now;

  bool is_full() const { return told == Detail::full && now == Detail::full; }
};

bool has_trusted_listeners() { return !private_channel().empty(); }

// What everybody hears of somebody. When the trusted hear just the same, they hear each event next
// to everybody: whoever goes on from a position that it has from the one has missed nothing of the
// other.
struct Public {
  const RealmRef& realm;
  Openness openness;
  bool for_trusted;  // as well
  Audience audience;
  size_t bytes = 0;

  void append(const EventFacts& event) {
    const bool is_all = openness.is_full();
    bytes += append_public(realm, is_all ? Hearers::everybody : Hearers::everybody_in_part, event);
    if (!for_trusted) return;
    EventFacts twin = event;
    twin.audience = audience;
    twin.detail = openness.now;
    bytes += append_private(realm, Hearers::trusted_as_well, twin);
  }
};

std::string_view text_of_bytes(std::string_view jsonb) {
  return jsonb.empty() ? std::string_view{} : text_of_jsonb(jsonb_of_bytes(jsonb));
}

// A user as an event shows it, and in short if that may not fit.
struct Card {
  std::string_view whole, brief;
};

Card card_in_event(std::string_view user_id, std::string_view data) {
  Card card{card_of(user_id, data), {}};
  if (card.whole.size() > max_payload_bytes / 4)
    card.brief = card_of(user_id, name_and_avatar(data));
  return card;
}

void set_card(EventFacts& event, const Card& card) {
  event.user = card.whole;
  event.brief_user = card.brief;
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
  Status before, now;
  bool message_changed, data_changed;
  bool is_shown;  // it is told anyway
  std::string_view data;
};

// Calls `tell` with each event of the step.
template <typename Tell>
void tell_step(const UserView& user, const Step& step, EventFacts event, Tell tell) {
  const bool came_or_went =
      step.now != step.before && (step.now == Status::offline || step.before == Status::offline);
  const bool is_gone = step.now == Status::offline;
  event.status = step.now;
  Card card{};
  if (came_or_went || step.data_changed || step.is_shown)
    card = card_in_event(user.id(), step.data);
  if (step.is_shown) set_card(event, card);
  event.kind = EventKind::user_status_changed;
  if (step.now != step.before || step.message_changed) tell(event);
  set_card(event, card);
  if (came_or_went || (step.is_shown && is_gone)) {
    event.kind = is_gone ? EventKind::user_left : EventKind::user_joined;
    tell(event);
  } else if (step.data_changed || step.is_shown) {
    event.kind = EventKind::user_updated;
    event.reason = name_of(Reason::connect);
    tell(event);
  }
}

// Of whom nothing was told yet nobody was told less than others.
Openness openness_of(const UserNews& news) {
  const bool was_told = news.user.announced != Status::offline;
  return {was_told ? news.told_detail : news.detail, news.detail};
}

// Who hides goes offline for everybody as by a logout, and who shows itself connects.
void tell_everybody(const UserNews& news, Public& everybody) {
  const UserView& user = news.user;
  const bool is_hidden = news.detail < Detail::status;
  const bool was_hidden = news.told_detail < Detail::status;
  const bool hides =
      news.now == Status::offline && (user.status != Status::offline || (is_hidden && was_hidden));
  const bool appears = news.before == Status::offline && user.announced != Status::offline;
  const Detail detail = hides ? news.told_detail : news.detail;
  const bool detail_changed = !hides && !appears && news.detail != news.told_detail;
  EventFacts event = facts_of(user, global_channel, news.before, detail);
  // What changes while the user hides is not for everybody any more.
  if (hides && user.message_changed) event.message = {};
  const bool is_secret = is_hidden && (user.data_changed || was_hidden);
  const std::string_view data = is_secret ? std::string_view{} : data_shown(user.data(), detail);
  if (hides || appears) {
    event.reason = name_of(hides ? Reason::logout : Reason::connect);
    event.at = current_time();
  }
  const bool message_changed = user.message_changed && news.detail == Detail::full;
  tell_step(user,
            {news.before, news.now, message_changed || detail_changed,
             user.data_changed || detail_changed, news.is_shown, data},
            event, [&](const EventFacts& told) { everybody.append(told); });
}

EventFacts facts_for_trusted(const UserNews& news) {
  EventFacts event = facts_of(news.user, global_channel, news.user.announced, Detail::full);
  event.audience = news.audience;
  event.detail = news.detail;
  return event;
}

size_t tell_trusted(const RealmRef& realm, const UserNews& news) {
  const UserView& user = news.user;
  size_t bytes = 0;
  tell_step(user,
            {user.announced, user.status, user.message_changed, user.data_changed, news.is_shown,
             user.data()},
            facts_for_trusted(news), [&](const EventFacts& told) {
              bytes += append_private(realm, Hearers::trusted, told);
            });
  return bytes;
}

// Who asks presence_can_see() must ask again.
size_t tell_rules(const RealmRef& realm, const UserNews& news) {
  EventFacts event = facts_for_trusted(news);
  event.kind = EventKind::visibility_changed;
  event.at = current_time();
  return append_private(realm, Hearers::trusted, event);
}

// Where everybody knows less than there is to know, presence_events() must find what the trusted
// hear, whether anybody listens or not.
size_t append_events_of(const RealmRef& realm, const UserNews& news) {
  const Openness openness = openness_of(news);
  const bool is_public = settings.global_broadcast && news.everybody_hears;
  const bool for_trusted = has_trusted_listeners() || !openness.is_full();
  const bool together = is_public && for_trusted && openness.is_full();
  Public everybody{realm, openness, together, news.audience};
  if (is_public) tell_everybody(news, everybody);
  size_t bytes = everybody.bytes;
  if (for_trusted && !together) bytes += tell_trusted(realm, news);
  if (news.rules_changed || openness.told != openness.now) bytes += tell_rules(realm, news);
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
  const MemberChanges& changes;
  std::string_view data;
  bool comes_and_goes;  // they hear of it: of a large channel everybody hears counts instead
  bool hides;           // they may not know it any more: what they hear happens now
};

// Calls `append` with each event of the step.
template <typename Append>
void tell_step(const MemberNews& news, const MemberStep& step, EventFacts event, Append append) {
  const MemberView& member = news.member;
  const MemberChanges& changes = step.changes;
  // For these listeners only: whoever may know everything hears nothing of it.
  const bool appears =
      (changes.joined && !news.all.joined) || (changes.typing_started && !news.all.typing_started);
  const bool hides = step.hides;
  const Time now = current_time();
  const auto tell = [&](EventKind kind, Time at) {
    event.kind = kind;
    event.at = at;
    append(event);
  };
  const bool comes_or_goes = (changes.joined || changes.left) && step.comes_and_goes;
  if (changes.status_changed) tell(EventKind::user_status_changed, news.user.changed_at);
  if (comes_or_goes || changes.updated) set_card(event, card_in_event(member.id(), step.data));
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
}

Openness openness_of(const MemberNews& news) {
  return {news.was_told ? news.told_detail : news.detail, news.detail};
}

void tell_everybody(const MemberNews& news, Public& everybody) {
  const bool hides = news.detail < Detail::status;
  const bool was_hidden = news.told_detail < Detail::status;
  const Detail detail = hides ? news.told_detail : news.detail;
  const bool knows_nothing = news.everybody.joined || was_hidden;
  EventFacts event = facts_of(news.user, news.member.channel(),
                              knows_nothing ? Status::offline : news.told, detail);
  // What changes while the user hides is not for everybody any more.
  if (hides && news.message_changed) event.message = {};
  const bool is_secret = hides && (news.data_changed || was_hidden);
  const std::string_view data =
      is_secret ? std::string_view{} : data_shown(news.member.data(), detail);
  // Who hides from everybody is offline to them; who hides here alone has left.
  if (hides && (news.of_user < Detail::status || was_hidden)) event.status = Status::offline;
  event.hides_place = news.detail == Detail::status && news.told_detail == Detail::full;
  tell_step(news, {news.everybody, data, !news.large, hides}, event,
            [&](const EventFacts& told) { everybody.append(told); });
}

size_t tell_trusted(const RealmRef& realm, const MemberNews& news, bool changes_who_is_seen) {
  const bool comes_and_goes = !news.large || changes_who_is_seen;
  EventFacts event = facts_of(news.user, news.member.channel(), news.told, Detail::full);
  event.audience = news.audience;
  event.detail = news.detail;
  size_t bytes = 0;
  tell_step(
      news, {news.all, news.member.data(), comes_and_goes, false}, event,
      [&](const EventFacts& told) { bytes += append_private(realm, Hearers::trusted, told); });
  return bytes;
}

// Who shows itself to those with whom it shares a channel, here or elsewhere, is seen by others
// when it comes or goes; and so is whoever is in a large channel by who joins it.
template <typename AnybodyHides>
size_t append_events_of(const RealmRef& realm, const MemberNews& news, AnybodyHides anybody_hides) {
  const Openness openness = openness_of(news);
  const bool is_typing_to_all = news.member.channel() == global_channel;
  const bool comes_or_goes = news.all.joined || news.all.left;
  const bool changes_who_is_seen =
      comes_or_goes && (news.has_rules || (news.large && anybody_hides()));
  const bool is_public = news.everybody.any() && (settings.global_broadcast || !is_typing_to_all);
  const bool for_trusted =
      news.all.any() && (changes_who_is_seen || has_trusted_listeners() || !openness.is_full());
  const bool together = is_public && for_trusted && openness.is_full() && !changes_who_is_seen;
  Public everybody{realm, openness, together, news.audience};
  if (is_public) tell_everybody(news, everybody);
  size_t bytes = everybody.bytes;
  if (for_trusted && !together) bytes += tell_trusted(realm, news, changes_who_is_seen);
  return bytes;
}

// ---- channels --------------------------------------------------------------

EventFacts resync_of(std::string_view channel) {
  EventFacts event{};
  event.channel = channel;
  event.kind = EventKind::presence_resync;
  event.at = current_time();
  return event;
}

size_t append_events_of(const RealmRef& realm, const ChannelNews& news) {
  EventFacts event{};
  event.channel = news.id();
  event.kind = EventKind::channel_occupancy;
  event.members = news.members;
  event.large = news.large;
  event.at = current_time();
  size_t bytes = append_public(realm, Hearers::everybody, event);
  // Also for the firehose, where the joins and leaves of this channel were not told either.
  if (news.resync) bytes += append_public(realm, Hearers::everybody, resync_of(news.id()));
  return bytes;
}

// What one round may put into the ring.
struct Portion {
  const RealmRef& realm;
  size_t most_bytes;
  size_t bytes = 0;
  bool any = false;

  std::optional<bool> hides = {};  // looked up once

  bool is_full() const { return bytes >= most_bytes; }
  bool anybody_hides() {
    if (!hides) {
      Counts all, seen;
      count_users(realm, current_policy(), current_time(), all);
      count_seen_users(realm, current_policy(), current_time(), seen);
      hides = all.total() != seen.total();
    }
    return *hides;
  }
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
    const EventFacts event = resync_of(next_to_resync());
    portion.bytes += append(portion.realm, Hearers::everybody, event.channel, event);
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
  return tell_resyncs(portion) &&
         tell_all<ChannelNews>(
             portion, channels,
             [&](uint32_t& partition, ChannelNews& news) {
               return take_channel_news(realm, partition, policy, now, news);
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
             [&](const MemberNews& news) {
               return append_events_of(realm, news, [&] { return portion.anybody_hides(); });
             });
}

// Whoever has polled is sent back for a new snapshot until the first event of the resync is there,
// so that follows at once. What is asked for meanwhile is answered by it, too: the request is only
// done with when nothing can fail any more.
void begin_wanted_resync(const RealmRef& realm) {
  begin_resync(realm);
  realm.control().resync.store(false);
}

// A long snapshot could not be read between two portions. The next one waits for it, unless that
// takes too long, or one has waited in vain lately.
void wait_for_snapshots(const RealmRef& realm) {
  constexpr int longest_ms = 250;
  static bool in_vain = false;
  const std::atomic<uint32_t>& quiet = realm.control().quiet;
  int waited_ms = 0;
  for (; !in_vain && quiet.load() > 0 && waited_ms < longest_ms; waited_ms++) pg_usleep(1000);
  in_vain = quiet.load() > 0;
}

}  // namespace

Announced announce(const RealmRef& realm, bool stuck) {
  const bool begins_resync = realm.control().resync.load();
  if (!begins_resync && !has_to_resync() && !has_announcements(realm)) return Announced::nothing;
  wait_for_snapshots(realm);
  if (begins_resync) begin_wanted_resync(realm);
  static MemoryContext context;
  if (!context)
    context = AllocSetContextCreate(TopMemoryContext, "presence: an event", ALLOCSET_SMALL_SIZES);
  MemoryContext before = MemoryContextSwitchTo(context);
  prune_chains(realm);
  Portion portion{realm, stuck ? SIZE_MAX : static_cast<size_t>(settings.event_buffer) * 1024 / 4};
  std::atomic<uint64_t>& announcing = realm.control().announcing;
  announcing.fetch_add(1);
  const bool all = announce_all(portion);
  announcing.fetch_add(1);
  MemoryContextSwitchTo(before);
  if (portion.any) ConditionVariableBroadcast(&realm.control().told);
  if (!all) return Announced::some;
  return portion.any ? Announced::all : Announced::nothing;
}

}  // namespace presence
