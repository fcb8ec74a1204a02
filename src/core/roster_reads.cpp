// roster_reads.cpp: looking without touching.
//
// A reader with wishes of its own applies them to a copy of the facts.
#include <algorithm>
#include <cstring>

#include "roster_parts.h"

namespace presence {

namespace {

UserFacts with_wishes(UserFacts facts, std::span<const Wish> wishes, Time now) {
  DroppedTexts ignored;
  for (const Wish& wish : wishes) {
    ignored.count = 0;
    // What an earlier wish chose may have expired before this one was made.
    expire(facts.choices, wish.change.at, ignored);
    apply(facts, wish.change, ignored);
  }
  ignored.count = 0;
  expire(facts.choices, now, ignored);
  return facts;
}

// The minute is kept modulo minute_count: what was counted long before says nothing.
constexpr Duration forgets_after = minute_count / 2 * minute;

uint32_t interactions_per_minute(const User& user, Time now) {
  const uint32_t this_minute = minute_of(now);
  if (user.last_seen == forever_ago || now - user.last_seen > forgets_after) return 0;
  const uint64_t into = static_cast<uint64_t>(now % minute);
  const auto rest_of = [&](uint16_t count) {
    return static_cast<uint32_t>(count * (static_cast<uint64_t>(minute) - into) /
                                 static_cast<uint64_t>(minute));
  };
  if (user.minute == this_minute) return user.this_minute + rest_of(user.last_minute);
  if ((user.minute + 1) % minute_count == this_minute) return rest_of(user.this_minute);
  return 0;
}

}  // namespace

void Roster::copy_out(const User& from, Cell message, UserView& out) const {
  out.status = from.status;
  out.announced = from.announced;
  out.detail = Detail::full;
  out.message_until = never;
  out.reason = from.reason;
  out.last_seen = from.last_seen;
  out.has_last_seen = from.last_seen != forever_ago;
  out.changed_at = from.changed_at;
  out.activity_count = from.activity_count;
  out.id_bytes = get_id(pool_, from, out.id_text);
  out.message_changed = from.message_changed;
  out.data_changed = from.data_changed;
  out.page_bytes = get_text(pool_, from.page, out.page_text);
  out.data_bytes = get_text(pool_, from.data, out.data_text);
  out.message_bytes = get_text(pool_, message, out.message_text);
  out.reason_bytes = 0;
  if (from.extras != no_cell)
    out.reason_bytes = get_text(pool_, pool_.at<Extras>(from.extras).reason_text, out.reason_text);
}

namespace {

bool any_names_session(std::span<const Wish> wishes) {
  return std::any_of(wishes.begin(), wishes.end(),
                     [](const Wish& wish) { return !wish.session.id.empty(); });
}

}  // namespace

UserFacts Roster::facts_seen(Cell cell, std::span<const Wish> wishes, const Policy& policy,
                             Time now, uint32_t& count) const {
  // The first of several wishes may end a session, or make one for the next.
  if (wishes.size() > 1 || any_names_session(wishes))
    return facts_with(cell, wishes, policy, now, count);
  const Loaded loaded = load_facts(cell, policy, now);
  const UserFacts facts = with_wishes(loaded.facts, wishes, now);
  count = facts.all_ended ? 0 : loaded.present;
  // A wish may have made the newest one, brought it back from a goodbye, or ended its grace.
  const bool is_counted =
      !facts.all_ended && loaded.facts.connected && !loaded.facts.newest.disconnected;
  const bool counts = facts.connected && !facts.newest.disconnected &&
                      status_of(facts.newest, policy, now) != Status::offline;
  count += counts;
  count -= is_counted;
  return facts;
}

// Without wishes, and so without a copy of all that a change would need.
Roster::Seen Roster::see(const User& of, const Policy& policy, Time now) const {
  if (of.lives_on_touches) {
    // What its only session says needs no look at it, and nothing lies over that.
    SessionFacts touched;
    touched.active_at = of.last_seen;
    const Status status = status_of(touched, policy, now);
    return {status, no_cell, never, of.last_seen, status != Status::offline};
  }
  Merged sessions;
  uint32_t count = 0;
  for (Cell at = of.sessions; at != no_cell; at = pool_.at<Session>(at).next) {
    const SessionFacts facts = facts_of(of, pool_.at<Session>(at), policy);
    sessions.add(facts, policy, now);
    count += !facts.disconnected && now < end_of(facts, policy);
  }
  static constexpr Choices nothing;
  const Choices& choices = of.extras == no_cell ? nothing : pool_.at<Extras>(of.extras).choices;
  const Look seen = look(sessions, choices, now);
  return {seen.status, seen.message, seen.message_until, of.last_seen, count};
}

Roster::Seen Roster::see(Cell cell, std::span<const Wish> wishes, const Policy& policy,
                         Time now) const {
  if (wishes.empty()) return see(user(cell), policy, now);
  uint32_t count;
  const UserFacts facts = facts_seen(cell, wishes, policy, now, count);
  const Look seen = look(facts, policy, now);
  return {seen.status, seen.message, seen.message_until, facts.last_seen, count};
}

void Roster::view(Cell cell, std::span<const Wish> wishes, const Policy& policy, Time now,
                  UserView& out) const {
  const User& viewed = user(cell);
  const Seen seen = see(cell, wishes, policy, now);
  copy_out(viewed, seen.message, out);
  out.message_until = seen.message_until;
  out.cell = cell;
  out.status = seen.status;
  out.last_seen = seen.last_seen;
  out.has_last_seen = seen.last_seen != forever_ago;
  out.session_count = seen.sessions;
  out.interactions_per_minute = interactions_per_minute(viewed, now);
  for (const Wish& wish : wishes) {
    if (wish.gives_page) out.page_bytes = get_text(pool_, wish.page, out.page_text);
    if (wish.gives_data) out.data_bytes = get_text(pool_, wish.data, out.data_text);
    if (wish.change.kind != ChangeKind::forget) continue;
    out.page_bytes = out.data_bytes = out.activity_count = out.interactions_per_minute = 0;
  }
}

Status Roster::status_at(Cell cell, std::span<const Wish> wishes, const Policy& policy,
                         Time now) const {
  return see(cell, wishes, policy, now).status;
}

std::size_t Roster::choices_line(Cell cell, std::span<const Wish> wishes, Time now,
                                 char* to) const {
  const User& of = user(cell);
  UserFacts facts;
  if (of.extras != no_cell) facts.choices = pool_.at<Extras>(of.extras).choices;
  DroppedTexts ignored;
  expire(facts.choices, now, ignored);
  facts = with_wishes(facts, wishes, now);
  if (facts.choices.empty()) return 0;

  char messages[max_layers][max_message_bytes];
  ChoicesText text;
  const auto add = [&](const Layer& layer) {
    char* message = messages[text.count];
    const uint32_t bytes = get_text(pool_, layer.message, message);
    text.layers[text.count++] = {layer.status, layer.until, layer.message_until, {message, bytes}};
  };
  add(facts.choices.top);
  for (uint8_t i = facts.choices.depth; i > 0; i--) add(facts.choices.earlier[i - 1]);
  return write_choices(text, to);
}

// ---- many ------------------------------------------------------------------

void Counts::add(Status status, int by) {
  const auto more = static_cast<uint32_t>(by);  // modulo 2^32, so that -1 works
  switch (status) {
    case Status::online:
      online += more;
      break;
    case Status::busy:
      busy += more;
      break;
    case Status::away:
      away += more;
      break;
    case Status::offline:
      break;
  }
}

void Roster::count(uint16_t realm, uint32_t partition, Counts& counts) const {
  const RealmPartition& share = region_.share(realm, partition);
  for (uint8_t number = 1; number < list_count; number++)
    counts.add(status_of_list(number), static_cast<int>(share.lists[number].count));
}

void Roster::count_seen(uint16_t realm, uint32_t partition, Counts& counts) const {
  const RealmPartition& share = region_.share(realm, partition);
  for (uint8_t number = 1; number < list_count; number++)
    if (kind_of_list(number) != UserKind::closed)
      counts.add(status_of_list(number), static_cast<int>(share.lists[number].count));
}

namespace {

// The lists of a status, of users of some kinds, taken together in the order of last_seen.
class NewestFirst {
 public:
  NewestFirst(const CellPool& pool, const RealmPartition& share, Status status, UserKind first,
              UserKind last)
      : pool_(pool) {
    for (uint8_t kind = static_cast<uint8_t>(first); kind <= static_cast<uint8_t>(last); kind++)
      for (uint8_t i = 0; i < lists_of_status; i++) {
        const Cell head =
            share.lists[list_of(status, i / 2, i % 2, static_cast<UserKind>(kind))].newest;
        if (head != no_cell) heads_[count_++] = head;
      }
  }

