// roster_member_reads.cpp: who is in a channel, and in which channels a user is.
#include <algorithm>
#include <cstring>

#include "roster_parts.h"

namespace presence {

void Roster::read_placed(Cell text, char* first, uint32_t& first_bytes, char* second,
                         uint32_t& second_bytes) const {
  first_bytes = second_bytes = 0;
  if (text == no_cell) return;
  char all[sizeof(Placed) + 2 * max_placed_bytes];
  const uint32_t bytes = get_text(pool_, text, all);
  Placed head;
  std::memcpy(&head, all, sizeof head);
  first_bytes = head.first_bytes;
  second_bytes = bytes - static_cast<uint32_t>(sizeof head) - first_bytes;
  std::memcpy(first, all + sizeof head, first_bytes);
  if (second) std::memcpy(second, all + sizeof head + first_bytes, second_bytes);
}

void Roster::view_record(Cell cell, const Policy& policy, Time now, MemberView& out) const {
  const Member& member = pool_.at<Member>(cell);
  const User& of = user(member.user);
  out.cell = cell;
  out.partition = member.partition;
  out.detail = Detail::full;
  out.status = status_at(member.user, {}, policy, now);
  out.joined_at = member.joined_at;
  out.last_active = region_.channels.last_active(member.channel, cell);
  out.id_bytes = get_id(pool_, of, out.id_text);
  out.channel_bytes = get_id(pool_, pool_.at<Channel>(member.channel), out.channel_text);
  out.has_own_data = member.data != no_cell;
  out.data_bytes = get_text(pool_, out.has_own_data ? member.data : of.data, out.data_text);
  read_placed(member.cursor, out.cursor_text, out.cursor_bytes, out.selection_text,
              out.selection_bytes);
  uint32_t nothing;
  read_placed(member.state, out.state_text, out.state_bytes, nullptr, nothing);

  out.name_bytes = 0;
  out.typing = false;
  if (member.typing != no_cell) {
    const Typing& typing = pool_.at<Typing>(member.typing);
    out.typing = typing.at + policy.typing_timeout > now;
    out.typing_since = typing.since;
    out.name_bytes = get_text(pool_, typing.name, out.name_text);
  }

  out.seats_bytes = 0;
  for (Cell at = of.sessions; at != no_cell; at = pool_.at<Session>(at).next) {
    if (pool_.at<Session>(at).seats > 0 && has_seat(member, at)) add_seat_text(at, out);
  }
}

// One that was made up has no id.
void Roster::add_seat_text(Cell cell, MemberView& out) const {
  if (cell == no_cell) return;
  const Session& session = pool_.at<Session>(cell);
  if (session.id_bytes == 0 || out.seats_bytes + session.id_bytes + 1u > sizeof out.seats_text)
    return;
  out.seats_bytes += get_id(pool_, session, out.seats_text + out.seats_bytes);
  out.seats_text[out.seats_bytes++] = '\0';
}

namespace {

// As it comes into the channel: whatever it had there before is over.
void view_newcomer(MemberView& out) {
  out.has_own_data = false;
  out.cursor_bytes = out.selection_bytes = out.state_bytes = out.seats_bytes = 0;
}

// As it has never been in the channel.
void view_stranger(MemberView& out) {
  view_newcomer(out);
  out.detail = Detail::full;
  out.typing = false;
  out.name_bytes = 0;
}

}  // namespace

// Where a user is by open wishes. A session that is not there yet is known by the cell that its
// wish has brought along.
class Roster::OwnPlace {
 public:
  OwnPlace(const Roster& roster, Cell cell, Cell member, std::span<const Wish> wishes)
      : roster_(roster), cell_(cell), wishes_(wishes) {
    newest_ = roster.newest_session(cell, no_cell);
    if (member == no_cell || !roster.pool_.at<Member>(member).joined) return;
    const Member& of = roster.pool_.at<Member>(member);
    for (Cell at = roster.user(cell).sessions; at != no_cell;
         at = roster.pool_.at<Session>(at).next)
      if (roster.has_seat(of, at)) sit(at);
  }

  void apply_next(const ChannelKey& channel) {
    const Wish& wish = wishes_[applied_++];
    const bool is_here = names_channel(wish.change.kind) && wish.channel.id == channel.id;
    switch (wish.change.kind) {
      case ChangeKind::leave:
      case ChangeKind::log_out:
      case ChangeKind::forget:
        count_ = 0;
        newest_ = no_cell;
        return;
      case ChangeKind::connect:
        newest_ = session_of(wish.session);
        take_over();
        return;
      case ChangeKind::join:
        if (is_here) sit(session_of(wish.session));
        return;
      case ChangeKind::leave_channel:
        if (is_here) stand_up(wish);
        return;
      default:
        return;
    }
  }

  bool is_member() const { return count_ > 0; }
  void write_seats(MemberView& out) const {
    out.seats_bytes = 0;
    for (std::size_t i = 0; i < count_; i++) roster_.add_seat_text(seats_[i], out);
  }
  bool sits_in(const SessionKey& session) const {
    const Cell cell = session_of(session);
    return cell != no_cell && is_taken(cell);
  }

 private:
  // Without an id, or by one that nobody knows any more, the newest.
  Cell session_of(const SessionKey& session) const {
    if (session.id.empty()) return newest_;
    const SessionIndex::Found found = roster_.region_.sessions.find(session);
    if (found.session != no_cell && found.user == cell_) return found.session;
    for (std::size_t i = applied_; i-- > 0;)
      if (wishes_[i].change.kind == ChangeKind::connect && wishes_[i].session.id == session.id)
        return wishes_[i].spare_session;
    return no_cell;
  }

