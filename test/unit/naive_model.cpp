// naive_model.cpp: the rules once more, with no regard for what they cost.
#include "naive_model.h"

#include <algorithm>

namespace presence::test {

namespace {

Time plus(Time from, Duration by) { return from > never - by ? never : from + by; }

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

// ---- one session -----------------------------------------------------------

// "no touch for offline_timeout" without heartbeats, "neither heartbeat nor touch for
// session_timeout or the lease" with them; a grace decides alone. "Its gateway is silent for the
// gateway's lease: its sessions end, after the grace", whatever they themselves say.
Time NaiveSession::end(const Policy& policy) const {
  const Time kept_until =
      gateway ? gateway->heard_at + gateway->lease + policy.disconnect_grace : never;
  if (ends_at) return std::min(*ends_at, kept_until);
  if (gateway) return kept_until;
  if (!heard_at) return plus(active_at, policy.offline_timeout);
  return plus(std::max(active_at, *heard_at), lease > 0 ? lease : policy.session_timeout);
}

Status NaiveSession::status(const Policy& policy, Time at) const {
  if (at >= end(policy)) return Status::offline;
  const bool is_idle = at >= plus(active_at, policy.idle_timeout);
  return said == Status::online && is_idle ? Status::away : said;
}

// "session counts as online again"; what it said of itself ends, but for busy, and so does a grace.
void NaiveSession::record_activity(Time at) {
  if (at < active_at) return;
  active_at = at;
  ends_at.reset();
  parting.reset();
  if (said == Status::away) said = Status::online;
}

// "clean disconnect: the session ends after disconnect_grace"
void NaiveSession::part(const Policy& policy, Time at, Reason reason) {
  if (parting) return;
  ends_at = std::min(ends_at.value_or(never), plus(at, policy.disconnect_grace));
  parting = reason;
}

// ---- facts -----------------------------------------------------------------

// "The automatic status is the strongest of the live sessions, busy over online over away; no
// session, no presence. A manual status replaces it while a session lives."
Visible NaiveFacts::visible(const Policy& policy, Time at) const {
  Visible now;
  for (const NaiveSession& session : sessions)
    now.status = std::max(now.status, session.status(policy, at));
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
    return session.status(policy, at) == Status::offline;
  });
  expire(choices, at);
  if (std::none_of(sessions.begin(), sessions.end(),
                   [](const NaiveSession& one) { return one.parting == Reason::custom; }))
    words.clear();
}

bool NaiveFacts::is_connected(const Policy& policy, Time at) const {
  return std::any_of(sessions.begin(), sessions.end(), [&](const NaiveSession& session) {
    return session.status(policy, at) != Status::offline;
  });
}

// Whoever has said goodbye still counts for the status, but not here.
uint32_t NaiveFacts::session_count(const Policy& policy, Time at) const {
  return static_cast<uint32_t>(
      std::count_if(sessions.begin(), sessions.end(), [&](const NaiveSession& session) {
        return session.status(policy, at) != Status::offline && !session.parting;
      }));
}

NaiveSession* NaiveFacts::session(std::string_view id) {
  const auto found = std::find_if(sessions.begin(), sessions.end(), [&](const NaiveSession& one) {
    return one.id == id && !id.empty();
  });
  return found == sessions.end() ? nullptr : &*found;
}

// "counts for the user's newest live session, and for an implicit session only when there is
// none"; one that has said goodbye comes last. `at` may lie before now: then it is known since now
// only.
std::string NaiveFacts::record_activity(const Policy& policy, Time at, Time now) {
  last_seen = std::max(last_seen, at);
  NaiveSession* found = newest(policy, now);
  if (!found) {
    NaiveSession implicit;
    implicit.active_at = at;
    sessions.insert(sessions.begin(), implicit);
    return {};
  }
  found->record_activity(at);
  return found->id;
}

