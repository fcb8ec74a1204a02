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
  member.typing_reason = reason;
  member.changed_at = at;
  if (!member.joined) region_.channels.depart(member.channel, cell);
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

namespace {

// What typing may need. What is left over goes back to the pool.
struct TypingParts {
  Cell member = no_cell;
  Cell channel = no_cell;
  Cell typing = no_cell;
  Cell extras = no_cell;
  Cell session = no_cell;
};

}  // namespace

void Roster::start_typing(Cell cell, Cell typing, Time now) {
  Member& member = pool_.at<Member>(cell);
  new (&pool_.at<Typing>(typing))
      Typing{cell, no_cell, no_cell, no_cell, now, now, no_cell, no_cell};
  member.typing = typing;
  region_.channels.begin_typing(member.channel, typing);
  link_typing(typing, region_.share(member.realm, member.partition));
  announce_member(cell);
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
  const bool types = found != no_cell && pool_.at<Member>(found).typing != no_cell;

  // All that may fail comes first.
  TypingParts parts;
  bool full = false;
  const auto need = [&](Cell& to) { full |= (to = pool_.take()) == no_cell; };
  if (found == no_cell) {
    need(parts.extras);  // acting may free those that are there, unless they hold a record
    need(parts.member);
    full |= (parts.channel = region_.channels.make(channel)) == no_cell;
  }
  if (!types) need(parts.typing);
  if (!types || of.sessions == no_cell) need(parts.session);
  std::optional<Cell> given = no_cell;
  if (!full) given = put_text(pool_, name);
  if (full || !given) {
    for (const Cell part : {parts.member, parts.typing, parts.extras, parts.session})
      pool_.give(part);
    region_.channels.free_made(parts.channel);
    return answer(Done::full, false);
  }

  Spares spares{parts.session, no_cell, no_cell};
  act_in_channel(cell, found, share, policy, now, spares);
  pool_.give(spares.session);
  // A gateway may have changed its mind at this very moment.
  if (of.sessions == no_cell) {
    for (const Cell part : {parts.member, parts.typing, parts.extras}) pool_.give(part);
    region_.channels.free_made(parts.channel);
    free_text(pool_, *given);
    return answer(Done::done, true);
  }
  if (of.extras == no_cell) give_extras(of, parts.extras);
  pool_.give(parts.extras);
  if (found == no_cell) found = add_member(cell, channel, parts.member, parts.channel);
  region_.channels.free_made(parts.channel);
  Member& member = pool_.at<Member>(found);
  const bool was_waiting = member.to_announce;
  // Its only session may have ended just now, and the typing with it.
  if (member.typing == no_cell && parts.typing == no_cell) {
    free_text(pool_, *given);
    return answer(Done::done, true);
  }
  if (member.typing == no_cell) start_typing(found, std::exchange(parts.typing, no_cell), now);
  Typing& typing = pool_.at<Typing>(member.typing);
  unlink_typing(member.typing, share);
  typing.at = now;
  link_typing(member.typing, share);
  if (!name.empty() || typing.name == no_cell) std::swap(typing.name, *given);
  free_text(pool_, *given);
  region_.channels.arrive(member.channel, found, now);
  if (member.joined) mark_member_row_dirty(found);
  const bool first_dirty = mark_dirty_first(cell, share);
  const bool sooner = std::min(due_of(of, policy), next_member_due(share, policy)) < due;
  const bool tells = !was_waiting && member.to_announce;
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