  bool is_taken(Cell seat) const {
    return std::find(seats_.begin(), seats_.begin() + count_, seat) != seats_.begin() + count_;
  }

  void sit(Cell session) {
    if (!is_taken(session) && count_ < seats_.size()) seats_[count_++] = session;
  }

  // Whoever connects sits where the session that was made up did.
  void take_over() {
    const auto is_made_up = [&](Cell seat) {
      return seat == no_cell || roster_.pool_.at<Session>(seat).id_bytes == 0;
    };
    Cell* end = std::remove_if(seats_.data(), seats_.data() + count_, is_made_up);
    if (end == seats_.data() + count_) return;
    count_ = static_cast<std::size_t>(end - seats_.data());
    sit(newest_);
  }

  void stand_up(const Wish& wish) {
    if (wish.session.id.empty()) {
      count_ = 0;
      return;
    }
    Cell* end = std::remove(seats_.data(), seats_.data() + count_, session_of(wish.session));
    count_ = static_cast<std::size_t>(end - seats_.data());
  }

  const Roster& roster_;
  Cell cell_;
  Cell newest_;
  std::span<const Wish> wishes_;
  std::size_t applied_ = 0;
  std::array<Cell, max_sessions> seats_;
  std::size_t count_ = 0;
};

bool Roster::is_seated(Cell cell, const ChannelKey& channel, const SessionKey* session,
                       std::span<const Wish> wishes) const {
  OwnPlace place(*this, cell, look_up_member(cell, channel), wishes);
  for (std::size_t i = 0; i < wishes.size(); i++) place.apply_next(channel);
  return session ? place.sits_in(*session) : place.is_member();
}

bool Roster::view_member(Cell cell, const ChannelKey& channel, std::span<const Wish> wishes,
                         const Policy& policy, Time now, MemberView& out) const {
  const Cell found = look_up_member(cell, channel);
  const bool joined = found != no_cell && pool_.at<Member>(found).joined;
  if (wishes.empty()) {
    if (joined) view_record(found, policy, now, out);
    return joined;
  }
  OwnPlace place(*this, cell, found, wishes);
  std::size_t first = 0;  // what was wished before it is about a membership that is over
  for (std::size_t i = 0; i < wishes.size(); i++) {
    const bool was_member = place.is_member();
    place.apply_next(channel);
    if (was_member && !place.is_member()) first = i + 1;
  }
  if (!place.is_member()) return false;

  const User& of = user(cell);
  bool is_member = joined && first == 0;
  if (found != no_cell) {
    view_record(found, policy, now, out);
  } else {
    view_stranger(out);
    out.id_bytes = get_id(pool_, of, out.id_text);
    out.data_bytes = get_text(pool_, of.data, out.data_text);
    out.channel_bytes = static_cast<uint32_t>(channel.id.size());
    std::memcpy(out.channel_text, channel.id.data(), channel.id.size());
  }
  if (found != no_cell && !is_member) {
    view_newcomer(out);
    out.data_bytes = get_text(pool_, of.data, out.data_text);
  }
  if (first > 0) out.typing = false;
  place.write_seats(out);
  if (!is_member) out.last_active = forever_ago;
  out.status = status_at(cell, wishes, policy, now);
  for (std::size_t i = 0; i < wishes.size(); i++) {
    const Wish& wish = wishes[i];
    if (wish.gives_data && !names_channel(wish.change.kind) && !out.has_own_data)
      out.data_bytes = get_text(pool_, wish.data, out.data_text);
    if (i < first || wish.change.kind != ChangeKind::join || wish.channel.id != channel.id)
      continue;
    if (!is_member) out.joined_at = wish.change.at;
    is_member = true;
    out.last_active = std::max(out.last_active, wish.change.at);
    if (wish.gives_data) {
      out.has_own_data = true;
      out.data_bytes = get_text(pool_, wish.data, out.data_text);
    }
    if (wish.gives_cursor)
      read_placed(wish.placed, out.cursor_text, out.cursor_bytes, out.selection_text,
                  out.selection_bytes);
    uint32_t nothing;
    if (wish.gives_state)
      read_placed(wish.placed, out.state_text, out.state_bytes, nullptr, nothing);
  }
  return true;
}

bool Roster::view_typing(Cell cell, const ChannelKey& channel, const Policy& policy, Time now,
                         MemberView& out) const {
  const Cell found = look_up_member(cell, channel);
  if (found == no_cell || pool_.at<Member>(found).typing == no_cell) return false;
  view_record(found, policy, now, out);
  return out.typing;
}

std::optional<std::size_t> Roster::members_after(Cell after, const ChannelKey& channel,
                                                 Time not_before,
                                                 std::span<MemberCandidate> room) const {
  const Cell found = look_up_member(after, channel);
  if (found == no_cell || !pool_.at<Member>(found).joined) return std::nullopt;
  return region_.channels.collect(channel, found, not_before, room);
}

std::size_t Roster::channels(Cell cell, std::span<char> room) const {
  std::size_t bytes = 0;
  for (Cell at = members_of(user(cell)); at != no_cell; at = pool_.at<Member>(at).next) {
    if (!pool_.at<Member>(at).joined) continue;
    char id[max_id_bytes];
    const uint32_t here = get_id(pool_, pool_.at<Channel>(pool_.at<Member>(at).channel), id);
    if (bytes + here + 1 <= room.size()) {
      std::memcpy(room.data() + bytes, id, here);
      room[bytes + here] = '\0';
    }
    bytes += here + 1;
  }
  return bytes;
}

}  // namespace presence