NaiveSession* NaiveFacts::newest(const Policy& policy, Time now,
                                 const std::set<std::string>* among) {
  NaiveSession* newest = nullptr;
  for (NaiveSession& session : sessions) {
    if (session.status(policy, now) == Status::offline) continue;
    if (among && among->count(session.id) == 0) continue;
    const bool stays = !session.parting;
    const bool newest_stays = newest && !newest->parting;
    if (!newest || (stays && !newest_stays) ||
        (stays == newest_stays && session.active_at > newest->active_at))
      newest = &session;
  }
  return newest;
}

// "the first connect takes the implicit one over"; connect and say are activity, but for away.
void NaiveFacts::apply_to_session(const Ask& ask, const Policy& policy, Time parts_at) {
  if (ask.message) choose_message(choices, ask);
  NaiveSession* there = session(ask.session);
  switch (ask.kind) {
    case ChangeKind::connect: {
      NaiveSession connected;
      if (there) connected.connected_at = there->connected_at;
      if (there) connected.active_at = there->active_at;
      if (!there) connected.connected_at = ask.at;
      connected.id = ask.session;
      connected.said = ask.status;
      connected.active_at = std::max(connected.active_at, ask.at);
      connected.lease = ask.lease;
      connected.connected = true;
      connected.binder = ask.binder;
      connected.page = ask.page.value_or("");
      connected.details = ask.details;
      connected.gateway_name = ask.gateway;
      connected.gateway = ask.model_gateway;
      std::erase_if(sessions, [](const NaiveSession& one) { return one.id.empty(); });
      if ((there = session(ask.session)))
        *there = connected;
      else
        sessions.insert(sessions.begin(), connected);
      last_seen = std::max(last_seen, ask.at);
      return;
    }
    case ChangeKind::disconnect:
      if (!there) return;
      if (!there->parting && ask.reason == Reason::custom) words = ask.reason_text;
      there->part(policy, parts_at, ask.reason);
      return;
    default:
      if (!there) return;
      if (ask.status != Status::away) {
        there->record_activity(ask.at);
        last_seen = std::max(last_seen, ask.at);
      }
      there->said = ask.status;
      return;
  }
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
    case ChangeKind::log_out:
      last_seen = std::max(last_seen, ask.at);
      sessions.clear();
      return;
    case ChangeKind::set_visibility:
      return;
    case ChangeKind::join:
    case ChangeKind::leave_channel:
      if (ask.kind == ChangeKind::join) join(ask, policy, now);
      return;
    case ChangeKind::connect:
    case ChangeKind::disconnect:
    case ChangeKind::say:
      apply_to_session(ask, policy, ask.at);
      return;
  }
}

// To join is an activity, in the session that is named or in the newest.
std::string NaiveFacts::join(const Ask& ask, const Policy& policy, Time now) {
  if (ask.session.empty()) return record_activity(policy, ask.at, now);
  last_seen = std::max(last_seen, ask.at);
  if (NaiveSession* named = session(ask.session)) named->record_activity(ask.at);
  return std::string(ask.session);
}

