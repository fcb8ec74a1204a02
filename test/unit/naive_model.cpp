// naive_model.cpp: the rules once more, with no regard for what they cost.
#include "naive_model.h"

#include <algorithm>

namespace presence::test {

namespace {

Time plus(Time from, Duration by) { return from > never - by ? never : from + by; }

// "no touch for offline_timeout" without heartbeats, "neither heartbeat nor touch for
// session_timeout or the lease" with them; a grace decides alone.
Time end_of(const NaiveSession& session, const Policy& policy) {
  if (session.ends_at) return *session.ends_at;
  if (!session.heard_at) return plus(session.active_at, policy.offline_timeout);
  return plus(std::max(session.active_at, *session.heard_at),
              session.lease > 0 ? session.lease : policy.session_timeout);
}

Status status_of(const NaiveSession& session, const Policy& policy, Time at) {
  if (at >= end_of(session, policy)) return Status::offline;
  const bool is_idle = at >= plus(session.active_at, policy.idle_timeout);
  return session.said == Status::online && is_idle ? Status::away : session.said;
}

bool is_over(const NaiveChoice& choice, Time at) { return choice.status && choice.until <= at; }

void expire_message(NaiveChoice& choice, Time at) {
  if (choice.message_until > at) return;
  choice.message.clear();
  choice.message_until = never;
}

// An earlier choice comes back with its message, unless a message outlived the choice above.
void expire(std::vector<NaiveChoice>& choices, Time at) {
  if (choices.empty()) return;
  expire_message(choices.back(), at);
  while (!choices.empty() && is_over(choices.back(), at)) {
    NaiveChoice over = choices.back();
    choices.pop_back();
    if (choices.empty()) {
      if (!over.message.empty())
        choices.push_back({std::nullopt, never, over.message, over.message_until});
      return;
    }
    if (!over.message.empty()) {
      choices.back().message = over.message;
      choices.back().message_until = over.message_until;
    }
    expire_message(choices.back(), at);
  }
  if (!choices.back().status && choices.back().message.empty()) choices.pop_back();
}

// "A message NULL keeps the old one, '' clears it".
void set_message(NaiveChoice& choice, const std::string& message, Time until) {
  choice.message = message;
  choice.message_until = message.empty() ? never : until;
}

void choose(std::vector<NaiveChoice>& choices, const Ask& ask) {
  NaiveChoice chosen{ask.status, ask.until, {}, never};
  const NaiveChoice replaced = choices.empty() ? NaiveChoice{} : choices.back();
  if (!ask.message) {
    chosen.message = replaced.message;
    chosen.message_until = replaced.message_until;
    if (!choices.empty()) set_message(choices.back(), "", never);
  }
  // Only what outlives the new choice can ever come back.
  std::erase_if(choices, [&](const NaiveChoice& earlier) { return earlier.until <= ask.until; });
  std::erase_if(choices, [](const NaiveChoice& earlier) {
    return !earlier.status && earlier.message.empty();
  });
  if (choices.size() > Choices::max_earlier) choices.erase(choices.begin());
  if (ask.message) set_message(chosen, *ask.message, ask.until);
  choices.push_back(chosen);
}

// No choice of status any more. The message stays, or is replaced.
void choose_automatic(std::vector<NaiveChoice>& choices,
                      const std::optional<std::string>& message) {
  NaiveChoice rest = choices.empty() ? NaiveChoice{} : choices.back();
  rest.status.reset();
  rest.until = never;
  if (message) set_message(rest, *message, never);
  choices.clear();
  if (!rest.message.empty()) choices.push_back(rest);
}

void choose_message(std::vector<NaiveChoice>& choices, const Ask& ask) {
  if (choices.empty()) choices.push_back({});
  NaiveChoice& top = choices.back();
  if (ask.message)
    set_message(top, *ask.message, ask.until);
  else if (!top.message.empty())
    top.message_until = ask.until;
  if (!top.status && top.message.empty()) choices.pop_back();
}

}  // namespace

// ---- facts -----------------------------------------------------------------

// "The automatic status is the strongest of the live sessions, busy over online over away; no
// session, no presence. A manual status replaces it while a session lives."
Visible NaiveFacts::visible(const Policy& policy, Time at) const {
  Visible now;
  for (const NaiveSession& session : sessions)
    now.status = std::max(now.status, status_of(session, policy, at));
  std::vector<NaiveChoice> unexpired = choices;
  expire(unexpired, at);
  if (unexpired.empty()) return now;
  now.message = unexpired.back().message;
  if (now.status != Status::offline && unexpired.back().status)
    now.status = *unexpired.back().status;
  return now;
}

void NaiveFacts::prune(const Policy& policy, Time at) {
  std::erase_if(sessions, [&](const NaiveSession& session) {
    return status_of(session, policy, at) == Status::offline;
  });
  expire(choices, at);
}

bool NaiveFacts::is_connected(const Policy& policy, Time at) const {
  return std::any_of(sessions.begin(), sessions.end(), [&](const NaiveSession& session) {
    return status_of(session, policy, at) != Status::offline;
  });
}

// "counts for the user's newest live session, and for an implicit session only when there is
// none". `at` may lie before now: then it is known since now only.
void NaiveFacts::record_activity(const Policy& policy, Time at, Time now) {
  last_seen = std::max(last_seen, at);
  NaiveSession* newest = nullptr;
  for (NaiveSession& session : sessions) {
    if (status_of(session, policy, now) == Status::offline) continue;
    if (!newest || session.active_at > newest->active_at) newest = &session;
  }
  if (!newest) {
    NaiveSession implicit;
    implicit.active_at = at;
    sessions.insert(sessions.begin(), implicit);
    return;
  }
  if (at < newest->active_at) return;
  newest->active_at = at;
  newest->ends_at.reset();
  if (newest->said == Status::away) newest->said = Status::online;
}

void NaiveFacts::apply(const Ask& ask, const Policy& policy, Time now) {
  switch (ask.kind) {
    case ChangeKind::choose:
      record_activity(policy, ask.at, now);
      choose(choices, ask);
      return;
    case ChangeKind::be_automatic:
      record_activity(policy, ask.at, now);
      choose_automatic(choices, ask.message);
      return;
    case ChangeKind::clear:
      choose_automatic(choices, std::nullopt);
      return;
    case ChangeKind::set_message:
      choose_message(choices, ask);
      return;
    case ChangeKind::leave:
      last_seen = std::max(last_seen, ask.at);
      sessions.clear();
      choose_automatic(choices, ask.message);
      return;
    case ChangeKind::forget:
      *this = NaiveFacts{};
      return;
  }
}

std::vector<Time> NaiveFacts::moments(const Policy& policy) const {
  std::vector<Time> moments;
  for (const NaiveSession& session : sessions) {
    moments.push_back(plus(session.active_at, policy.idle_timeout));
    moments.push_back(end_of(session, policy));
  }
  for (const NaiveChoice& choice : choices) {
    moments.push_back(choice.until);
    moments.push_back(choice.message_until);
  }
  std::sort(moments.begin(), moments.end());
  return moments;
}

// ---- users -----------------------------------------------------------------

// "nobody online, claimed or with a pending change is ever evicted"
bool NaiveUser::is_evictable() const {
  return visible.status == Status::offline && persist == Persist::current && !to_announce &&
         claims == 0;
}

bool NaiveUser::is_blank() const {
  return is_evictable() && facts.last_seen == forever_ago && facts.choices.empty() &&
         page.empty() && activity_count == 0;
}

NaiveUser& NaiveModel::add(const Key& key) { return users[key] = NaiveUser{}; }

// "the roster is loaded from the tables, sessions get one session_timeout to come back", and
// whoever was away without having chosen it is away until the next activity.
NaiveUser& NaiveModel::load(const Key& key, const NaiveRow& row, Time session_ends_at, Time now) {
  NaiveUser& user = add(key);
  user.facts.last_seen = row.last_seen;
  user.facts.choices = row.choices;
  user.page = row.page;
  user.activity_count = row.activity_count;
  const bool is_chosen = !row.choices.empty() && row.choices.back().status;
  if (row.status != Status::offline) {
    NaiveSession session;
    session.said = row.status == Status::away && !is_chosen ? Status::away : Status::online;
    session.active_at = row.last_seen;
    if (session_ends_at != never) session.ends_at = session_ends_at;
    user.facts.sessions.push_back(session);
  }
  user.visible.status = user.announced = row.status;
  if (!row.choices.empty()) user.visible.message = row.choices.back().message;

  Reason reason = Reason::idle_timeout;
  if (!user.facts.is_connected(policy, now))
    reason = Reason::timeout;
  else if (is_chosen && row.choices.back().until <= now)
    reason = Reason::expired;
  else if (!row.choices.empty() && !row.choices.back().message.empty() &&
           row.choices.back().message_until <= now)
    reason = Reason::expired;
  user.facts.prune(policy, now);
  look(user, now, reason, {});
  // Listeners of this run know nothing else, but those of the last may, after a restart.
  user.message_changed = false;
  if (session_ends_at == never) user.announced = user.visible.status;
  return user;
}

void NaiveModel::look(NaiveUser& user, Time at, Reason reason, const std::string& reason_text) {
  const Visible now = user.facts.visible(policy, at);
  user.looked_at = at;
  if (now == user.visible) return;
  user.message_changed |= now.message != user.visible.message;
  user.visible = now;
  user.changed_at = at;
  user.reason = reason;
  user.reason_text = reason_text;
  user.to_announce = true;
  user.row_is_current = false;
  user.moved_on = user.claims > 0;
}

// "Event reason idle_timeout", "reason expired", "last session gone: offline, reason timeout".
// A status that is offline has no deadline.
void NaiveModel::settle(NaiveUser& user, Time now) {
  for (const Time moment : user.facts.moments(policy)) {
    if (user.visible.status == Status::offline) return;
    if (moment <= user.looked_at || moment > now) continue;
    const NaiveChoice top = user.facts.choices.empty() ? NaiveChoice{} : user.facts.choices.back();
    Reason reason = Reason::idle_timeout;
    if (!user.facts.is_connected(policy, moment))
      reason = Reason::timeout;
    else if (is_over(top, moment) || (!top.message.empty() && top.message_until <= moment))
      reason = Reason::expired;
    user.facts.prune(policy, moment);
    look(user, moment, reason, {});
  }
}

// What the new settings end has ended at its own moment. What they take back is so from now on:
// the person is still active by the new measure.
void NaiveModel::change_policy(const Policy& to, Time now) {
  for (auto& [key, user] : users) settle(user, now);
  policy = to;
  for (auto& [key, user] : users) {
    for (const Time moment : user.facts.moments(policy)) {
      if (user.visible.status == Status::offline || moment > now) break;
      if (moment <= user.facts.last_seen) continue;
      if (user.facts.visible(policy, moment).status >= user.visible.status) continue;
      const bool is_connected = user.facts.is_connected(policy, moment);
      user.facts.prune(policy, moment);
      look(user, moment, is_connected ? Reason::idle_timeout : Reason::timeout, {});
    }
    if (user.visible.status == Status::offline) continue;
    const bool is_connected = user.facts.is_connected(policy, now);
    user.facts.prune(policy, now);
    look(user, now, is_connected ? Reason::activity : Reason::timeout, {});
  }
}

// ---- changes ---------------------------------------------------------------

namespace {

// Never moves last_seen back, and nobody is seen in the future.
std::optional<Time> moment_of_touch(const NaiveUser& user, std::optional<Time> seen_at, Time now) {
  if (!seen_at) return std::max(now, user.facts.last_seen);
  const Time at = std::min(*seen_at, now);
  return at > user.facts.last_seen ? std::optional<Time>(at) : std::nullopt;
}

}  // namespace

bool NaiveModel::touch_needs_session(const NaiveUser& user, std::optional<Time> seen_at,
                                     Time now) const {
  return moment_of_touch(user, seen_at, now) && !user.facts.is_connected(policy, now);
}

void NaiveModel::touch(NaiveUser& user, std::optional<Time> seen_at,
                       const std::optional<std::string>& page, uint32_t interactions, Time now) {
  settle(user, now);
  if (page) user.page = *page;
  if (const auto at = moment_of_touch(user, seen_at, now)) {
    user.facts.prune(policy, now);
    user.facts.record_activity(policy, *at, now);
    user.facts.prune(policy, now);
    look(user, now, Reason::activity, {});
    user.moved_on |= user.claims > 0;
  }
  user.activity_count++;
  uint32_t& this_minute = user.interactions[now / minute];
  this_minute = std::min<uint32_t>(this_minute + interactions, 0xffff);
  if (user.persist == Persist::current) user.persist = Persist::dirty;
  if (user.persist == Persist::writing) user.written_again = true;
}

void NaiveModel::connect(NaiveUser& user, const NaiveSession& session, Time now) {
  settle(user, now);
  user.facts.prune(policy, now);
  user.facts.sessions.insert(user.facts.sessions.begin(), session);
  user.looked_at = now;
}

// What was asked for, or what time has made of it since.
Reason NaiveModel::reason_of(const Ask& ask, const NaiveFacts& then, const NaiveFacts& facts,
                             Time now) const {
  if (facts.visible(policy, now).status == then.visible(policy, ask.at).status) return ask.reason;
  if (!facts.is_connected(policy, now)) return Reason::timeout;
  const NaiveChoice top = then.choices.empty() ? NaiveChoice{} : then.choices.back();
  const bool is_expired = is_over(top, now) || (!top.message.empty() && top.message_until <= now);
  return is_expired ? Reason::expired : Reason::idle_timeout;
}

// The row was written when it was asked for. It says what memory says unless the user has moved
// since, or the wish comes to something else by now.
void NaiveModel::grant(NaiveUser& user, const Ask& ask, Time now) {
  settle(user, now);
  NaiveFacts then = user.facts;
  then.prune(policy, ask.at);
  then.apply(ask, policy, ask.at);
  user.facts.prune(policy, now);
  user.facts.apply(ask, policy, now);
  user.facts.prune(policy, now);
  const bool is_as_written =
      !user.moved_on && then.visible(policy, ask.at) == user.facts.visible(policy, now);
  const bool moved_on = user.moved_on;
  const Reason reason = reason_of(ask, then, user.facts, now);
  look(user, now, reason, ask.reason_text);
  // A wish that time has undone is a step of the row that nobody else saw.
  if (then.visible(policy, ask.at).status != user.visible.status && !user.to_announce) {
    user.reason = reason;
    user.changed_at = now;
  }
  user.row_is_current = true;
  if (ask.kind == ChangeKind::forget) {
    user.page.clear();
    user.activity_count = 0;
    user.interactions.clear();
    user.persist = Persist::current;
  } else if (!is_as_written) {
    user.row_is_current = false;
    user.persist = Persist::waiting;
  } else if (user.persist == Persist::waiting || user.persist == Persist::held) {
    user.persist = Persist::dirty;
  }
  user.moved_on = moved_on || !user.row_is_current;
}

void NaiveModel::drop_claim(const Key& key) {
  NaiveUser& user = users.at(key);
  if (--user.claims > 0) return;
  user.moved_on = false;
  if (user.is_blank())
    users.erase(key);
  else if (user.persist == Persist::held)
    user.persist = Persist::waiting;
}

// ---- reads -----------------------------------------------------------------

// A transaction's changes one after the other, each at its own time.
NaiveFacts NaiveModel::with(const NaiveUser& user, const std::vector<Ask>& asks, Time now) const {
  NaiveFacts facts = user.facts;
  facts.prune(policy, now);
  for (const Ask& ask : asks) {
    expire(facts.choices, ask.at);
    facts.apply(ask, policy, now);
  }
  facts.prune(policy, now);
  return facts;
}

NaiveView NaiveModel::view(const NaiveUser& user, const std::vector<Ask>& asks, Time now) const {
  const NaiveFacts facts = with(user, asks, now);
  NaiveView view{facts.visible(policy, now),
                 {},
                 facts.last_seen,
                 0,
                 static_cast<uint32_t>(facts.sessions.size()),
                 0};
  for (const Ask& ask : asks)
    if (ask.kind == ChangeKind::forget) return view;
  view.page = user.page;
  view.activity_count = user.activity_count;

  // A sliding minute of two buckets: this one, and of the one before what is left of it.
  const auto in_minute = [&](int64_t number) {
    const auto found = user.interactions.find(number);
    return found == user.interactions.end() ? 0u : found->second;
  };
  const auto rest = static_cast<uint64_t>(minute - now % minute);
  view.interactions_per_minute =
      in_minute(now / minute) +
      static_cast<uint32_t>(in_minute(now / minute - 1) * rest / static_cast<uint64_t>(minute));
  return view;
}

std::vector<NaiveChoice> NaiveModel::choices(const NaiveUser& user, const std::vector<Ask>& asks,
                                             Time now) const {
  return with(user, asks, now).choices;
}

// ---- the worker ------------------------------------------------------------

// "Two changes of one user that cancel within a tick are no event". A message that came back
// counts as changed: nobody remembers what was told.
bool NaiveModel::is_to_be_told(const NaiveUser& user) {
  return user.to_announce && (user.visible.status != user.announced || user.message_changed);
}

void NaiveModel::take_announcement(const Key& key) {
  NaiveUser& user = users.at(key);
  user.to_announce = false;
  user.message_changed = false;
  user.announced = user.visible.status;
  user.reason_text.clear();
  if (!user.row_is_current && user.persist != Persist::held) user.persist = Persist::waiting;
  if (user.is_blank()) users.erase(key);
}

void NaiveModel::mark_all(Persist from, Persist to, uint16_t realm) {
  for (auto& [key, user] : users)
    if (key.first == realm && user.persist == from) user.persist = to;
}

void NaiveModel::end_writing(NaiveUser& user) {
  user.persist = user.written_again ? Persist::dirty : Persist::current;
}

void NaiveModel::blank(NaiveUser& user) {
  const uint32_t claims = user.claims;
  user = NaiveUser{};
  user.claims = claims;
}

}  // namespace presence::test
