// roster_typing.cpp: who types where. It ends by itself, so everything about it is in the order of
// the last call.
#include <algorithm>
#include <new>
#include <utility>

#include "roster_parts.h"

namespace presence {

void Roster::link_typing(Cell cell, RealmPartition& share) {
  Typing& linked = pool_.at<Typing>(cell);
  linked.next = no_cell;
  linked.prev = share.last_typing;
  (share.last_typing == no_cell ? share.first_typing : pool_.at<Typing>(share.last_typing).next) =
      cell;
  share.last_typing = cell;
}

void Roster::unlink_typing(Cell cell, RealmPartition& share) {
  const Typing& gone = pool_.at<Typing>(cell);
  (gone.prev == no_cell ? share.first_typing : pool_.at<Typing>(gone.prev).next) = gone.next;
  (gone.next == no_cell ? share.last_typing : pool_.at<Typing>(gone.next).prev) = gone.prev;
}

void Roster::free_typing(Member& member) {
  region_.channels.end_typing(member.channel, member.typing);
  free_text(pool_, pool_.at<Typing>(member.typing).name);
  pool_.give(member.typing);
  member.typing = no_cell;
}

void Roster::end_typing(Cell cell, Reason reason, Time at) {
  Member& member = pool_.at<Member>(cell);
  if (member.typing == no_cell) return;
  unlink_typing(member.typing, region_.share(member.realm, member.partition));
  free_typing(member);
  member.has_stopped_typing = true;
  member.typing_reason = reason;
  member.changed_at = at;
  announce_member(cell);
}

void Roster::end_typing_everywhere(const User& user, Reason reason, Time at) {
  for (Cell cell = members_of(user); cell != no_cell; cell = pool_.at<Member>(cell).next)
    end_typing(cell, reason, at);
}

// A session has said goodbye: its user no longer types where no other session of it is.
void Roster::stop_typing_after_goodbye(const User& user, Time at) {
  const auto stays = [&](const Member& member) {
    for (Cell cell = user.sessions; cell != no_cell; cell = pool_.at<Session>(cell).next) {
      const bool is_there = !member.joined || has_seat(member, cell);
      if (is_there && !pool_.at<Session>(cell).facts.disconnected) return true;
    }
    return false;
  };
  for (Cell cell = members_of(user); cell != no_cell; cell = pool_.at<Member>(cell).next) {
    const Member& member = pool_.at<Member>(cell);
    if (member.typing != no_cell && !stays(member)) end_typing(cell, Reason::disconnect, at);
  }
}

// What typing may need. What is left over goes back to the pool.
struct Roster::TypingParts {
  Cell member = no_cell;
  Cell channel = no_cell;
  Cell typing = no_cell;
  Cell extras = no_cell;
  Cell session = no_cell;
  Cell name = no_cell;
};

// Acting may free the user's extras, unless they hold a record; it may need a session.
bool Roster::reserve_typing(const User& user, Cell member, const ChannelKey& channel,
                            std::string_view name, TypingParts& parts) {
  const bool types = member != no_cell && pool_.at<Member>(member).typing != no_cell;
  bool fits = true;
  const auto need = [&](Cell& to) { fits &= (to = pool_.take()) != no_cell; };
  if (member == no_cell) {
    need(parts.extras);
    need(parts.member);
    fits &= (parts.channel = region_.channels.make(channel)) != no_cell;
  }
  if (!types) need(parts.typing);
  if (!types || user.sessions == no_cell) need(parts.session);
  const std::optional<Cell> put = fits ? put_text(pool_, name) : std::nullopt;
  parts.name = put.value_or(no_cell);
  return put.has_value();
}

void Roster::free_typing_parts(const TypingParts& parts) {
  for (const Cell part : {parts.member, parts.typing, parts.extras, parts.session})
    pool_.give(part);
  region_.channels.free_made(parts.channel);
  free_text(pool_, parts.name);
}

void Roster::start_typing(Cell cell, Cell typing, Time now) {
  Member& member = pool_.at<Member>(cell);
  new (&pool_.at<Typing>(typing))
      Typing{cell, no_cell, no_cell, no_cell, now, now, no_cell, no_cell};
  member.typing = typing;
  region_.channels.begin_typing(member.channel, typing);
  link_typing(typing, region_.share(member.realm, member.partition));
  announce_member(cell);
}

// It was said again: an empty name keeps the one before.
void Roster::extend_typing(Cell cell, Cell& name, Time now) {
  RealmPartition& share =
      region_.share(pool_.at<Member>(cell).realm, pool_.at<Member>(cell).partition);
  const Cell extended = pool_.at<Member>(cell).typing;
  unlink_typing(extended, share);
  Typing& typing = pool_.at<Typing>(extended);
  typing.at = now;
  link_typing(extended, share);
  if (name != no_cell) std::swap(typing.name, name);
}

DoneInChannel Roster::type(Cell cell, const ChannelKey& channel, std::string_view name,
                           const Policy& policy, Time now) {
  User& of = user(cell);
  RealmPartition& share = share_of(of);
  const bool was_told = !of.to_announce;
  const Time due = std::min(due_of(of, policy), next_member_due(share, policy));
  settle_user(cell, share, policy, now);
  const auto answer = [&](Done what, bool changed) {
    return DoneInChannel{what, changed || (was_told && of.to_announce)};
  };
  Cell found = find_member(cell, channel);
  if (found == no_cell && !has_room_for_channels(cell, 1)) return answer(Done::crowded, false);
  if (found != no_cell) settle_typing_of(found, policy, now);
  const bool was_waiting = found != no_cell && pool_.at<Member>(found).to_announce;
  TypingParts parts;
  if (!reserve_typing(of, found, channel, name, parts)) {
    free_typing_parts(parts);
    return answer(Done::full, false);
  }

  Spares spares{std::exchange(parts.session, no_cell), no_cell, no_cell};
  act_in_channel(cell, found, share, policy, now, spares);
  parts.session = spares.session;
  // A gateway may have ended the session, or the typing with it, at this very moment.
  const bool has_begun = found != no_cell && pool_.at<Member>(found).typing != no_cell;
  if (of.sessions == no_cell || (!has_begun && parts.typing == no_cell)) {
    free_typing_parts(parts);
    return answer(Done::done, true);
  }
  if (of.extras == no_cell) give_extras(of, parts.extras);
  if (found == no_cell) found = add_member(cell, channel, parts.member, parts.channel);
  if (!has_begun) start_typing(found, std::exchange(parts.typing, no_cell), now);
  extend_typing(found, parts.name, now);
  free_typing_parts(parts);
  if (pool_.at<Member>(found).joined) {
    region_.channels.arrive(pool_.at<Member>(found).channel, found, now);
    mark_member_row_dirty(found);
  }
  const bool first_dirty = mark_dirty_first(cell, share);
  const bool sooner = std::min(due_of(of, policy), next_member_due(share, policy)) < due;
  const bool tells = !was_waiting && pool_.at<Member>(found).to_announce;
  return answer(Done::done, first_dirty || sooner || tells);
}

DoneInChannel Roster::stop_typing(Cell cell, const ChannelKey& channel, const Policy& policy,
                                  Time now, Reason reason) {
  const RealmPartition& share = share_of(user(cell));
  const Cell found = look_up_member(cell, channel);
  if (found != no_cell) settle_typing_of(found, policy, now);
  if (found != no_cell) end_typing(found, reason, now);
  return {Done::done, share.members_to_announce != no_cell};
}

void Roster::settle_typing_of(Cell member, const Policy& policy, Time now) {
  const Cell cell = pool_.at<Member>(member).typing;
  if (cell == no_cell) return;
  const Time ends_at = pool_.at<Typing>(cell).at + policy.typing_timeout;
  if (ends_at <= now) end_typing(member, Reason::timeout, ends_at);
}

bool Roster::settle_typing(RealmPartition& share, const Policy& policy, Time now,
                           uint32_t& at_most) {
  while (share.first_typing != no_cell) {
    const Typing& oldest = pool_.at<Typing>(share.first_typing);
    const Time ends_at = oldest.at + policy.typing_timeout;
    if (ends_at > now) return true;
    if (at_most == 0) return false;
    at_most--;
    end_typing(oldest.member, Reason::timeout, ends_at);
  }
  return true;
}

}  // namespace presence