std::vector<Time> NaiveFacts::moments(const Policy& policy) const {
  std::vector<Time> moments;
  for (const NaiveSession& session : sessions) {
    moments.push_back(plus(session.active_at, policy.idle_timeout));
    moments.push_back(session.end(policy));
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
         claims == 0 && !has_records;
}

bool NaiveUser::is_blank() const {
  return is_evictable() && facts.last_seen == forever_ago && facts.choices.empty() &&
         page.empty() && data.empty() && activity_count == 0 && rules.empty();
}

NaiveUser& NaiveModel::add(const Key& key) { return users[key] = NaiveUser{}; }

// "the roster is loaded from the tables, sessions get one session_timeout to come back", and
// whoever was away without having chosen it is away until the next activity.
NaiveUser& NaiveModel::load(const Key& key, const NaiveRow& row, const GivenRules& rules,
                            Time session_ends_at, Time now) {
  NaiveUser& user = add(key);
  user.rules = rules;
  user.told_detail = detail_for_everybody(user);
  user.facts.last_seen = row.last_seen;
  user.facts.choices = row.choices;
  user.page = row.page;
  user.data = row.data;
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
  user.words_may_go = false;
  announce(user);
}

void NaiveModel::announce(NaiveUser& user) {
  user.to_announce = true;
  user.row_is_current = false;
  user.moved_on = user.claims > 0;
}

// "the session ends: reason timeout, disconnect or logout", or what the goodbye said. Only the last
// words of a user's goodbyes are kept, and told once: a known limit.
void NaiveModel::look_at_end(NaiveUser& user, Time at, Reason otherwise) {
  Reason reason = otherwise;
  for (const NaiveSession& session : user.facts.sessions) {
    if (session.end(policy) != at) continue;
    reason = session.parting && session.ends_at == at ? *session.parting : Reason::timeout;
  }
  std::string words;
  if (reason == Reason::custom) {
    words = user.facts.words;
    if (words.empty()) reason = Reason::disconnect;
    const Visible now = user.facts.visible(policy, at);
    if (now != user.visible) user.facts.words.clear();
  }
  user.facts.prune(policy, at);
  leave_with_sessions(user);
  look(user, at, reason, words);
}

// "Event reason idle_timeout", "reason expired", "last session gone: offline, reason timeout".
// A status that is offline has no deadline.
void NaiveModel::settle(NaiveUser& user, Time now) {
  for (const Time moment : user.facts.moments(policy)) {
    if (user.visible.status == Status::offline) return;
    if (moment <= user.looked_at || moment > now) continue;
    const NaiveChoice top = user.facts.choices.empty() ? NaiveChoice{} : user.facts.choices.back();
    const bool is_connected = user.facts.is_connected(policy, moment);
    const bool is_expired =
        is_over(top, moment) || (!top.message.empty() && top.message_until <= moment);
    if (is_connected && is_expired) {
      user.facts.prune(policy, moment);
      leave_with_sessions(user);
      look(user, moment, Reason::expired, {});
    } else {
      look_at_end(user, moment, is_connected ? Reason::idle_timeout : Reason::timeout);
    }
  }
}

// What the new settings end has ended at its own moment. What they take back is so from now on:
// the person is still active by the new measure.
void NaiveModel::change_policy(const Policy& to, Time now) {
  for (auto& [key, user] : users) settle(user, now);
  settle_typing(now);
  policy = to;
  for (auto& [key, user] : users) {
    for (const Time moment : user.facts.moments(policy)) {
      if (user.visible.status == Status::offline || moment > now) break;
      if (moment <= user.facts.last_seen) continue;
      if (user.facts.visible(policy, moment).status >= user.visible.status) continue;
      const bool is_connected = user.facts.is_connected(policy, moment);
      look_at_end(user, moment, is_connected ? Reason::idle_timeout : Reason::timeout);
    }
    if (user.visible.status == Status::offline) continue;
    const bool is_connected = user.facts.is_connected(policy, now);
    user.facts.prune(policy, now);
    leave_with_sessions(user);
    look(user, now, is_connected ? Reason::activity : Reason::timeout, {});
  }
  for (auto& [key, user] : users) note_detail(user);
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

void NaiveModel::touch(const Key& key, std::optional<Time> seen_at,
                       const std::optional<std::string>& page, uint32_t interactions, Time now,
                       std::string_view session) {
  NaiveUser& user = users.at(key);
  std::optional<std::string> active;  // the session that it counts for
  settle(user, now);
  if (page) user.page = *page;
  if (!session.empty()) {
    const Time at = seen_at ? std::min(*seen_at, now) : std::max(now, user.facts.last_seen);
    NaiveSession* there = user.facts.session(session);
    if (there) {
      there->record_activity(at);
    } else {
      NaiveSession made;
      made.id = session;
      made.active_at = made.connected_at = at;
      std::erase_if(user.facts.sessions, [](const NaiveSession& one) { return one.id.empty(); });
      there = &*user.facts.sessions.insert(user.facts.sessions.begin(), made);
      take_over(user, there->id);
    }
    if (page) there->page = *page;
    user.facts.last_seen = std::max(user.facts.last_seen, at);
    active = there->id;
    user.facts.prune(policy, now);
    leave_with_sessions(user);
    look(user, now, Reason::activity, {});
    user.moved_on |= user.claims > 0;
  } else if (const auto at = moment_of_touch(user, seen_at, now)) {
    user.facts.prune(policy, now);
    leave_with_sessions(user);
    active = user.facts.record_activity(policy, *at, now);
    user.facts.prune(policy, now);
    leave_with_sessions(user);
    look(user, now, Reason::activity, {});
    user.moved_on |= user.claims > 0;
  }
  // What is known later says nothing about the channels.
  if (!seen_at && active)
    for (auto& [channel, place] : user.places)
      if (place.joined && place.seats.count(*active) > 0) arrive(key, channel, now);
  user.activity_count++;
  uint32_t& this_minute = user.interactions[now / minute];
  this_minute = std::min<uint32_t>(this_minute + interactions, 0xffff);
  if (user.persist == Persist::current) user.persist = Persist::dirty;
  if (user.persist == Persist::writing) user.written_again = true;
}

// ---- sessions --------------------------------------------------------------

const NaiveModel::Key* NaiveModel::owner(uint16_t realm, std::string_view session) const {
  for (const auto& [key, user] : users) {
    if (key.first != realm) continue;
    for (const NaiveSession& one : user.facts.sessions)
      if (one.id == session) return &key;
  }
  return nullptr;
}

// What is somebody else's by now, or gone, is void: whatever the transaction wrote is mended. The
// worker writes the row, also where the transaction has.
void NaiveModel::grant_in_session(const Key& key, const Ask& ask, Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  const Key* found = owner(key.first, ask.session);
  if (found ? *found != key : ask.kind != ChangeKind::connect) {
    if (ask.kind == ChangeKind::disconnect) return;
    user.persist = Persist::waiting;
    user.row_is_current = false;
    user.moved_on = user.claims > 0;
    return;
  }
  user.facts.apply_to_session(ask, policy, now);
  if (ask.kind == ChangeKind::connect) take_over(user, std::string(ask.session));
  if (ask.kind == ChangeKind::disconnect) stop_typing_after_goodbye(user);
  if (ask.page) user.page = *ask.page;
  if (ask.data && *ask.data != user.data) {
    user.data = *ask.data;
    user.data_changed = true;
    announce(user);
  }
  const bool parts = ask.kind == ChangeKind::disconnect && ask.reason == Reason::custom;
  const std::string text = parts ? user.facts.words : ask.reason_text;
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, ask.reason, text);
  if (ask.kind == ChangeKind::say && !user.to_announce)
    user.persist = Persist::waiting;
  else if (user.persist == Persist::current)
    user.persist = Persist::dirty;
  else if (user.persist == Persist::writing)
    user.written_again = true;
  user.row_is_current = false;
  user.moved_on = user.claims > 0;
}

// "keeps the session, does not move last_seen"; one that has said goodbye must connect again.
bool NaiveModel::heartbeat(NaiveUser& user, std::string_view session, Time now) {
  settle(user, now);
  NaiveSession* there = user.facts.session(session);
  if (!there || there->parting) return false;
  there->heard_at = std::max(there->heard_at.value_or(forever_ago), now);
  there->ends_at.reset();
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, Reason::activity, {});
  return true;
}

