// roster_member_work.cpp: what listeners of channels are told, and which rows of members the
// worker must write or delete.
//
// Like a user, a member remembers what was told last. A cursor or a state is told at once, and then
// its member is in the lane for `cursor_interval`: it is told again when that is over and something
// has changed meanwhile. So the lane is in the order in which its members leave it.
#include "roster_parts.h"
#include "row_lists.h"

namespace presence {

// ---- news ------------------------------------------------------------------

void Roster::link_in_lane(Cell cell, RealmPartition& share, Time now) {
  Member& linked = pool_.at<Member>(cell);
  linked.in_lane = true;
  linked.lane_at = now;
  linked.lane_next = no_cell;
  linked.lane_prev = share.last_in_lane;
  (share.last_in_lane == no_cell ? share.first_in_lane
                                 : pool_.at<Member>(share.last_in_lane).lane_next) = cell;
  share.last_in_lane = cell;
}

void Roster::unlink_in_lane(Cell cell, RealmPartition& share) {
  Member& gone = pool_.at<Member>(cell);
  (gone.lane_prev == no_cell ? share.first_in_lane : pool_.at<Member>(gone.lane_prev).lane_next) =
      gone.lane_next;
  (gone.lane_next == no_cell ? share.last_in_lane : pool_.at<Member>(gone.lane_next).lane_prev) =
      gone.lane_prev;
  gone.in_lane = false;
}

// Whether a member has a cursor or a state to be told now. The lane says when.
void Roster::choose_placed(Cell cell, Time now, MemberChanges& out) {
  Member& member = pool_.at<Member>(cell);
  out.moved = out.state_set = false;
  if (!member.joined || member.in_lane || !(member.cursor_changed || member.state_changed)) return;
  out.state_set = member.state_changed && (member.state_is_next || !member.cursor_changed);
  out.moved = !out.state_set;
  mark_placed(member, out.state_set, false);
  member.state_is_next = out.moved;
  link_in_lane(cell, region_.share(member.realm, member.partition), now);
}

namespace {

// What was shown of a member by a snapshot may not be what was told: what is true is told anyway.
void tell_what_is(const Member& member, MemberChanges& changes) {
  changes.updated |= member.joined && !changes.joined;
  changes.left |= !member.joined && member.has_left;
  changes.typing_started |= member.typing != no_cell;
  changes.typing_stopped |= member.typing == no_cell && member.has_stopped_typing;
}

// The same for those who must not know what it is.
void tell_nothing_is(MemberChanges& changes) { changes.left = changes.typing_stopped = true; }

// What listeners believe of a member.
struct Believed {
  bool joined, typing;
};

// Of those who were told `before` and may know `now`.
MemberChanges changes_of(Believed before, Believed now, bool status_changed, bool data_changed) {
  const bool stays = before.joined && now.joined;
  MemberChanges changes{};
  changes.joined = now.joined && !before.joined;
  changes.left = before.joined && !now.joined;
  changes.status_changed = stays && status_changed;
  changes.updated = stays && data_changed;
  changes.typing_started = now.typing && !before.typing;
  changes.typing_stopped = before.typing && !now.typing;
  return changes;
}

}  // namespace

// Compares what is with what was told. True: there is something to tell.
bool Roster::note_news(Cell cell, const Policy& policy, Time now, bool is_shown, MemberNews& out) {
  Member& member = pool_.at<Member>(cell);
  const User& of = user(member.user);
  const Visibility* visibility = visibility_of(of);
  const Rules rules =
      rules_in(visibility, pool_.at<Channel>(member.channel).hash, policy.default_audience);
  out.detail = detail_for_everybody(of, policy, pool_.at<Channel>(member.channel).hash);
  out.of_user = detail_for_everybody(of, policy, std::nullopt);
  out.audience = rules.of_channel ? rules.of_channel->audience
                 : rules.of_user  ? rules.of_user->audience
                                  : rules.preset;
  const bool was_seen = member.told_detail >= Detail::status;
  const bool is_seen = out.detail >= Detail::status;
  const Believed told{member.told_joined, member.told_typing};
  const Believed is{member.joined, member.typing != no_cell};
  const bool status_changed = of.status != member.told_status;
  const bool detail_changed = out.detail != member.told_detail;

  out.told_detail = member.told_detail;
  out.was_told = member.told_joined || member.told_typing;
  out.has_rules = visibility != nullptr;
  out.message_changed = member.message_changed;
  out.data_changed = member.data_changed;
  out.told = is.joined && !told.joined ? Status::offline : member.told_status;
  out.reason = member.reason;
  out.typing_reason = member.typing_reason;
  out.changed_at = member.changed_at;
  out.all = changes_of(told, is, status_changed || member.message_changed, member.data_changed);
  out.everybody = changes_of(
      {told.joined && was_seen, told.typing && was_seen},
      {is.joined && is_seen, is.typing && is_seen},
      status_changed || detail_changed || (member.message_changed && out.detail == Detail::full),
      member.data_changed || detail_changed);
  out.is_shown = is_shown && member.changed;
  if (out.is_shown) {
    tell_what_is(member, out.all);
    if (is_seen)
      tell_what_is(member, out.everybody);
    else if (was_seen || member.detail_changed)
      tell_nothing_is(out.everybody);
  }
  // Who sees the member from now on does not know yet where it is.
  const bool sees_more = detail_changed || (out.is_shown && member.detail_changed);
  if (member.joined && sees_more && out.detail == Detail::full) {
    member.cursor_changed |= member.cursor != no_cell;
    member.state_changed |= member.state != no_cell;
  }
  choose_placed(cell, now, out.all);
  out.everybody.moved = out.all.moved && out.detail == Detail::full;
  out.everybody.state_set = out.all.state_set && out.detail == Detail::full;
  if (!member.joined) member.cursor_changed = member.state_changed = false;
  member.told_joined = member.joined;
  member.told_typing = is.typing;
  member.told_status = of.status;
  member.told_detail = out.detail;
  member.message_changed = member.data_changed = false;
  member.changed = member.has_left = member.has_stopped_typing = member.detail_changed = false;

  if (!out.all.any() && !out.everybody.any()) return false;
  const Cell message =
      of.extras == no_cell ? no_cell : pool_.at<Extras>(of.extras).choices.top.message;
  copy_out(of, message, out.user);
  view_record(cell, policy, now, out.member);
  out.large = region_.channels.look_whether_large(member.channel, policy.large_channel);
  return true;
}

namespace {

constexpr uint32_t looks_at_once = 256;  // at members, with the lock held

}  // namespace

bool Roster::take_member_news(uint16_t realm, uint32_t partition, const Policy& policy, Time now,
                              bool is_shown, MemberNews& out) {
  RealmPartition& share = region_.share(realm, partition);
  for (uint32_t looks = 0; share.members_to_announce != no_cell && looks < looks_at_once; looks++) {
    const Cell cell = share.members_to_announce;
    Member& member = pool_.at<Member>(cell);
    share.members_to_announce = member.announce_next;
    member.to_announce = false;
    const bool was_shown = take_shown(share.members_shown_from, cell, member.announce_next);
    const bool tell = note_news(cell, policy, now, is_shown || was_shown, out);
    User& of = user(member.user);
    const bool row_says_why = of.persist == Persist::current || of.persist == Persist::dirty;
    if (row_says_why && !of.to_announce) drop_reason_text(of);
    remove_member_if_idle(cell);
    if (tell) return true;
  }
  return false;
}

// ---- rows ------------------------------------------------------------------

namespace {

RowLists<Member> rows_of(CellPool& pool, RealmPartition& share) { return {pool, share.members}; }

}  // namespace

void Roster::mark_member_row(Cell cell, RowState state) {
  const Member& marked = pool_.at<Member>(cell);
  rows_of(pool_, region_.share(marked.realm, marked.partition)).mark(cell, state);
}

bool Roster::mark_member_row_dirty(Cell cell) {
  const Member& marked = pool_.at<Member>(cell);
  return rows_of(pool_, region_.share(marked.realm, marked.partition)).mark_dirty(cell);
}

bool Roster::begin_deleting_member(uint16_t realm, uint32_t partition, MemberView& out) {
  const Cell cell = rows_of(pool_, region_.share(realm, partition)).begin_deleting();
  if (cell != no_cell) view_record(cell, {}, 0, out);
  return cell != no_cell;
}

bool Roster::begin_writing_member(uint16_t realm, uint32_t partition, const Policy& policy,
                                  Time now, MemberView& out) {
  const Cell cell = rows_of(pool_, region_.share(realm, partition)).begin_writing();
  if (cell != no_cell) view_record(cell, policy, now, out);
  return cell != no_cell;
}

void Roster::leave_member_row(uint16_t realm, uint32_t partition, Cell member) {
  rows_of(pool_, region_.share(realm, partition)).leave(member);
}

void Roster::end_member_rows(uint16_t realm, uint32_t partition, bool committed) {
  rows_of(pool_, region_.share(realm, partition))
      .end(
          committed, [](Member&) {}, [&](Cell cell) { remove_member_if_idle(cell); });
}

void Roster::flush_members(uint16_t realm, uint32_t partition) {
  rows_of(pool_, region_.share(realm, partition)).flush();
}

void Roster::try_member_rows_again(uint16_t realm, uint32_t partition) {
  rows_of(pool_, region_.share(realm, partition)).try_again();
}

bool Roster::has_members(uint16_t realm, uint32_t partition, RowState state) const {
  return rows_of(pool_, region_.share(realm, partition)).has(state);
}

}  // namespace presence