  Cell next() {
    if (count_ == 0) return no_cell;
    std::size_t newest = 0;
    for (std::size_t i = 1; i < count_; i++)
      if (pool_.at<User>(heads_[i]).last_seen > pool_.at<User>(heads_[newest]).last_seen)
        newest = i;
    const Cell cell = heads_[newest];
    heads_[newest] = pool_.at<User>(cell).older;
    if (heads_[newest] == no_cell) heads_[newest] = heads_[--count_];
    return cell;
  }

 private:
  const CellPool& pool_;
  std::array<Cell, kinds * lists_of_status> heads_;
  std::size_t count_ = 0;
};

constexpr auto worst_first = [](Time a, Time b) { return a > b; };

}  // namespace

bool Cutoff::admits(Time last_seen) const {
  if (last_seen < not_before || best.empty()) return false;
  return count < best.size() || last_seen > best[0];
}

void Cutoff::add(Time last_seen) {
  if (count == best.size()) {
    std::pop_heap(best.begin(), best.end(), worst_first);
    count--;
  }
  best[count++] = last_seen;
  std::push_heap(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(count), worst_first);
}

// A user who is open is seen by all but those whom a relation says otherwise.
bool Roster::is_listed(Cell cell, const Viewer* viewer, const Policy& policy) const {
  const User& listed = user(cell);
  if (!viewer) return true;
  const Visibility* visibility = visibility_of(listed);
  if (viewer->is_everybody)
    return detail_for_everybody(visibility, policy, std::nullopt) >= Detail::status;
  if (relation_to(visibility, *viewer))
    return detail_in(listed, visibility, *viewer, std::nullopt, policy) == Detail::full;
  // Its list may still be that of the setting before.
  return kind_of(listed, policy.default_audience) == UserKind::open;
}

bool Cutoffs::reaches(const Glance& glance) const {
  const Cutoff& cutoff = by_status[static_cast<std::size_t>(glance.status)];
  if (glance.detail != Detail::full) return glance.detail == Detail::status;
  if (glance.last_seen < cutoff.not_before) return false;
  return cutoff.count < cutoff.best.size() || glance.last_seen >= cutoff.best[0];
}

void Roster::find_cutoff(uint16_t realm, uint32_t partition, Status status, const Viewer* viewer,
                         const Policy& policy, Cutoff& cutoff) const {
  NewestFirst users(pool_, region_.share(realm, partition), status, UserKind::open,
                    viewer ? UserKind::open : UserKind::closed);
  for (Cell cell = users.next(); cell != no_cell; cell = users.next()) {
    if (!cutoff.admits(user(cell).last_seen)) return;
    if (is_listed(cell, viewer, policy)) cutoff.add(user(cell).last_seen);
  }
}

void Roster::add_candidate(Cell cell, std::span<Candidate> room, std::size_t& found) const {
  if (found < room.size()) {
    room[found].last_seen = user(cell).last_seen;
    room[found].id_bytes = get_id(pool_, user(cell), room[found].id_text);
  }
  found++;
}

std::size_t Roster::collect(uint16_t realm, uint32_t partition, Status status, const Viewer* viewer,
                            const Policy& policy, Time not_before,
                            std::span<Candidate> room) const {
  NewestFirst users(pool_, region_.share(realm, partition), status, UserKind::open,
                    viewer ? UserKind::open : UserKind::closed);
  std::size_t found = 0;
  for (Cell cell = users.next(); cell != no_cell; cell = users.next()) {
    if (user(cell).last_seen < not_before) break;
    if (is_listed(cell, viewer, policy)) add_candidate(cell, room, found);
  }
  return found;
}

std::size_t Roster::collect_kind(uint16_t realm, uint32_t partition, Status status, UserKind kind,
                                 std::span<Candidate> room) const {
  NewestFirst users(pool_, region_.share(realm, partition), status, kind, kind);
  std::size_t found = 0;
  for (Cell cell = users.next(); cell != no_cell; cell = users.next())
    add_candidate(cell, room, found);
  return found;
}

}  // namespace presence