// "the bound backend exits" is a clean disconnect.
bool NaiveModel::unbind(NaiveUser& user, std::string_view session, uint32_t binder, Time now) {
  NaiveSession* there = user.facts.session(session);
  if (!there || there->binder != binder) return false;
  settle(user, now);
  there = user.facts.session(session);
  if (!there || there->parting) return false;
  there->binder = 0;
  there->part(policy, now, Reason::disconnect);
  stop_typing_after_goodbye(user);
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, Reason::disconnect, {});
  return true;
}

// In the place of the one that was made up of the user's own row, unless somebody has connected by
// now. The person was last active when the later of both says so; a touch has kept it.
bool NaiveModel::load_session(const Key& key, std::string_view id, const NaiveSessionRow& row,
                              Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  if (user.facts.sessions.empty() || owner(key.first, id)) return false;
  const NaiveSession first = user.facts.sessions.front();
  if (first.connected) return false;
  NaiveSession session;
  session.id = id;
  session.active_at = first.id.empty() ? std::max(row.active_at, first.active_at) : row.active_at;
  const bool is_idle = now >= plus(session.active_at, policy.idle_timeout);
  const bool is_chosen = !user.facts.choices.empty() && user.facts.choices.back().status;
  const bool is_others = first.said > row.status && first.said <= row.strongest;
  const Status said = first.id.empty() && !is_chosen && !is_others ? first.said : row.status;
  if (said == Status::busy || (said == Status::away && !is_idle)) session.said = said;
  if (row.heard_at != forever_ago) session.heard_at = row.heard_at;
  if (row.ends_at != never && !(first.id.empty() && !first.ends_at)) session.ends_at = row.ends_at;
  session.lease = row.lease;
  session.connected_at = row.connected_at;
  session.page = row.page;
  session.details = row.details;
  session.gateway_name = row.gateway;
  if (!row.gateway.empty()) session.gateway = &gateways.at({key.first, row.gateway});
  std::erase_if(user.facts.sessions, [](const NaiveSession& one) { return one.id.empty(); });
  user.facts.sessions.push_back(session);  // rows come newest first
  take_over(user, session.id);
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, Reason::activity, {});
  return true;
}

