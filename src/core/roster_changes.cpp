// roster_changes.cpp: activity, time and committed wishes change a user.
//
// Every change goes the same way: load the facts, apply a rule, refresh. Refreshing
// stores the facts, looks at what is visible now, notes the change for the worker, and
// puts the user where it belongs.
#include <algorithm>
#include <new>
#include <utility>

#include "deadlines.h"
#include "prefetch.h"
#include "recency.h"
#include "roster_parts.h"

namespace presence {

// ---- facts out of and into the cells ---------------------------------------

SessionFacts Roster::facts_of(const User& user, const Session& session,
                              const Policy& policy) const {
  SessionFacts facts = session.facts;
  if (user.lives_on_touches) facts.active_at = user.last_seen;
  if (session.gateway == no_cell) return facts;
  // A gateway that is heard of is a heartbeat of all its sessions; its silence is a disconnect.
  const Gateway& gateway = pool_.at<Gateway>(session.gateway);
  facts.heard_at = gateway.heard_at.load(std::memory_order_relaxed);
  facts.kept_until =
      facts.heard_at + gateway.lease.load(std::memory_order_relaxed) + policy.disconnect_grace;
  return facts;
}

Roster::Loaded Roster::load_facts(Cell cell, const Policy& policy, Time at) const {
  const User& of = user(cell);
  Loaded loaded;
  loaded.facts.last_seen = of.last_seen;
  if (of.extras != no_cell) loaded.facts.choices = pool_.at<Extras>(of.extras).choices;
  expire(loaded.facts.choices, at, loaded.dropped);

  for (Cell at_cell = of.sessions; at_cell != no_cell;) {
    const Session& session = pool_.at<Session>(at_cell);
    const SessionFacts facts = facts_of(of, session, policy);
    if (status_of(facts, policy, at) != Status::offline) {
      loaded.present += !facts.disconnected;
      if (!loaded.facts.connected) {
        loaded.facts.connected = true;
        loaded.facts.newest = facts;
        loaded.newest = at_cell;
      } else if (is_newer(facts, loaded.facts.newest)) {
        loaded.facts.others.add(loaded.facts.newest, policy, at);
        loaded.facts.newest = facts;
        loaded.newest = at_cell;
      } else {
        loaded.facts.others.add(facts, policy, at);
      }
    }
    at_cell = session.next;
  }
  return loaded;
}

// Who leaves channels with a session, or with all of them, does so for the same reason.
void Roster::store(Cell cell, Loaded& loaded, const Policy& policy, Time at, Reason reason,
                   Spares& spares) {
  User& to = user(cell);
  const UserFacts& facts = loaded.facts;
  to.last_seen = facts.last_seen;
  to.lives_on_touches = false;  // until it is placed again

  if (facts.all_ended) {
    leave_all_channels(to, reason, at);
    free_sessions(to);
    loaded.newest = no_cell;
  }
  const bool lives = facts.connected && status_of(facts.newest, policy, at) != Status::offline;
  if (loaded.newest != no_cell) {
    Session& newest = pool_.at<Session>(loaded.newest);
    if (newest.facts.active_at != facts.newest.active_at) mark_row_dirty(loaded.newest);
    newest.facts = facts.newest;
  }
  for (Cell* link = &to.sessions; *link != no_cell;) {
    Session& session = pool_.at<Session>(*link);
    if (status_of(facts_of(to, session, policy), policy, at) != Status::offline) {
      link = &session.next;
      continue;
    }
    const Cell ended = *link;
    leave_with_session(ended, session.facts.disconnected ? session.facts.parting : Reason::timeout,
                       at);
    *link = session.next;
    end_session(ended);
  }
  if (to.sessions == no_cell && !lives) end_typing_everywhere(to, reason, at);
  if (lives && loaded.newest == no_cell) {
    Session& session = *new (&pool_.at<Session>(spares.session)) Session{};
    session.facts = facts.newest;
    set_owner(cell, spares.session);
    link_session(cell, spares.session);
    spares.session = no_cell;
  }

  if (to.extras == no_cell && !(facts.choices.empty() && spares.reason_text == no_cell)) {
    to.extras = spares.extras;
    spares.extras = no_cell;
    new (&pool_.at<Extras>(to.extras)) Extras{};
  }
  if (to.extras != no_cell) {
    pool_.at<Extras>(to.extras).choices = facts.choices;
  }
}

// ---- what follows from a change --------------------------------------------

void Roster::announce(Cell cell, RealmPartition& share) {
  User& changed = user(cell);
  changed.row_is_current = false;
  changed.moved_on = changed.claims > 0;
  link_announcement(cell, share);
}

void Roster::link_announcement(Cell cell, RealmPartition& share) {
  User& changed = user(cell);
  if (changed.to_announce) return;
  changed.to_announce = true;
  changed.announce_next = share.to_announce;
  share.to_announce = cell;
}

void Roster::note_change(Cell cell, RealmPartition& share, Status status, Time at, Reason reason) {
  User& changed = user(cell);
  changed.status = status;
  changed.changed_at = at;
  changed.reason = reason;
  announce(cell, share);
  announce_members(changed);
}

void Roster::note_data(Cell cell, RealmPartition& share) {
  User& changed = user(cell);
  changed.data_changed = true;
  announce(cell, share);
  for (Cell at = members_of(changed); at != no_cell; at = pool_.at<Member>(at).next)
    pool_.at<Member>(at).data_changed |= pool_.at<Member>(at).data == no_cell;
  announce_members(changed);
}

namespace {

Time after(Time from, Duration by) { return from > never - by ? never : from + by; }

// When a regular user of this list is due.
Time regular_due(Status status, Time last_seen, const Policy& policy) {
  return after(last_seen, status == Status::online ? policy.idle_timeout : policy.offline_timeout);
}

}  // namespace

void Roster::place(Cell cell, RealmPartition& share, const Look& look, const Policy& policy) {
  User& placed = user(cell);
  write_back(placed);
  const bool chosen = placed.extras != no_cell &&
                      pool_.at<Extras>(placed.extras).choices.top.status != Status::offline;
  // A session that ends unseen, below a stronger one, is let go of in time, too.
  const Time due = std::min(look.until, look.first_end);
  // A session of its own will be heard of, or say goodbye: who has one is irregular from the start,
  // so that nobody has to be put into the midst of a list then.
  const bool irregular =
      due != regular_due(look.status, placed.last_seen, policy) ||
      (placed.sessions != no_cell && pool_.at<Session>(placed.sessions).id_bytes > 0);
  const UserKind kind = kind_of(placed, share.default_audience);
  const uint8_t list = list_of(look.status, chosen, irregular, kind);
  schedule(cell, share, list, due);

  const bool in_place =
      placed.list == list &&
      (list == offline_list ||
       ((placed.newer == no_cell || user(placed.newer).last_seen >= placed.last_seen) &&
        (placed.older == no_cell || user(placed.older).last_seen <= placed.last_seen)));
  if (!in_place) {
    unlink_user(pool_, share, cell);
    link_user(pool_, share, cell, list);
  }
  placed.lives_on_touches = among_open(list) == list_of(Status::online, false, false) &&
                            placed.extras == no_cell && is_touched_alone(placed);
}

// Who is due later than the heap says stays there: that is found out when the moment comes.
void Roster::schedule(Cell cell, RealmPartition& share, uint8_t list, Time due) {
  User& scheduled = user(cell);
  const bool belongs = list != offline_list && !is_regular(list) && due != never;
  if (scheduled.in_heap && belongs && due >= scheduled.due) return;
  if (scheduled.in_heap) remove_deadline(pool_, share.heap, cell);
  scheduled.due = due;
  if (belongs) add_deadline(pool_, share.heap, cell);
}

bool Roster::is_touched_alone(const User& user) const {
  if (user.sessions == no_cell) return false;
  const Session& session = pool_.at<Session>(user.sessions);
  const SessionFacts& facts = session.facts;
  return session.next == no_cell && session.id_bytes == 0 && facts.said == Status::online &&
         facts.heard_at == forever_ago && facts.ends_at == never &&
         facts.active_at == user.last_seen;
}

bool Roster::same_text(Cell a, Cell b) const {
  if (a == b) return true;
  char text[std::max(max_message_bytes, max_data_bytes)];
  if (text_bytes(pool_, a) != text_bytes(pool_, b)) return false;
  const uint32_t bytes = get_text(pool_, a, text);
  return text_equals(pool_, b, {text, bytes});
}

// One of its sessions has said goodbye in its own words.
bool Roster::parts_with_text(const User& user) const {
  for (Cell at = user.sessions; at != no_cell; at = pool_.at<Session>(at).next) {
    const SessionFacts& facts = pool_.at<Session>(at).facts;
    if (facts.disconnected && facts.parting == Reason::custom) return true;
  }
  return false;
}

bool Roster::has_gateway(const User& user) const {
  for (Cell at = user.sessions; at != no_cell; at = pool_.at<Session>(at).next)
    if (pool_.at<Session>(at).gateway != no_cell) return true;
  return false;
}

// A gateway may call at any moment, also between loading and storing. What is stored and what is
// looked at must come to the same.
void Roster::read_again(Cell cell, Loaded& loaded, const Policy& policy, Time at, Reason reason,
                        Spares& spares) {
  for (;;) {
    Loaded again = load_facts(cell, policy, at);
    const bool agree = again.facts.connected == (user(cell).sessions != no_cell);
    loaded.facts = again.facts;
    loaded.newest = again.newest;
    if (agree) return;
    store(cell, loaded, policy, at, reason, spares);
  }
}

void Roster::refresh(Cell cell, RealmPartition& share, Loaded& loaded, const Policy& policy,
                     Time at, Reason reason, Spares& spares) {
  User& changed = user(cell);
  const Cell message_before =
      changed.extras == no_cell ? no_cell : pool_.at<Extras>(changed.extras).choices.top.message;
  store(cell, loaded, policy, at, reason, spares);
  if (has_gateway(changed)) read_again(cell, loaded, policy, at, reason, spares);
  const Look now = look(loaded.facts, policy, at);

  const bool message_changed = !same_text(now.message, message_before);
  for (uint8_t i = 0; i < loaded.dropped.count; i++) free_text(pool_, loaded.dropped.handles[i]);

  if (now.status != changed.status || message_changed) {
    note_change(cell, share, now.status, at, reason);
    changed.message_changed |= message_changed;
    for (Cell each = members_of(changed); message_changed && each != no_cell;
         each = pool_.at<Member>(each).next)
      pool_.at<Member>(each).message_changed = true;
    if (changed.extras != no_cell) {
      Extras& extras = pool_.at<Extras>(changed.extras);
      // The words of a goodbye are told when its session ends.
      if (reason == Reason::custom && spares.reason_text == no_cell)
        std::swap(spares.reason_text, extras.parting_text);
      set_text(extras.reason_text, spares.reason_text);
      spares.reason_text = no_cell;
    }
  }
  if (changed.extras != no_cell) {
    Extras& extras = pool_.at<Extras>(changed.extras);
    if (!parts_with_text(changed)) set_text(extras.parting_text, no_cell);
    free_bare_extras(changed);
  }
  place(cell, share, now, policy);
}

// ---- activity --------------------------------------------------------------

// Two buckets make a sliding minute: this one, and what is left of the one before.
void Roster::count_activity(User& user, uint32_t interactions, Time now) {
  if (user.activity_count < INT32_MAX) user.activity_count++;
  const uint32_t this_minute = minute_of(now);
  if (this_minute != user.minute) {
    const bool follows = (user.minute + 1) % minute_count == this_minute;
    user.last_minute = follows ? user.this_minute : 0;
    user.this_minute = 0;
    user.minute = this_minute % minute_count;
  }
  user.this_minute =
      static_cast<uint16_t>(std::min<uint64_t>(user.this_minute + uint64_t{interactions}, 0xffff));
}

namespace {

// The neighbours lie anywhere in memory: ask for both at once.
void fetch_ahead(const CellPool& pool, const User& user) {
  for (const Cell cell : {user.newer, user.older})
    if (cell != no_cell) prefetch_to_write(&pool.at<User>(cell).newer);
}

}  // namespace

// Most touches: somebody who lives on them and is not idle yet. Then there is nothing to work
// out: the user only moves to the head of its list.
bool Roster::touch_online(Cell cell, RealmPartition& share, const Policy& policy, Time now) {
  User& touched = user(cell);
  if (!touched.lives_on_touches || after(touched.last_seen, policy.idle_timeout) <= now ||
      policy.offline_timeout <= policy.idle_timeout)
    return false;
  move_to_head(cell, share, now);
  return true;
}

void Roster::move_to_head(Cell cell, RealmPartition& share, Time now) {
  User& moved = user(cell);
  moved.last_seen = std::max(now, moved.last_seen);
  if (moved.newer == no_cell) return;
  unlink_user(pool_, share, cell);
  link_user(pool_, share, cell, moved.list);
}

// The same of somebody who is online by sessions of its own, with nothing due: an activity only
// puts off what is due, which is found out when the moment comes. False: more than that may change.
bool Roster::touch_in_session(Cell cell, Cell session, RealmPartition& share, Time now) {
  const User& touched = user(cell);
  SessionFacts& facts = pool_.at<Session>(session).facts;
  if (among_open(touched.list) != list_of(Status::online, false, true) ||
      facts.said != Status::online || facts.disconnected || facts.ends_at != never ||
      facts.active_at > now)
    return false;
  facts.active_at = now;
  mark_row_dirty(session);
  move_to_head(cell, share, now);
  return true;
}

Touched Roster::finish_touch(Cell cell, RealmPartition& share, uint32_t interactions, Time now,
                             bool news) {
  User& touched = user(cell);
  count_activity(touched, interactions, now);
  const bool first_dirty = mark_dirty_first(cell, share);
  return {touched.status, false, first_dirty || news};
}

// True: it is the first row that needs a flush, which the worker must plan.
bool Roster::mark_dirty_first(Cell cell, RealmPartition& share) {
  const bool is_first = user(cell).persist == Persist::current &&
                        share.persist[static_cast<uint8_t>(Persist::dirty)] == no_cell;
  mark_dirty(cell, share);
  return is_first;
}

// The session that a touch counts for, when there is no doubt; no_cell: there is.
Cell Roster::session_touched(Cell cell, const Touch& touch) const {
  if (touch.session) {
    const SessionIndex::Found found = region_.sessions.find(*touch.session);
    return found.user == cell ? found.session : no_cell;
  }
  const Cell first = user(cell).sessions;
  return first != no_cell && pool_.at<Session>(first).next == no_cell ? first : no_cell;
}

// The session that a touch names, made when there is none; no_cell: it names none, or there is no
// room. Nothing: it is somebody else's.
std::optional<Cell> Roster::session_for_touch(Cell cell, const Touch& touch) {
  if (!touch.session) return no_cell;
  const SessionIndex::Found found = region_.sessions.find(*touch.session);
  if (found.session != no_cell)
    return found.user == cell ? std::optional(found.session) : std::nullopt;
  NewSession wanted;
  wanted.key = *touch.session;
  const Cell made = make_session(wanted);
  if (made == no_cell) return no_cell;
  set_owner(cell, made);
  if (region_.sessions.insert(*touch.session, made)) return made;
  free_session(made);
  return std::nullopt;
}

Touched Roster::touch(Cell cell, const Touch& touch, const Policy& policy, Time now) {
  User& touched = user(cell);
  fetch_ahead(pool_, touched);
  RealmPartition& share = share_of(touched);
  if (!touch.seen_at && !touch.page && !touch.session && touch_online(cell, share, policy, now)) {
    touched.moved_on |= touched.claims > 0;
    return finish_touch(cell, share, touch.interactions, now, false);
  }
  const bool was_told = !touched.to_announce;
  const Time due = due_of(touched, policy);
  settle_user(cell, share, policy, now);
  if (!touch.seen_at && !touch.page) {
    const Cell session = session_touched(cell, touch);
    if (session != no_cell && touch_in_session(cell, session, share, now)) {
      touched.moved_on |= touched.claims > 0;
      activate_seats(touched, session, now);
      return finish_touch(cell, share, touch.interactions, now, was_told && touched.to_announce);
    }
  }

  const bool new_page = touch.page && !text_equals(pool_, touched.page, *touch.page);
  const Time at = touch.seen_at ? std::min(*touch.seen_at, now) : std::max(now, touched.last_seen);
  const bool moves = !touch.seen_at || at > touched.last_seen;
  const bool needs_session =
      moves && !touch.session && !load_facts(cell, policy, now).facts.connected;

  if (touch.session && !has_room_for_session(cell) &&
      region_.sessions.find(*touch.session).session == no_cell) {
    Touched crowded{touched.status, false, was_told && touched.to_announce};
    crowded.crowded = true;
    return crowded;
  }

  // All that may fail comes first.
  Spares spares;
  std::optional<Cell> page = no_cell;
  std::optional<Cell> session_page = no_cell;
  if (new_page) page = put_text(pool_, *touch.page);
  if (touch.page && touch.session) session_page = put_text(pool_, *touch.page);
  if (needs_session) spares.session = pool_.take();
  const bool has_room = page && session_page && (!needs_session || spares.session != no_cell);
  const std::optional<Cell> named = has_room ? session_for_touch(cell, touch) : no_cell;
  const bool full = !has_room || (touch.session && named == no_cell);
  if (full || !named) {
    free_text(pool_, page.value_or(no_cell));
    free_text(pool_, session_page.value_or(no_cell));
    pool_.give(spares.session);
    return {touched.status, full, was_told && touched.to_announce, !full};
  }
  if (new_page) set_text(touched.page, *page);

  if (touch.session) {
    write_back(touched);
    touch_session(cell, *named, at);
    if (touch.page) set_text(pool_.at<Session>(*named).page, *session_page);
  }
  bool news = false;
  if (moves || touch.session) {
    Loaded loaded = load_facts(cell, policy, now);
    if (touch.session)
      loaded.facts.last_seen = std::max(loaded.facts.last_seen, at);
    else
      record_activity(loaded.facts, at);
    const Cell active = touch.session ? *named : loaded.newest;
    if (!touch.seen_at && active != no_cell) activate_seats(touched, active, at);
    refresh(cell, share, loaded, policy, now, Reason::activity, spares);
    pool_.give(spares.session);
    // A status that somebody chose may hide what the touch has changed.
    touched.moved_on |= touched.claims > 0;
    news = due_of(touched, policy) < due;
  }
  news |= was_told && touched.to_announce;
  return finish_touch(cell, share, touch.interactions, now, news);
}

// ---- committed wishes ------------------------------------------------------

void Roster::grant(Cell cell, Wish& wish, const Policy& policy, Time now) {
  User& changed = user(cell);
  RealmPartition& share = share_of(changed);
  settle_user(cell, share, policy, now);
  if (wish.change.kind == ChangeKind::set_visibility) {
    grant_visibility(cell, share, wish, policy, now);
    free_wish(wish);
    return;
  }
  if (names_session(wish.change.kind)) {
    grant_in_session(cell, share, wish, policy, now);
    free_wish(wish);
    return;
  }
  if (names_channel(wish.change.kind)) {
    if (wish.change.kind == ChangeKind::join)
      grant_join(cell, share, wish, policy, now);
    else
      grant_leave(cell, wish, now);
    free_wish(wish);
    return;
  }

  // The transaction wrote the row when the wish was made. The row says what memory says when
  // the user has not moved on since, and the wish still comes to the same.
  Loaded then = load_facts(cell, policy, wish.change.at);
  apply(then.facts, wish.change, then.dropped);
  const Look written = look(then.facts, policy, wish.change.at);
  const bool moved_on = changed.moved_on;

  Loaded loaded = load_facts(cell, policy, now);
  Spares spares{wish.spare_session, wish.spare_extras, wish.reason_text};
  apply(loaded.facts, wish.change, loaded.dropped);
  expire(loaded.facts.choices, now, loaded.dropped);
  const Look seen = look(loaded.facts, policy, now);
  const bool is_as_written = wish.change.kind == ChangeKind::forget ||
                             (!moved_on && !changed.data_changed && written.status == seen.status &&
                              then.facts.choices == loaded.facts.choices);
  // A transaction may have been open for so long that time has already undone its wish.
  const Reason reason =
      seen.status == written.status
          ? wish.reason
          : reason_of_time(seen.status != Status::offline, then.facts.choices.next_change(), now);
  refresh(cell, share, loaded, policy, now, reason, spares);
  if (seen.status != written.status && !changed.to_announce) {
    // Nobody saw it, but the row did: this is the step from there.
    changed.reason = reason;
    changed.changed_at = now;
  }
  pool_.give(spares.session);
  pool_.give(spares.extras);
  free_text(pool_, spares.reason_text);
  if (wish.change.kind == ChangeKind::forget) {
    // Whoever is back before listeners hear of this has none, and they may know of some.
    changed.data_changed = changed.to_announce && (changed.data_changed || changed.data != no_cell);
    set_text(changed.page, no_cell);
    set_text(changed.data, no_cell);
    drop_activities_of(changed, share);
    set_visibility(cell, no_cell);
    free_bare_extras(changed);
    changed.activity_count = 0;
    changed.this_minute = changed.last_minute = 0;
    if (!changed.to_announce) drop_reason_text(changed);
    mark(cell, share, Persist::current);
  } else if (!is_as_written) {
    mark(cell, share, Persist::waiting);
  } else if (changed.persist == Persist::waiting || changed.persist == Persist::held) {
    mark(cell, share, Persist::dirty);
  }
  changed.row_is_current = is_as_written;
  // The next wish of the same transaction does not mend the row either.
  changed.moved_on = moved_on || !is_as_written;
}

void Roster::free_wish(Wish& wish) {
  if (wish.change.message) free_text(pool_, *wish.change.message);
  free_text(pool_, wish.reason_text);
  free_text(pool_, wish.data);
  free_text(pool_, wish.page);
  wish.change.kind == ChangeKind::connect ? free_session(wish.spare_session)
                                          : pool_.give(wish.spare_session);
  for (const Cell spare : {wish.spare_extras, wish.spare_member, wish.spare_seats})
    pool_.give(spare);
  free_text(pool_, wish.placed);
  free_visibility(wish.visibility);
  region_.channels.free_made(wish.spare_channel);
}

// ---- time ------------------------------------------------------------------

Reason reason_of_time(bool connected, Time choice_due, Time at) {
  if (!connected) return Reason::timeout;
  return choice_due <= at ? Reason::expired : Reason::idle_timeout;
}

Time Roster::due_of(const User& user, const Policy& policy) const {
  if (user.list == offline_list) return never;
  if (!is_regular(user.list)) return user.due;
  return regular_due(user.status, user.last_seen, policy);
}

void Roster::settle_user(Cell cell, const Policy& policy, Time now) {
  settle_user(cell, share_of(user(cell)), policy, now);
}

// Each change happens at its own moment, however late this is called.
void Roster::settle_user(Cell cell, RealmPartition& share, const Policy& policy, Time now) {
  for (;;) {
    const User& due_user = user(cell);
    const Time due = due_of(due_user, policy);
    if (due > now) return;
    const Cell extras = due_user.extras;
    const Time choice_due =
        extras == no_cell ? never : pool_.at<Extras>(extras).choices.next_change();
    Loaded loaded = load_facts(cell, policy, due);
    Reason reason = reason_of_time(loaded.facts.connected, choice_due, due);
    if (reason != Reason::expired) reason = reason_of_end(cell, policy, due).value_or(reason);
    // Of several goodbyes only the last words are kept, and told once.
    const bool has_words = extras != no_cell && pool_.at<Extras>(extras).parting_text != no_cell;
    if (reason == Reason::custom && !has_words) reason = Reason::disconnect;
    // The moment has come: the next one is another.
    if (user(cell).in_heap) remove_deadline(pool_, share.heap, cell);
    Spares none;
    refresh(cell, share, loaded, policy, due, reason, none);
  }
}

// Why the session that ends at this very moment does.
std::optional<Reason> Roster::reason_of_end(Cell cell, const Policy& policy, Time at) const {
  const User& of = user(cell);
  std::optional<Reason> reason;
  for (Cell each = of.sessions; each != no_cell; each = pool_.at<Session>(each).next) {
    const SessionFacts facts = facts_of(of, pool_.at<Session>(each), policy);
    if (end_of(facts, policy) == at)
      reason = facts.disconnected && facts.ends_at == at ? facts.parting : Reason::timeout;
  }
  return reason;
}

Cell Roster::next_due_user(const RealmPartition& share, const Policy& policy, Time& due) const {
  Cell next = share.heap;
  due = next == no_cell ? never : user(next).due;
  for (uint8_t number = 1; number < list_count; number += 2) {
    const Cell oldest = share.lists[number].oldest;
    if (oldest == no_cell) continue;
    const Time at = due_of(user(oldest), policy);
    if (at < due) {
      due = at;
      next = oldest;
    }
  }
  return next;
}

bool Roster::settle(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                    uint32_t at_most) {
  RealmPartition& share = region_.share(realm, partition);
  if (!settle_typing(share, policy, now, at_most) || !settle_lane(share, policy, now, at_most))
    return false;
  for (;;) {
    Time due;
    const Cell next = next_due_user(share, policy, due);
    if (next == no_cell || due > now) return true;
    if (at_most-- == 0) return false;
    settle_user(next, share, policy, now);
  }
}

Time Roster::next_due(uint16_t realm, uint32_t partition, const Policy& policy) const {
  const RealmPartition& share = region_.share(realm, partition);
  Time due;
  next_due_user(share, policy, due);
  return std::min(due, next_member_due(share, policy));
}

// What is due by the new policy happens at its own moment. What it takes back (whoever went
// idle too early by the new measure) is so from now on.
void Roster::reschedule_user(Cell cell, RealmPartition& share, const Policy& policy, Time now) {
  const Time seen = user(cell).last_seen;
  const Loaded then = load_facts(cell, policy, seen);
  place(cell, share, look(then.facts, policy, seen), policy);
  settle_user(cell, share, policy, now);
  note_detail(cell, share, policy);
  if (user(cell).status == Status::offline) return;
  Loaded loaded = load_facts(cell, policy, now);
  const Reason reason = loaded.facts.connected ? Reason::activity : Reason::timeout;
  Spares none;
  refresh(cell, share, loaded, policy, now, reason, none);
}

void Roster::apply_policy(uint16_t realm, uint32_t partition, const Policy& policy, Time now) {
  region_.share(realm, partition).default_audience = policy.default_audience;
  reschedule(realm, partition, policy, now);
}

// Whoever goes back to its list is put in front of those who are still to come.
void Roster::reschedule(uint16_t realm, uint32_t partition, const Policy& policy, Time now) {
  RealmPartition& share = region_.share(realm, partition);
  for (uint8_t number = 1; number < list_count; number++) {
    Cell cell = share.lists[number].newest;
    for (uint32_t left = share.lists[number].count; left > 0 && cell != no_cell; left--) {
      const Cell older = user(cell).older;
      share.lists[number].hint = older;
      reschedule_user(cell, share, policy, now);
      cell = older;
    }
  }
}

}  // namespace presence
