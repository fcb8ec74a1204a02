// status.cpp: the rules of the state machine.
#include "status.h"

#include <algorithm>

namespace presence {

namespace {

Time later(Time from, Duration by) { return from > never - by ? never : from + by; }

// Of a session that has not ended.
Status status_of_live(const SessionFacts& session, const Policy& policy, Time now) {
  if (session.said != Status::online) return session.said;
  return now >= later(session.active_at, policy.idle_timeout) ? Status::away : Status::online;
}

Time next_change_of_live(const SessionFacts& session, const Policy& policy, Time now, Time end) {
  const Time idle = later(session.active_at, policy.idle_timeout);
  return session.said == Status::online && now < idle ? std::min(idle, end) : end;
}

}  // namespace

// A session that never sent a heartbeat lives on activity alone and gets
// offline_timeout; one that does must be heard of within its lease.
Time end_of(const SessionFacts& session, const Policy& policy) {
  if (session.ends_at != never) return std::min(session.ends_at, session.kept_until);
  if (session.kept_until != never) return session.kept_until;
  if (session.heard_at == forever_ago) return later(session.active_at, policy.offline_timeout);
  const Duration lease = session.lease > 0 ? session.lease * millisecond : policy.session_timeout;
  return later(std::max(session.active_at, session.heard_at), lease);
}

Status status_of(const SessionFacts& session, const Policy& policy, Time now) {
  return now >= end_of(session, policy) ? Status::offline : status_of_live(session, policy, now);
}

Time next_change_of(const SessionFacts& session, const Policy& policy, Time now) {
  const Time end = end_of(session, policy);
  return now >= end ? never : next_change_of_live(session, policy, now, end);
}

bool is_newer(const SessionFacts& session, const SessionFacts& than) {
  if (session.disconnected != than.disconnected) return than.disconnected;
  return session.active_at > than.active_at;
}

void record_activity(SessionFacts& session, Time now) {
  if (now < session.active_at) return;
  session.active_at = now;
  session.ends_at = never;
  session.disconnected = false;
  if (session.said == Status::away) session.said = Status::online;
}

bool record_heartbeat(SessionFacts& session, Time now) {
  if (session.disconnected) return false;
  session.heard_at = std::max(session.heard_at, now);
  session.ends_at = never;
  return true;
}

void disconnect(SessionFacts& session, const Policy& policy, Time now, Reason reason) {
  session.ends_at = std::min(session.ends_at, later(now, policy.disconnect_grace));
  session.disconnected = true;
  session.parting = reason;
}

void say(SessionFacts& session, Status status, Time now) {
  if (status != Status::away) record_activity(session, now);
  session.said = status;
}

// Left alone, a session only grows weaker. So the strongest status lasts as long
// as the last session that says it.
void Merged::add(const SessionFacts& session, const Policy& policy, Time at) {
  const Time end = end_of(session, policy);
  if (at >= end) return;
  ends_at = std::max(ends_at, end);
  first_end = std::min(first_end, end);
  const Status status = status_of_live(session, policy, at);
  const Time changes_at = next_change_of_live(session, policy, at, end);
  if (status > automatic) {
    automatic = status;
    until = changes_at;
  } else if (status == automatic) {
    until = std::max(until, changes_at);
  }
}

Time Choices::next_change() const {
  Time next = never;
  if (top.status != Status::offline) next = top.until;
  if (top.message != 0) next = std::min(next, top.message_until);
  return next;
}

bool Choices::operator==(const Choices& other) const {
  return top == other.top && std::equal(earlier.begin(), earlier.begin() + depth,
                                        other.earlier.begin(), other.earlier.begin() + other.depth);
}

namespace {

void drop_earlier(Choices& choices, DroppedTexts& dropped) {
  for (uint8_t i = 0; i < choices.depth; i++) dropped.add(choices.earlier[i].message);
  choices.depth = 0;
}

// Earlier choices that expire no later than `until` will never be seen again.
void drop_outlived(Choices& choices, Time until, DroppedTexts& dropped) {
  uint8_t kept = 0;
  for (uint8_t i = 0; i < choices.depth; i++) {
    if (choices.earlier[i].until > until)
      choices.earlier[kept++] = choices.earlier[i];
    else
      dropped.add(choices.earlier[i].message);
  }
  choices.depth = kept;
}

void push_earlier(Choices& choices, const Layer& layer, DroppedTexts& dropped) {
  if (choices.depth == Choices::max_earlier) {
    dropped.add(choices.earlier[0].message);
    std::shift_left(choices.earlier.begin(), choices.earlier.end(), 1);
    choices.depth--;
  }
  choices.earlier[choices.depth++] = layer;
}

void set_message(Layer& layer, TextHandle message, Time until, DroppedTexts& dropped) {
  if (layer.message != message) dropped.add(layer.message);
  layer.message = message;
  layer.message_until = message == 0 ? never : until;
}

}  // namespace

void choose_status(Choices& choices, Status status, Time until, GivenMessage message,
                   DroppedTexts& dropped) {
  if (until == never) {
    drop_earlier(choices, dropped);
  } else {
    drop_outlived(choices, until, dropped);
    Layer replaced = choices.top;
    const bool worth_keeping = replaced.status != Status::offline || replaced.message != 0;
    if (worth_keeping && replaced.until > until) {
      // A message that is not replaced goes on being shown above.
      if (message.has_value())
        choices.top.message = 0;
      else
        replaced.message = 0;
      push_earlier(choices, replaced, dropped);
    }
  }
  choices.top.status = status;
  choices.top.until = until;
  if (message.has_value()) set_message(choices.top, *message, until, dropped);
}

void choose_automatic(Choices& choices, GivenMessage message, Time message_until,
                      DroppedTexts& dropped) {
  drop_earlier(choices, dropped);
  choices.top.status = Status::offline;
  choices.top.until = never;
  if (message.has_value()) set_message(choices.top, *message, message_until, dropped);
}

void choose_message(Choices& choices, GivenMessage message, Time until, DroppedTexts& dropped) {
  if (message.has_value())
    set_message(choices.top, *message, until, dropped);
  else if (choices.top.message != 0)
    choices.top.message_until = until;
}

void expire(Choices& choices, Time now, DroppedTexts& dropped) {
  auto expire_message = [&] {
    if (choices.top.message != 0 && choices.top.message_until <= now)
      set_message(choices.top, 0, never, dropped);
  };
  expire_message();
  while (choices.top.status != Status::offline && choices.top.until <= now) {
    if (choices.depth == 0) {
      choices.top.status = Status::offline;
      choices.top.until = never;
      return;
    }
    const Layer back = choices.earlier[--choices.depth];
    choices.top.status = back.status;
    choices.top.until = back.until;
    if (choices.top.message != 0) {
      dropped.add(back.message);
    } else {
      choices.top.message = back.message;
      choices.top.message_until = back.message_until;
      expire_message();
    }
  }
}

// ---- one user --------------------------------------------------------------

Look look(const UserFacts& facts, const Policy& policy, Time at) {
  Merged sessions = facts.others;
  if (facts.connected) sessions.add(facts.newest, policy, at);
  return look(sessions, facts.choices, at);
}

namespace {

Choices unexpired(Choices choices, Time at) {
  DroppedTexts dropped;
  expire(choices, at, dropped);
  return choices;
}

Look look_unexpired(const Merged& sessions, const Choices& choices) {
  const Layer& top = choices.top;
  if (sessions.automatic == Status::offline)
    return {Status::offline, top.message, top.message_until, never, never};
  const bool chosen = top.status != Status::offline;
  const Time until = chosen ? sessions.ends_at : sessions.until;
  return {chosen ? top.status : sessions.automatic, top.message, top.message_until,
          std::min(until, choices.next_change()), sessions.first_end};
}

}  // namespace

Look look(const Merged& sessions, const Choices& choices, Time at) {
  return choices.next_change() > at ? look_unexpired(sessions, choices)
                                    : look_unexpired(sessions, unexpired(choices, at));
}

void record_activity(UserFacts& facts, Time at) {
  facts.last_seen = std::max(facts.last_seen, at);
  if (facts.connected) {
    record_activity(facts.newest, at);
    return;
  }
  facts.newest = SessionFacts{};
  facts.newest.active_at = at;
  facts.connected = true;
}

namespace {

void end_sessions(UserFacts& facts) {
  facts.connected = false;
  facts.others = Merged{};
  facts.all_ended = true;
}

}  // namespace

void apply(UserFacts& facts, const Change& change, DroppedTexts& dropped) {
  switch (change.kind) {
    case ChangeKind::choose:
      record_activity(facts, change.at);
      choose_status(facts.choices, change.status, change.until, change.message, dropped);
      return;
    case ChangeKind::be_automatic:
      record_activity(facts, change.at);
      choose_automatic(facts.choices, change.message, never, dropped);
      return;
    case ChangeKind::clear:
      choose_automatic(facts.choices, std::nullopt, never, dropped);
      return;
    case ChangeKind::set_message:
      choose_message(facts.choices, change.message, change.until, dropped);
      return;
    case ChangeKind::leave:
      facts.last_seen = std::max(facts.last_seen, change.at);
      end_sessions(facts);
      choose_automatic(facts.choices, change.message, never, dropped);
      return;
    case ChangeKind::forget:
      end_sessions(facts);
      choose_automatic(facts.choices, TextHandle{0}, never, dropped);
      facts.last_seen = forever_ago;
      return;
    case ChangeKind::log_out:
      facts.last_seen = std::max(facts.last_seen, change.at);
      end_sessions(facts);
      return;
    case ChangeKind::join:
      record_activity(facts, change.at);
      return;
    case ChangeKind::set_visibility:
    case ChangeKind::leave_channel:
      return;
    case ChangeKind::connect:
    case ChangeKind::disconnect:
    case ChangeKind::say:
      if (change.message) choose_message(facts.choices, change.message, never, dropped);
      return;
  }
}

}  // namespace presence
