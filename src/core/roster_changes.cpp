// roster_changes.cpp: activity, time and committed wishes change a user.
//
// Every change goes the same way: load the facts, apply a rule, refresh. Refreshing
// stores the facts, looks at what is visible now, notes the change for the worker, and
// puts the user where it belongs.
#include <algorithm>
#include <new>

#include "deadlines.h"
#include "recency.h"
#include "roster_parts.h"

namespace presence {

// ---- facts out of and into the cells ---------------------------------------

Roster::Loaded Roster::load_facts(Cell cell, const Policy& policy, Time at) const {
  const User& of = user(cell);
  Loaded loaded;
  loaded.facts.last_seen = of.last_seen;
  if (of.extras != no_cell) loaded.facts.choices = pool_.at<Extras>(of.extras).choices;
  expire(loaded.facts.choices, at, loaded.dropped);

  for (Cell at_cell = of.sessions; at_cell != no_cell;) {
    const Session& session = pool_.at<Session>(at_cell);
    if (status_of(session.facts, policy, at) != Status::offline) {
      if (!loaded.facts.connected) {
        loaded.facts.connected = true;
        loaded.facts.newest = session.facts;
        loaded.newest = at_cell;
      } else if (session.facts.active_at > loaded.facts.newest.active_at) {
        loaded.facts.others.add(loaded.facts.newest, policy, at);
        loaded.facts.newest = session.facts;
        loaded.newest = at_cell;
      } else {
        loaded.facts.others.add(session.facts, policy, at);
      }
    }
    at_cell = session.next;
  }
  return loaded;
}

void Roster::store(Cell cell, Loaded& loaded, const Policy& policy, Time at, Spares& spares) {
  User& to = user(cell);
  const UserFacts& facts = loaded.facts;
  to.last_seen = facts.last_seen;

  if (facts.all_ended) {
    free_sessions(to);
    loaded.newest = no_cell;
  }
  const bool lives = facts.connected && status_of(facts.newest, policy, at) != Status::offline;
  if (loaded.newest != no_cell) pool_.at<Session>(loaded.newest).facts = facts.newest;
  for (Cell* link = &to.sessions; *link != no_cell;) {
    Session& session = pool_.at<Session>(*link);
    if (status_of(session.facts, policy, at) != Status::offline) {
      link = &session.next;
      continue;
    }
    const Cell ended = *link;
    *link = session.next;
    pool_.give(ended);
  }
  if (lives && loaded.newest == no_cell) {
    Session& session = *new (&pool_.at<Session>(spares.session)) Session{};
    session.facts = facts.newest;
    session.next = to.sessions;
    to.sessions = spares.session;
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

void Roster::note_change(Cell cell, RealmPartition& share, Status status, Time at, Reason reason) {
  User& changed = user(cell);
  changed.status = status;
  changed.changed_at = at;
  changed.reason = reason;
  changed.row_is_current = false;
  changed.moved_on = changed.claims > 0;
  if (changed.to_announce) return;
  changed.to_announce = true;
  changed.announce_next = share.to_announce;
  share.to_announce = cell;
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
  if (placed.in_heap) remove_deadline(pool_, share.heap, cell);
  const bool chosen = placed.extras != no_cell &&
                      pool_.at<Extras>(placed.extras).choices.top.status != Status::offline;
  const bool irregular = look.until != regular_due(look.status, placed.last_seen, policy);
  const uint8_t list = list_of(look.status, chosen, irregular);
  placed.due = look.until;

  const bool in_place =
      placed.list == list &&
      (list == offline_list ||
       ((placed.newer == no_cell || user(placed.newer).last_seen >= placed.last_seen) &&
        (placed.older == no_cell || user(placed.older).last_seen <= placed.last_seen)));
  if (!in_place) {
    unlink_user(pool_, share, cell);
    link_user(pool_, share, cell, list);
  }
  if (list != offline_list && irregular && look.until != never)
    add_deadline(pool_, share.heap, cell);
}

namespace {

bool same_text(const CellPool& pool, Cell a, Cell b) {
  if (a == b) return true;
  char text[max_message_bytes];
  const uint32_t bytes = get_text(pool, a, text);
  return text_equals(pool, b, {text, bytes});
}

}  // namespace

void Roster::refresh(Cell cell, RealmPartition& share, Loaded& loaded, const Policy& policy,
                     Time at, Reason reason, Spares& spares) {
  User& changed = user(cell);
  const Cell message_before =
      changed.extras == no_cell ? no_cell : pool_.at<Extras>(changed.extras).choices.top.message;
  store(cell, loaded, policy, at, spares);
  const Look now = look(loaded.facts, policy, at);

  const bool message_changed = !same_text(pool_, now.message, message_before);
  for (uint8_t i = 0; i < loaded.dropped.count; i++) free_text(pool_, loaded.dropped.handles[i]);

  if (now.status != changed.status || message_changed) {
    note_change(cell, share, now.status, at, reason);
    changed.message_changed |= message_changed;
    if (changed.extras != no_cell) {
      Extras& extras = pool_.at<Extras>(changed.extras);
      free_text(pool_, extras.reason_text);
      extras.reason_text = spares.reason_text;
      spares.reason_text = no_cell;
    }
  }
  if (changed.extras != no_cell) {
    const Extras& extras = pool_.at<Extras>(changed.extras);
    if (extras.choices.empty() && extras.reason_text == no_cell) free_extras(changed);
  }
  place(cell, share, now, policy);
}

// ---- activity --------------------------------------------------------------

// Two buckets make a sliding minute: this one, and what is left of the one before.
void Roster::count_activity(User& user, uint32_t interactions, Time now) {
  if (user.activity_count < INT32_MAX) user.activity_count++;
  const uint16_t this_minute = static_cast<uint16_t>(now / minute);
  if (this_minute != user.minute) {
    const bool follows = static_cast<uint16_t>(user.minute + 1) == this_minute;
    user.last_minute = follows ? user.this_minute : 0;
    user.this_minute = 0;
    user.minute = this_minute;
  }
  user.this_minute =
      static_cast<uint16_t>(std::min<uint64_t>(user.this_minute + uint64_t{interactions}, 0xffff));
}

namespace {

// The neighbours and the session lie anywhere in memory: ask for all of them at once.
void fetch_ahead(const CellPool& pool, const User& user) {
  for (const Cell cell : {user.sessions, user.newer, user.older})
    if (cell != no_cell) __builtin_prefetch(&pool.at<User>(cell), 1);
}

}  // namespace

// Most touches: somebody who is online, by one session that lives on activity alone, and not idle
// yet. Then there is nothing to work out: the user only moves to the head of its list.
bool Roster::touch_online(Cell cell, RealmPartition& share, const Policy& policy, Time now) {
  User& touched = user(cell);
  if (touched.list != list_of(Status::online, false, false) || due_of(touched, policy) <= now ||
      policy.offline_timeout <= policy.idle_timeout)
    return false;
  Session& session = pool_.at<Session>(touched.sessions);
  const SessionFacts& facts = session.facts;
  if (session.next != no_cell || facts.said != Status::online || facts.heard_at != forever_ago ||
      facts.ends_at != never || touched.extras != no_cell)
    return false;
  touched.last_seen = session.facts.active_at = std::max(now, touched.last_seen);
  touched.due = after(touched.last_seen, policy.idle_timeout);
  if (touched.newer == no_cell) return true;
  unlink_user(pool_, share, cell);
  link_user(pool_, share, cell, touched.list);
  return true;
}

Touched Roster::finish_touch(Cell cell, RealmPartition& share, uint32_t interactions, Time now,
                             bool news) {
  User& touched = user(cell);
  count_activity(touched, interactions, now);
  // The worker must plan a flush when this is the first row that needs one.
  const bool first_dirty = touched.persist == Persist::current &&
                           share.persist[static_cast<uint8_t>(Persist::dirty)] == no_cell;
  mark_dirty(cell, share);
  return {touched.status, false, first_dirty || news};
}

Touched Roster::touch(Cell cell, const Touch& touch, const Policy& policy, Time now) {
  User& touched = user(cell);
  fetch_ahead(pool_, touched);
  RealmPartition& share = share_of(touched);
  if (!touch.seen_at && !touch.page && touch_online(cell, share, policy, now)) {
    touched.moved_on |= touched.claims > 0;
    return finish_touch(cell, share, touch.interactions, now, false);
  }
  const bool was_told = !touched.to_announce;
  settle_user(cell, share, policy, now);

  const bool new_page = touch.page && !text_equals(pool_, touched.page, *touch.page);
  const Time at = touch.seen_at ? std::min(*touch.seen_at, now) : std::max(now, touched.last_seen);
  const bool moves = !touch.seen_at || at > touched.last_seen;

  Loaded loaded = load_facts(cell, policy, now);
  const bool needs_session = moves && !loaded.facts.connected;
  Spares spares;
  std::optional<Cell> page = no_cell;
  if (new_page) page = put_text(pool_, *touch.page);
  if (needs_session) spares.session = pool_.take();
  if (!page || (needs_session && spares.session == no_cell)) {
    if (page) free_text(pool_, *page);
    pool_.give(spares.session);
    return {touched.status, true, was_told && touched.to_announce};
  }
  if (new_page) {
    free_text(pool_, touched.page);
    touched.page = *page;
  }

  if (moves) {
    record_activity(loaded.facts, at);
    refresh(cell, share, loaded, policy, now, Reason::activity, spares);
    pool_.give(spares.session);
    // A status that somebody chose may hide what the touch has changed.
    touched.moved_on |= touched.claims > 0;
  }
  return finish_touch(cell, share, touch.interactions, now, was_told && touched.to_announce);
}

// ---- committed wishes ------------------------------------------------------

void Roster::grant(Cell cell, Wish& wish, const Policy& policy, Time now) {
  User& changed = user(cell);
  RealmPartition& share = share_of(changed);
  settle_user(cell, share, policy, now);

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
  const bool is_as_written =
      wish.change.kind == ChangeKind::forget ||
      (!moved_on && written.status == seen.status && then.facts.choices == loaded.facts.choices);
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
    free_text(pool_, changed.page);
    changed.page = no_cell;
    changed.activity_count = 0;
    changed.this_minute = changed.last_minute = 0;
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
  pool_.give(wish.spare_session);
  pool_.give(wish.spare_extras);
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
    const Reason reason = reason_of_time(loaded.facts.connected, choice_due, due);
    Spares none;
    refresh(cell, share, loaded, policy, due, reason, none);
  }
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
  for (;;) {
    Time due;
    const Cell next = next_due_user(share, policy, due);
    if (next == no_cell || due > now) return true;
    if (at_most-- == 0) return false;
    settle_user(next, share, policy, now);
  }
}

Time Roster::next_due(uint16_t realm, uint32_t partition, const Policy& policy) const {
  Time due;
  next_due_user(region_.share(realm, partition), policy, due);
  return due;
}

// What is due by the new policy happens at its own moment. What it takes back (whoever went
// idle too early by the new measure) is so from now on.
void Roster::reschedule_user(Cell cell, RealmPartition& share, const Policy& policy, Time now) {
  const Time seen = user(cell).last_seen;
  const Loaded then = load_facts(cell, policy, seen);
  place(cell, share, look(then.facts, policy, seen), policy);
  settle_user(cell, share, policy, now);
  if (user(cell).status == Status::offline) return;
  Loaded loaded = load_facts(cell, policy, now);
  const Reason reason = loaded.facts.connected ? Reason::activity : Reason::timeout;
  Spares none;
  refresh(cell, share, loaded, policy, now, reason, none);
}

void Roster::reschedule(uint16_t realm, uint32_t partition, const Policy& policy, Time now) {
  RealmPartition& share = region_.share(realm, partition);
  for (uint8_t number = 1; number < list_count; number++) {
    Cell cell = share.lists[number].newest;
    while (cell != no_cell) {
      const Cell older = user(cell).older;
      reschedule_user(cell, share, policy, now);
      cell = older;
    }
  }
}

}  // namespace presence
