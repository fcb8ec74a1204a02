// roster_members.cpp: users join channels, leave them, and move in them.
//
// A record of a user in a channel begins with the first join or the first typing. It goes when the
// user is neither a member nor types, listeners know that, and its row is deleted.
#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "roster_parts.h"

namespace presence {

// ---- finding, adding, removing ---------------------------------------------

namespace {

uint32_t short_hash(const ChannelKey& channel) { return static_cast<uint32_t>(channel.hash >> 32); }

}  // namespace

Cell Roster::members_of(const User& user) const {
  return user.extras == no_cell ? no_cell : pool_.at<Extras>(user.extras).members;
}

Cell Roster::look_up_member(Cell cell, const ChannelKey& channel) const {
  for (Cell at = members_of(user(cell)); at != no_cell; at = pool_.at<Member>(at).next) {
    const Member& member = pool_.at<Member>(at);
    if (member.channel_hash == short_hash(channel) &&
        id_equals(pool_, pool_.at<Channel>(member.channel), channel.id))
      return at;
  }
  return no_cell;
}

// What is found is likely to be wanted again: it becomes the first.
Cell Roster::find_member(Cell cell, const ChannelKey& channel) {
  const Cell found = look_up_member(cell, channel);
  if (found == no_cell) return no_cell;
  Cell& first = pool_.at<Extras>(user(cell).extras).members;
  if (first == found) return found;
  Cell before = first;
  while (pool_.at<Member>(before).next != found) before = pool_.at<Member>(before).next;
  Member& member = pool_.at<Member>(found);
  pool_.at<Member>(before).next = member.next;
  member.next = first;
  first = found;
  return found;
}

bool Roster::has_room_for_channels(Cell cell, uint32_t more) const {
  uint32_t count = 0;
  for (Cell at = members_of(user(cell)); at != no_cell; at = pool_.at<Member>(at).next) count++;
  return count + more <= max_channels;
}

// Whoever is in a channel does not live on touches alone: they count there, too.
void Roster::give_extras(User& user, Cell& spare) {
  write_back(user);
  user.extras = std::exchange(spare, no_cell);
  new (&pool_.at<Extras>(user.extras)) Extras{};
}

// The user has extras.
Cell Roster::add_member(Cell cell, const ChannelKey& channel, Cell& spare_member,
                        Cell& spare_channel) {
  const User& of = user(cell);
  const Cell added = std::exchange(spare_member, no_cell);
  Member& member = *new (&pool_.at<Member>(added)) Member{};
  member.user = cell;
  member.realm = of.realm;
  member.partition = of.partition;
  member.channel_hash = short_hash(channel);
  member.channel = region_.channels.hold(channel, spare_channel);
  member.lane_at = forever_ago;
  Cell& first = pool_.at<Extras>(of.extras).members;
  member.next = first;
  first = added;
  return added;
}

void Roster::remove_member(Cell cell) {
  Member& removed = pool_.at<Member>(cell);
  RealmPartition& share = region_.share(removed.realm, removed.partition);
  User& of = user(removed.user);
  Cell* link = &pool_.at<Extras>(of.extras).members;
  while (*link != cell) link = &pool_.at<Member>(*link).next;
  *link = removed.next;

  leave_seats(removed);
  if (removed.typing != no_cell) {
    unlink_typing(removed.typing, share);
    free_typing(removed);
  }
  if (removed.in_lane) unlink_in_lane(cell, share);
  mark_member_row(cell, RowState::none);
  for (const Cell text : {removed.data, removed.cursor, removed.state}) free_text(pool_, text);
  region_.channels.depart(removed.channel, cell);
  region_.channels.release(removed.channel);
  pool_.give(cell);
  share.member_removals++;
}

// Whoever is neither a member nor types, told and deleted, is nothing.
void Roster::remove_member_if_idle(Cell cell) {
  const Member& member = pool_.at<Member>(cell);
  if (member.joined || member.typing != no_cell || member.to_announce || member.told_joined ||
      member.told_typing || member.row != RowState::none)
    return;
  const Cell of = member.user;
  remove_member(cell);
  free_bare_extras(user(of));
  remove_if_blank(of);
}

// The user goes, or all of the realm's users do.
void Roster::free_members(User& user) {
  while (const Cell cell = members_of(user)) remove_member(cell);
}

// ---- what follows ----------------------------------------------------------

void Roster::announce_member(Cell cell) {
  pool_.at<Member>(cell).changed = true;
  announce_placed(cell);
}

// There is a cursor or a state to tell.
void Roster::announce_placed(Cell cell) {
  Member& changed = pool_.at<Member>(cell);
  if (changed.to_announce) return;
  RealmPartition& share = region_.share(changed.realm, changed.partition);
  changed.to_announce = true;
  changed.announce_next = share.members_to_announce;
  share.members_to_announce = cell;
}

// Something about the user has changed that its channels hear of.
void Roster::announce_members(const User& user) {
  for (Cell at = members_of(user); at != no_cell; at = pool_.at<Member>(at).next)
    announce_member(at);
}

void Roster::become_member(Cell cell, Time at, Reason reason) {
  Member& member = pool_.at<Member>(cell);
  member.joined = true;
  member.joined_at = at;
  member.reason = reason;
  // Who types there already may have done so since it asked to join.
  const Time typed_at = member.typing == no_cell ? at : pool_.at<Typing>(member.typing).at;
  region_.channels.arrive(member.channel, cell, std::max(at, typed_at));
  mark_member_row(cell, RowState::waiting);
  announce_member(cell);
}

void Roster::leave_channel(Cell cell, Reason reason, Time at) {
  Member& member = pool_.at<Member>(cell);
  end_typing(cell, reason, at);
  leave_seats(member);
  member.joined = false;
  member.has_left = true;
  member.reason = reason;
  member.changed_at = at;
  // Whoever comes back before listeners hear of this has none, and they may know of one, or a
  // snapshot may.
  member.cursor_changed |= member.cursor != no_cell;
  member.state_changed |= member.state != no_cell;
  set_text(member.cursor, no_cell);
  set_text(member.state, no_cell);
  region_.channels.depart(member.channel, cell);
  mark_member_row(cell, member.has_row ? RowState::ended : RowState::none);
  announce_member(cell);
}

// ---- what a member does ----------------------------------------------------

namespace {

// Of a text that may be longer than the head.
Placed read_head(const CellPool& pool, Cell text) {
  Placed head{};
  if (text != no_cell) std::memcpy(&head, pool.at<TextCell>(text).part, sizeof head);
  return head;
}

bool comes_too_late(const CellPool& pool, Cell text, std::optional<int64_t> clock) {
  const Placed head = read_head(pool, text);
  return clock && head.has_clock && *clock < head.clock;
}

struct PlacedText {
  char bytes[sizeof(Placed) + 2 * max_placed_bytes];
  std::size_t size;