// ---- wishes about the user -------------------------------------------------

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
  leave_with_sessions(user);
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
    user.data_changed = user.to_announce && (user.data_changed || !user.data.empty());
    user.data.clear();
    user.activity_count = 0;
    user.interactions.clear();
    user.rules = {};
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
  NaiveView view{
      facts.visible(policy, now),       user.page, user.data, facts.last_seen, user.activity_count,
      facts.session_count(policy, now), 0};
  bool is_forgotten = false;
  for (const Ask& ask : asks) {
    if (ask.page) view.page = *ask.page;
    if (ask.data) view.data = *ask.data;
    if (ask.kind != ChangeKind::forget) continue;
    is_forgotten = true;
    view.page.clear();
    view.data.clear();
    view.activity_count = 0;
  }
  if (is_forgotten) return view;

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
bool NaiveModel::is_to_be_told(const NaiveUser& user) const {
  return user.to_announce &&
         (user.visible.status != user.announced || user.message_changed ||
          (user.data_changed && user.visible.status != Status::offline) || everybody_hears(user));
}

void NaiveModel::take_announcement(const Key& key) {
  NaiveUser& user = users.at(key);
  user.to_announce = false;
  user.message_changed = user.data_changed = false;
  user.announced = user.visible.status;
  user.told_detail = detail_for_everybody(user);
  // History may still have to say why.
  user.words_may_go |= user.row_is_current;
  if (!user.row_is_current && user.persist != Persist::held) user.persist = Persist::waiting;
  if (user.is_blank()) users.erase(key);
}

void NaiveModel::mark_all(Persist from, Persist to, uint16_t realm) {
  for (auto& [key, user] : users)
    if (key.first == realm && user.persist == from) user.persist = to;
}

void NaiveModel::end_writing(NaiveUser& user) {
  user.words_may_go |= !user.to_announce;
  user.persist = user.written_again ? Persist::dirty : Persist::current;
}

void NaiveModel::blank(NaiveUser& user) {
  const uint32_t claims = user.claims;
  user = NaiveUser{};
  user.claims = claims;
}

}  // namespace presence::test
