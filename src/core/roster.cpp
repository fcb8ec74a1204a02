// roster.cpp: users come and go.
#include "deadlines.h"
#include "recency.h"
#include "roster_parts.h"

#include <algorithm>
#include <new>

namespace presence {

Cell Roster::add(const UserKey& key) {
  const Cell cell = pool_.take();
  if (cell == no_cell) return no_cell;
  User& added = *new (&pool_.at<User>(cell)) User{};
  if (!set_id(pool_, added, key.id)) {
    pool_.give(cell);
    return no_cell;
  }
  added.realm = key.realm;
  added.partition = key.partition() & (partition_count - 1);
  added.last_seen = forever_ago;
  added.due = never;
  added.told_detail = static_cast<uint32_t>(Detail::full) & 3;  // that it is offline
  added.changed_at = forever_ago;
  region_.index.insert(pool_, key.hash, cell);
  link_user(pool_, share_of(added), cell, offline_list);
  return cell;
}

namespace {

// What is made for a user before it is known whether it can be loaded.
struct LoadParts {
  Cell page = no_cell;
  Cell data = no_cell;
  Cell session = no_cell;
  Cell extras = no_cell;
  Cell visibility = no_cell;
  Choices choices;
};

void free_parts(CellPool& pool, LoadParts& parts) {
  free_text(pool, parts.page);
  free_text(pool, parts.data);
  pool.give(parts.session);
  pool.give(parts.extras);
  free_text(pool, parts.choices.top.message);
  for (const Layer& layer : parts.choices.earlier) free_text(pool, layer.message);
}

// Readers copy texts into room for the longest one. A row that somebody else wrote may have a
// longer one, which is as good as none.
std::optional<Cell> put_row_text(CellPool& pool, std::string_view text, std::size_t at_most) {
  return put_text(pool, text.size() <= at_most ? text : std::string_view{});
}

bool make_layer(CellPool& pool, const LayerText& text, Layer& layer) {
  const auto message = put_row_text(pool, text.message, max_message_bytes);
  if (!message) return false;
  layer = {text.until, *message == no_cell ? never : text.message_until, *message, text.status};
  return true;
}

bool make_choices(CellPool& pool, const ChoicesText& text, Choices& choices) {
  if (text.count == 0) return true;
  if (!make_layer(pool, text.layers[0], choices.top)) return false;
  // The line has the newest first, the stack the oldest.
  for (std::size_t i = text.count - 1; i >= 1; i--) {
    if (!make_layer(pool, text.layers[i], choices.earlier[choices.depth])) return false;
    choices.depth++;
  }
  return true;
}

bool make_parts(CellPool& pool, const Row& row, LoadParts& parts) {
  const auto page = put_row_text(pool, row.page, max_page_bytes);
  if (!page) return false;
  parts.page = *page;
  const auto data = put_row_text(pool, row.data, max_data_bytes);
  if (!data) return false;
  parts.data = *data;
  if (!make_choices(pool, row.choices, parts.choices)) return false;
  if ((!parts.choices.empty() || row.visibility) && (parts.extras = pool.take()) == no_cell)
    return false;
  if (row.status == Status::offline) return true;
  parts.session = pool.take();
  return parts.session != no_cell;
}

}  // namespace

// False: memory is full.
bool Roster::make_rules(uint16_t realm, const Row& row, Cell& to) {
  if (!row.visibility) return true;
  const std::optional<Cell> made = make_visibility(realm, *row.visibility);
  to = made.value_or(no_cell);
  return made.has_value();
}

// The user is as its row says, and listeners and the row know that already.
Cell Roster::load(const UserKey& key, const Row& row, const Policy& policy, Time now) {
  LoadParts parts;
  const bool made = make_parts(pool_, row, parts) && make_rules(key.realm, row, parts.visibility);
  const Cell cell = made ? add(key) : no_cell;
  if (cell == no_cell) {
    free_visibility(parts.visibility);
    free_parts(pool_, parts);
    return no_cell;
  }

  User& loaded = user(cell);
  loaded.last_seen = row.last_seen;
  loaded.activity_count = row.activity_count;
  loaded.page = parts.page;
  loaded.data = parts.data;
  if (parts.extras != no_cell) {
    new (&pool_.at<Extras>(parts.extras)) Extras{};
    pool_.at<Extras>(parts.extras).choices = parts.choices;
    loaded.extras = parts.extras;
    set_visibility(cell, parts.visibility);
  }
  if (parts.session != no_cell) {
    Session& session = *new (&pool_.at<Session>(parts.session)) Session{};
    // A status that was not chosen is the session's own; a chosen one says nothing about it.
    const bool chosen = parts.choices.top.status != Status::offline;
    session.facts.said = chosen ? Status::online : row.status;
    session.facts.active_at = row.last_seen;
    session.facts.ends_at = row.session_ends_at;
    set_owner(cell, parts.session);
    link_session(cell, parts.session);
  }
  loaded.status = loaded.announced = row.status;
  loaded.told_detail =
      static_cast<uint32_t>(detail_for_everybody(loaded, policy, std::nullopt)) & 3;

  // What time has done since the row was written is written like any other change, and told
  // when listeners of the last run may believe otherwise.
  RealmPartition& share = share_of(loaded);
  Loaded facts = load_facts(cell, policy, now);
  Spares none;
  const Reason reason = reason_of_time(facts.facts.connected, parts.choices.next_change(), now);
  refresh(cell, share, facts, policy, now, reason, none);
  loaded.message_changed = false;
  if (row.session_ends_at == never) loaded.announced = loaded.status;
  return cell;
}

bool Roster::claim(Cell cell) {
  User& claimed = user(cell);
  if (claimed.claims == max_claims) return false;
  claimed.claims++;
  return true;
}

void Roster::set_forgetting(Cell cell) {
  User& claimed = user(cell);
  if (!claimed.forgetting) share_of(claimed).being_forgotten++;
  claimed.forgetting = true;
}

bool Roster::drop_claim(Cell cell) {
  User& claimed = user(cell);
  RealmPartition& share = share_of(claimed);
  if (--claimed.claims > 0) return false;
  claimed.moved_on = false;
  if (claimed.forgetting) share.being_forgotten--;
  claimed.forgetting = false;
  if (is_blank(claimed)) {
    remove(cell, share);
    return false;
  }
  if (claimed.persist != Persist::held) return false;
  mark(cell, share, Persist::waiting);
  return true;
}

RowPlace Roster::row_place(Cell cell) const {
  const Cell extras = pool_.at<User>(cell).extras;
  if (extras == no_cell) return {};
  const Extras& of = pool_.at<Extras>(extras);
  return {of.row_block, of.row_number};
}

void Roster::set_row_place(Cell cell, RowPlace place) {
  const Cell extras = user(cell).extras;
  if (extras == no_cell) return;
  Extras& of = pool_.at<Extras>(extras);
  of.row_block = place.block;
  of.row_number = place.number;
}

// Nothing is known of it.
bool Roster::is_bare(const User& user) const {
  return user.status == Status::offline && user.announced == Status::offline &&
         user.last_seen == forever_ago && user.sessions == no_cell && user.extras == no_cell &&
         user.page == no_cell && user.data == no_cell && user.activity_count == 0;
}

bool Roster::is_blank(const User& user) const { return is_bare(user) && is_evictable(user); }

// Nobody is interested in it but its row.
bool Roster::is_evictable(const User& user) const {
  return user.list == offline_list && user.persist == Persist::current && !user.to_announce &&
         user.claims == 0 && members_of(user) == no_cell;
}

bool Roster::remove_if_blank(Cell cell) {
  if (!is_blank(user(cell))) return false;
  remove(cell, share_of(user(cell)));
  return true;
}

void Roster::free_sessions(User& user) {
  while (user.sessions != no_cell) {
    const Cell session = user.sessions;
    user.sessions = pool_.at<Session>(session).next;
    end_session(session);
  }
}

void Roster::free_extras(User& user) {
  if (user.extras == no_cell) return;
  const Extras& extras = pool_.at<Extras>(user.extras);
  free_visibility(extras.visibility);
  free_text(pool_, extras.reason_text);
  free_text(pool_, extras.parting_text);
  free_text(pool_, extras.choices.top.message);
  for (uint8_t i = 0; i < extras.choices.depth; i++)
    free_text(pool_, extras.choices.earlier[i].message);
  pool_.give(user.extras);
  user.extras = no_cell;
}

// Extras that say nothing are given back.
void Roster::free_bare_extras(User& user) {
  if (user.extras == no_cell) return;
  const Extras& extras = pool_.at<Extras>(user.extras);
  if (extras.choices.empty() && extras.reason_text == no_cell && extras.parting_text == no_cell &&
      extras.members == no_cell && extras.visibility == no_cell && !extras.rules_changed)
    free_extras(user);
}

void Roster::set_text(Cell& text, Cell to) {
  free_text(pool_, text);
  text = to;
}

void Roster::remove(Cell cell, RealmPartition& share) {
  User& gone = user(cell);
  share.removals++;
  region_.index.remove(pool_, region_.hash_of(gone), cell);
  unlink_user(pool_, share, cell);
  if (gone.in_heap) remove_deadline(pool_, share.heap, cell);
  mark(cell, share, Persist::current);
  free_members(gone);
  free_sessions(gone);
  free_extras(gone);
  free_text(pool_, gone.page);
  free_text(pool_, gone.data);
  free_id(pool_, gone);
  pool_.give(cell);
}

// As if it had never been heard of; the claims on it stay.
void Roster::blank(Cell cell, RealmPartition& share) {
  User& blanked = user(cell);
  unlink_user(pool_, share, cell);
  if (blanked.in_heap) remove_deadline(pool_, share.heap, cell);
  mark(cell, share, Persist::current);
  free_members(blanked);
  free_sessions(blanked);
  free_extras(blanked);
  set_text(blanked.page, no_cell);
  set_text(blanked.data, no_cell);
  blanked.status = blanked.announced = Status::offline;
  blanked.last_seen = blanked.changed_at = forever_ago;
  blanked.due = never;
  blanked.told_detail = static_cast<uint32_t>(Detail::full) & 3;
  blanked.activity_count = 0;
  blanked.this_minute = blanked.last_minute = 0;
  blanked.message_changed = blanked.data_changed = false;
  blanked.row_is_current = blanked.moved_on = false;
  blanked.lives_on_touches = false;
  link_user(pool_, share, cell, offline_list);
}

namespace {

// Whom an eviction looks at before it gives up: the oldest may wait for the worker.
constexpr uint32_t eviction_looks_at = 1024;

}  // namespace

// Whoever cannot go is put behind the others, so that the next call looks at new ones.
uint32_t Roster::evict(uint32_t partition, uint32_t wanted) {
  uint32_t evicted = 0;
  for (uint32_t number = 0; number < region_.realm_count() && evicted < wanted; number++) {
    RealmPartition& share = region_.share(static_cast<uint16_t>(number), partition);
    uint32_t looks = std::min(share.lists[offline_list].count, eviction_looks_at + wanted);
    for (; looks > 0 && evicted < wanted; looks--) {
      const Cell oldest = share.lists[offline_list].oldest;
      if (is_evictable(user(oldest))) {
        remove(oldest, share);
        evicted++;
      } else {
        unlink_user(pool_, share, oldest);
        link_user(pool_, share, oldest, offline_list);
      }
    }
  }
  return evicted;
}

bool Roster::remove_all(uint16_t realm, uint32_t partition, uint32_t at_most) {
  RealmPartition& share = region_.share(realm, partition);
  share.to_announce = share.members_to_announce = no_cell;
  share.shown_from = share.members_shown_from = no_cell;
  for (List& list : share.lists) {
    while (list.newest != no_cell) {
      if (at_most-- == 0) return false;
      remove(list.newest, share);
    }
  }
  share.being_forgotten = 0;
  forget_ended_sessions(share);
  forget_activities(share);
  return true;
}

// Removes whoever nobody claims, and blanks the others.
bool Roster::blank_all(uint16_t realm, uint32_t partition, uint32_t at_most) {
  RealmPartition& share = region_.share(realm, partition);
  while (share.to_announce != no_cell) {
    User& told = user(share.to_announce);
    share.to_announce = told.announce_next;
    told.to_announce = false;
  }
  share.members_to_announce = no_cell;  // all of them are freed
  share.shown_from = share.members_shown_from = no_cell;
  for (uint8_t number = 0; number < list_count; number++) {
    Cell cell = share.lists[number].newest;
    while (cell != no_cell) {
      const User& there = user(cell);
      const Cell older = there.older;
      // Whoever was blanked by a call before this one does not count again.
      const bool blanked =
          is_bare(there) && there.changed_at == forever_ago && there.persist == Persist::current;
      if (there.claims == 0 || !blanked) {
        if (at_most-- == 0) return false;
        there.claims == 0 ? remove(cell, share) : blank(cell, share);
      }
      cell = older;
    }
  }
  forget_ended_sessions(share);
  forget_activities(share);
  return true;
}

}  // namespace presence