  std::string_view text() const { return {bytes, size}; }
};

void write_placed(const Move& move, const Placed& before, PlacedText& out) {
  Placed head{};
  head.has_clock = move.clock || before.has_clock;
  head.clock = move.clock.value_or(before.clock);
  head.first_bytes = static_cast<uint16_t>(move.first.size());
  std::memcpy(out.bytes, &head, sizeof head);
  char* end = out.bytes + sizeof head;
  for (const std::string_view part : {move.first, move.second})
    end = std::copy(part.begin(), part.end(), end);
  out.size = static_cast<std::size_t>(end - out.bytes);
}

// A client that has joined again begins to count anew.
void forget_clock(const CellPool& pool, Cell text) {
  if (text == no_cell) return;
  Placed head = read_head(pool, text);
  head.has_clock = 0;
  std::memcpy(pool.at<TextCell>(text).part, &head, sizeof head);
}

}  // namespace

std::optional<Cell> Roster::make_placed(const Move& move) {
  PlacedText placed;
  write_placed(move, {}, placed);
  return put_text(pool_, placed.text());
}

// The newest of the member's sessions, or of the user's when it is none; no_cell: it has none.
// Nothing is due, so all of them live. Who lives on touches has but one.
Cell Roster::newest_session(Cell cell, Cell member_cell) const {
  const bool joined = member_cell != no_cell && pool_.at<Member>(member_cell).joined;
  Cell newest = no_cell;
  for (Cell at = user(cell).sessions; at != no_cell; at = pool_.at<Session>(at).next) {
    if (joined && !has_seat(pool_.at<Member>(member_cell), at)) continue;
    if (newest == no_cell || is_newer(pool_.at<Session>(at).facts, pool_.at<Session>(newest).facts))
      newest = at;
  }
  return newest;
}

// What is done in a channel is an activity, like a touch, but is not counted as one.
void Roster::act_in_channel(Cell cell, Cell member, RealmPartition& share, const Policy& policy,
                            Time now, Spares& spares) {
  User& of = user(cell);
  const Cell session = newest_session(cell, member);
  if (session == no_cell && spares.session == no_cell) return;  // it has ended at this very moment
  of.moved_on |= of.claims > 0;
  if (session != no_cell && touch_in_session(cell, session, share, now)) return;
  if (session != no_cell) {
    write_back(of);
    record_activity(pool_.at<Session>(session).facts, now);
    mark_row_dirty(session);
  }
  Loaded loaded = load_facts(cell, policy, now);
  if (session == no_cell)
    record_activity(loaded.facts, now);
  else
    loaded.facts.last_seen = std::max(loaded.facts.last_seen, now);
  refresh(cell, share, loaded, policy, now, Reason::activity, spares);
}

DoneInChannel Roster::move(Cell cell, const ChannelKey& channel, const Move& move,
                           const Policy& policy, Time now) {
  User& of = user(cell);
  RealmPartition& share = share_of(of);
  const bool was_told = !of.to_announce;
  const Time due = due_of(of, policy);
  settle_user(cell, share, policy, now);
  const Cell found = find_member(cell, channel);
  const bool news = was_told && of.to_announce;
  if (found == no_cell || !pool_.at<Member>(found).joined) return {Done::no_member, news};
  Member& member = pool_.at<Member>(found);
  Cell& place = move.is_state ? member.state : member.cursor;
  if (comes_too_late(pool_, place, move.clock)) return {Done::older, news};

  PlacedText placed;
  write_placed(move, read_head(pool_, place), placed);
  if (!replace_text(pool_, place, placed.text())) return {Done::full, news};
  mark_placed(member, move.is_state, true);
  const bool tells = !member.in_lane && !member.to_announce;
  if (tells) announce_placed(found);
  region_.channels.arrive(member.channel, found, now);
  mark_member_row_dirty(found);
  Spares none;
  act_in_channel(cell, found, share, policy, now, none);
  const bool first_dirty = mark_dirty_first(cell, share);
  return {Done::done,
          tells || first_dirty || due_of(of, policy) < due || (was_told && of.to_announce)};
}

// A session was active: so was its user in the channels that it has joined.
void Roster::activate_seats(const User& user, Cell session, Time at) {
  if (pool_.at<Session>(session).seats == 0) return;
  for (Cell cell = members_of(user); cell != no_cell; cell = pool_.at<Member>(cell).next) {
    Member& member = pool_.at<Member>(cell);
    if (!has_seat(member, session)) continue;
    region_.channels.arrive(member.channel, cell, at);
    mark_member_row_dirty(cell);
  }
}

// ---- committed wishes ------------------------------------------------------

// The member is there already: what the join brings along takes the place of what was.
void Roster::update_member(Cell cell, Wish& wish) {
  Member& member = pool_.at<Member>(cell);
  forget_clock(pool_, member.cursor);
  forget_clock(pool_, member.state);
  if (wish.gives_data && !same_text(member.data, wish.data)) {
    std::swap(member.data, wish.data);
    member.data_changed = true;
    mark_member_row(cell, RowState::waiting);
    announce_member(cell);
  }
  if (wish.gives_cursor || wish.gives_state) {
    std::swap(wish.gives_state ? member.state : member.cursor, wish.placed);
    mark_placed(member, wish.gives_state, true);
    mark_member_row(cell, RowState::waiting);
    if (!member.in_lane) announce_placed(cell);
  }
}

void Roster::grant_join(Cell cell, RealmPartition& share, Wish& wish, const Policy& policy,
                        Time now) {
  User& joining = user(cell);
  const bool names_one = !wish.session.id.empty();
  Cell session = no_cell;
  if (names_one) {
    const SessionIndex::Found found = region_.sessions.find(wish.session);
    // It is over, or somebody else's by now: nobody is there who could join.
    if (found.session == no_cell || found.user != cell) return;
    session = found.session;
    write_back(joining);
    record_activity(pool_.at<Session>(session).facts, wish.change.at);
    mark_row_dirty(session);
  }
  Loaded loaded = load_facts(cell, policy, now);
  Spares spares{wish.spare_session, no_cell, no_cell};
  if (names_one)
    loaded.facts.last_seen = std::max(loaded.facts.last_seen, wish.change.at);
  else
    record_activity(loaded.facts, wish.change.at);
  refresh(cell, share, loaded, policy, now, wish.reason, spares);
  wish.spare_session = spares.session;
  mark_dirty(cell, share);
  joining.row_is_current = false;
  joining.moved_on = joining.claims > 0;

  // An open transaction may have lasted longer than the session.
  if (!names_one) session = newest_session(cell, no_cell);
  if (session == no_cell || !has_session(cell, session)) return;
  if (joining.extras == no_cell) give_extras(joining, wish.spare_extras);
  Cell found = find_member(cell, wish.channel);
  if (found == no_cell)
    found = add_member(cell, wish.channel, wish.spare_member, wish.spare_channel);
  Member& member = pool_.at<Member>(found);
  if (!has_seat(member, session)) {
    add_seat(member, session, wish.spare_seats);
    mark_member_row(found, RowState::waiting);
  }
  if (member.joined) {
    region_.channels.arrive(member.channel, found, wish.change.at);
  } else {
    // What it brought along when it was here before is over.
    member.data_changed |= member.data != no_cell;
    set_text(member.data, no_cell);
    become_member(found, wish.change.at, Reason::join);
  }
  mark_member_row_dirty(found);
  update_member(found, wish);
}

void Roster::grant_leave(Cell cell, const Wish& wish, Time now) {
  const Cell found = look_up_member(cell, wish.channel);
  if (found == no_cell || !pool_.at<Member>(found).joined) return;
  Member& member = pool_.at<Member>(found);
  if (!wish.session.id.empty()) {
    const SessionIndex::Found session = region_.sessions.find(wish.session);
    if (session.user != cell || !remove_seat(member, session.session)) return;
    if (has_seats(member)) {
      mark_member_row(found, RowState::waiting);
      return;
    }
  }
  leave_channel(found, Reason::leave, now);
}

// ---- after a restart -------------------------------------------------------

// Listeners and the row know it already. Of its sessions those count that are back; one that is
// not may be the one that was made up for its user.
bool Roster::load_member(Cell cell, const MemberRowFacts& row, const Policy& policy, Time now) {
  User& of = user(cell);
  settle_user(cell, share_of(of), policy, now);
  if (of.sessions == no_cell || !has_room_for_channels(cell, 1)) return false;
  const Cell there = look_up_member(cell, row.channel);
  if (there != no_cell) return false;

  const std::optional<Cell> data = put_text(pool_, row.data);
  std::optional<Cell> cursor = no_cell;
  std::optional<Cell> state = no_cell;
  if (!row.cursor.empty() || !row.selection.empty())
    cursor = make_placed({false, std::nullopt, row.cursor, row.selection});
  if (!row.state.empty()) state = make_placed({true, std::nullopt, row.state});
  Cell spare_member = pool_.take();
  Cell spare_channel = region_.channels.make(row.channel);
  Cell spare_extras = of.extras == no_cell ? pool_.take() : no_cell;
  Cell spare_seats = no_cell;
  const bool loads = data && cursor && state && spare_member != no_cell &&
                     spare_channel != no_cell && (of.extras != no_cell || spare_extras != no_cell);
  if (loads) {
    if (of.extras == no_cell) give_extras(of, spare_extras);
    const Cell cell_of = add_member(cell, row.channel, spare_member, spare_channel);
    Member& member = pool_.at<Member>(cell_of);
    member.data = *data;
    member.cursor = *cursor;
    member.state = *state;
    std::size_t seated = 0;
    for (const SessionKey& key : row.sessions) {
      const SessionIndex::Found found = region_.sessions.find(key);
      if (found.session == no_cell || found.user != cell || has_seat(member, found.session))
        continue;
      if (seated++ >= Seats::here && spare_seats == no_cell) spare_seats = pool_.take();
      if (seated > Seats::here && spare_seats == no_cell) break;
      add_seat(member, found.session, spare_seats);
    }
    if (!has_seats(member)) add_seat(member, of.sessions, spare_seats);
    member.joined = member.told_joined = member.has_row = true;
    member.told_status = of.status;
    member.told_detail = detail_for_everybody(of, policy, row.channel.hash);
    member.joined_at = row.joined_at;
    member.reason = Reason::join;
    region_.channels.arrive(member.channel, cell_of, row.last_active);
    mark_member_row(cell_of, RowState::current);
  } else {
    free_text(pool_, data.value_or(no_cell));
    free_text(pool_, cursor.value_or(no_cell));
    free_text(pool_, state.value_or(no_cell));
  }
  pool_.give(spare_member);
  pool_.give(spare_extras);
  pool_.give(spare_seats);
  region_.channels.free_made(spare_channel);
  return loads;
}

void Roster::miss_member_row(Cell cell, const ChannelKey& channel) {
  const Cell found = look_up_member(cell, channel);
  if (found != no_cell && pool_.at<Member>(found).joined) mark_member_row(found, RowState::waiting);
}

// ---- time ------------------------------------------------------------------

bool Roster::settle_lane(RealmPartition& share, const Policy& policy, Time now, uint32_t& at_most) {
  while (share.first_in_lane != no_cell) {
    const Cell cell = share.first_in_lane;
    Member& oldest = pool_.at<Member>(cell);
    if (oldest.lane_at + policy.cursor_interval > now) return true;
    if (at_most == 0) return false;
    at_most--;
    unlink_in_lane(cell, share);
    if (oldest.cursor_changed || oldest.state_changed) announce_placed(cell);
  }
  return true;
}

Time Roster::next_member_due(const RealmPartition& share, const Policy& policy) const {
  Time due = never;
  if (share.first_typing != no_cell)
    due = pool_.at<Typing>(share.first_typing).at + policy.typing_timeout;
  if (share.first_in_lane != no_cell)
    due = std::min(due, pool_.at<Member>(share.first_in_lane).lane_at + policy.cursor_interval);
  return due;
}

}  // namespace presence
