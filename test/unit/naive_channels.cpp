// naive_channels.cpp: who is in which channel, with no regard for what it costs.
//
// A user has its places; a channel is all the places of its name.
#include <algorithm>

#include "naive_model.h"

namespace presence::test {

// ---- one place -------------------------------------------------------------

// "Typing ends by itself after `typing_timeout`"
bool NaivePlace::types(const Policy& policy, Time at) const {
  return typing_since && typing_at + policy.typing_timeout > at;
}

void NaivePlace::stop_typing() {
  typing_since.reset();
  name.clear();
}

// "on leaving": nothing of what it had there is left.
void NaivePlace::leave() { *this = NaivePlace{}; }

// ---- sessions come and go --------------------------------------------------

// "A user joins when its first session joins and leaves when its last one does." "Typing ends on
// offline."
void NaiveModel::leave_with_sessions(NaiveUser& user) {
  for (auto& [channel, place] : user.places) {
    std::erase_if(place.seats, [&](const std::string& seat) {
      return std::none_of(user.facts.sessions.begin(), user.facts.sessions.end(),
                          [&](const NaiveSession& session) { return session.id == seat; });
    });
    if (place.joined && place.seats.empty()) place.leave();
    if (user.facts.sessions.empty()) place.stop_typing();
  }
}

// "the first connect takes the implicit one over"
void NaiveModel::take_over(NaiveUser& user, const std::string& heir) {
  for (auto& [channel, place] : user.places)
    if (place.seats.erase("") > 0) place.seats.insert(heir);
}

// Where nobody sits any more who has not said goodbye, nobody types.
void NaiveModel::stop_typing_after_goodbye(NaiveUser& user) {
  for (auto& [channel, place] : user.places) {
    const NaivePlace& here = place;
    const bool stays = std::any_of(
        user.facts.sessions.begin(), user.facts.sessions.end(), [&](const NaiveSession& session) {
          return !session.parting && (!here.joined || here.seats.count(session.id) > 0);
        });
    if (!stays) place.stop_typing();
  }
}

// ---- what is done in a channel ---------------------------------------------

NaivePlace* NaiveModel::place(const Key& key, const std::string& channel) {
  const auto user = users.find(key);
  if (user == users.end()) return nullptr;
  const auto place = user->second.places.find(channel);
  return place == user->second.places.end() ? nullptr : &place->second;
}

void NaiveModel::settle_typing(Time now) {
  for (auto& [key, user] : users)
    for (auto& [channel, place] : user.places)
      if (!place.types(policy, now)) place.stop_typing();
}

void NaiveModel::arrive(const Key& key, const std::string& channel, Time at) {
  Time& last_active = users.at(key).places[channel].last_active;
  last_active = std::max(last_active, at);
}

// It is an activity of the newest session that sits there, or of the newest at all.
void NaiveModel::act(NaiveUser& user, const NaivePlace* place, Time now) {
  user.moved_on |= user.claims > 0;
  const bool joined = place && place->joined;
  NaiveSession* session = joined ? user.facts.newest(policy, now, &place->seats) : nullptr;
  if (session) {
    session->record_activity(now);
    user.facts.last_seen = std::max(user.facts.last_seen, now);
  } else {
    user.facts.record_activity(policy, now, now);
  }
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, Reason::activity, {});
  if (user.persist == Persist::current) user.persist = Persist::dirty;
  if (user.persist == Persist::writing) user.written_again = true;
}

// "the last one wins (an older `clock` is ignored)"; "moving and state need membership"
Done NaiveModel::move(const Key& key, const std::string& channel, const Move& move, Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  NaivePlace* there = place(key, channel);
  if (!there || !there->joined) return Done::no_member;
  std::optional<int64_t>& clock = move.is_state ? there->state_clock : there->cursor_clock;
  if (move.clock && clock && *move.clock < *clock) return Done::older;
  if (move.clock) clock = move.clock;
  if (move.is_state) {
    there->state = move.first;
  } else {
    there->cursor = move.first;
    there->selection = move.second;
  }
  arrive(key, channel, now);
  act(user, there, now);
  return Done::done;
}

// "again typing extends it"
void NaiveModel::type(const Key& key, const std::string& channel, const std::string& name,
                      Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  act(user, place(key, channel), now);
  NaivePlace& there = user.places[channel];
  if (!there.types(policy, now)) {
    there.stop_typing();
    there.typing_since = now;
  }
  there.typing_at = now;
  if (!name.empty()) there.name = name;
  arrive(key, channel, now);
}

// ---- wishes ----------------------------------------------------------------

void NaiveModel::join(NaivePlace& place, const Ask& ask, const std::string& session) {
  if (!place.joined) {
    place.joined = true;
    place.joined_at = ask.at;
  }
  place.seats.insert(session);
  // A client that joins again counts anew.
  place.cursor_clock.reset();
  place.state_clock.reset();
  if (ask.data) place.data = *ask.data;
  if (ask.cursor) {
    place.cursor = *ask.cursor;
    place.selection = ask.selection;
  }
  if (ask.state) place.state = *ask.state;
}

void NaiveModel::leave(NaivePlace& place, const Ask& ask) {
  if (!place.joined) return;
  if (!ask.session.empty()) {
    place.seats.erase(std::string(ask.session));
    if (!place.seats.empty()) return;
  }
  place.leave();
}

// What names a session that is over, or somebody else's by now, is void.
void NaiveModel::grant_join(const Key& key, const Ask& ask, Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  if (!ask.session.empty() && !user.facts.session(ask.session)) return;
  const std::string session = user.facts.join(ask, policy, now);
  user.facts.prune(policy, now);
  leave_with_sessions(user);
  look(user, now, ask.reason, {});
  if (user.persist == Persist::current) user.persist = Persist::dirty;
  if (user.persist == Persist::writing) user.written_again = true;
  user.row_is_current = false;
  user.moved_on = user.claims > 0;
  const bool lives = std::any_of(user.facts.sessions.begin(), user.facts.sessions.end(),
                                 [&](const NaiveSession& one) { return one.id == session; });
  if (!lives) return;
  const std::string channel(ask.channel);
  NaivePlace& there = user.places[channel];
  if (!there.joined && !there.types(policy, now)) there.last_active = forever_ago;
  join(there, ask, session);
  arrive(key, channel, ask.at);
}

void NaiveModel::grant_leave(const Key& key, const Ask& ask, Time now) {
  NaiveUser& user = users.at(key);
  settle(user, now);
  if (NaivePlace* there = place(key, std::string(ask.channel))) leave(*there, ask);
}

std::map<std::string, NaivePlace> NaiveModel::places(const NaiveUser& user,
                                                     const std::vector<Ask>& asks, Time now) const {
  NaiveModel copy;
  copy.policy = policy;
  NaiveUser own = user;
  own.facts.prune(policy, now);
  copy.leave_with_sessions(own);
  for (const Ask& ask : asks) {
    if (ask.kind == ChangeKind::join) {
      join(own.places[std::string(ask.channel)], ask, own.facts.join(ask, policy, now));
    } else if (ask.kind == ChangeKind::leave_channel) {
      leave(own.places[std::string(ask.channel)], ask);
    } else {
      own.facts.apply(ask, policy, now);
      if (ask.kind == ChangeKind::connect) take_over(own, std::string(ask.session));
      copy.leave_with_sessions(own);
    }
  }
  return own.places;
}

}  // namespace presence::test
