// crowd.cpp: the crowd comes, does what it is asked to, and is as before.
#include "crowd.h"

#include <algorithm>

namespace presence {

namespace {

constexpr Policy policy;
constexpr Time start = 840'000'000 * second;
constexpr IndexLocks no_lock = {[](uint32_t) {}, [](uint32_t) {}, [](uint32_t) {}};
constexpr Region::Locks no_locks = {no_lock, no_lock, no_lock};
constexpr std::size_t bytes_of_user = 400;
constexpr std::size_t bytes_of_changes = 16 << 20;
constexpr std::size_t changes_at_once = 4096;
constexpr std::size_t list = 100;
constexpr uint32_t large_channel = 500;

// A prime, so that each user has its turn, and the next one is far away.
constexpr std::size_t stride = 7919;

std::vector<std::string> ids_of(std::size_t users) {
  std::vector<std::string> ids(users);
  for (std::size_t i = 0; i < users; i++) ids[i] = "user-" + std::to_string(i * stride % users);
  return ids;
}

std::vector<std::string> names_of_rooms() {
  std::vector<std::string> rooms(changes_at_once / list);
  for (std::size_t i = 0; i < rooms.size(); i++) rooms[i] = "room-" + std::to_string(i);
  return rooms;
}

}  // namespace

Crowd::Crowd(std::size_t users)
    : now_(start),
      ids_(ids_of(users)),
      rooms_(names_of_rooms()),
      best_(list),
      candidates_(2 * list) {
  const std::size_t bytes = users * bytes_of_user + bytes_of_changes;
  memory_ = std::make_unique<RawCell[]>(bytes / cell_bytes);
  region_.create(memory_.get(), plan_region(bytes), {1, 2}, no_locks);
  for (const std::string& id : ids_) roster_.touch(roster_.add(key_of(id)), {}, policy, ++now_);
  work();
}

const std::string& Crowd::next_id() {
  const std::string& id = ids_[next_];
  next_ = next_ + 1 == ids_.size() ? 0 : next_ + 1;
  return id;
}

ChannelKey Crowd::next_room() { return region_.channel_key(0, rooms_[next_ % rooms_.size()]); }

Touched Crowd::touch() {
  return roster_.touch(roster_.find(key_of(next_id())), {}, policy, ++now_);
}

Status Crowd::status() {
  return roster_.status_at(roster_.find(key_of(next_id())), {}, policy, now_);
}

const UserView& Crowd::view() {
  roster_.view(roster_.find(key_of(next_id())), {}, policy, now_, *seen_);
  return *seen_;
}

Wish Crowd::wish_for(ChangeKind kind) {
  Wish wish;
  wish.change.kind = kind;
  wish.change.at = ++now_;
  for (Cell* spare : {&wish.spare_session, &wish.spare_extras}) *spare = region_.pool.take();
  return wish;
}

void Crowd::commit(Cell user, Wish wish) {
  roster_.grant(user, wish, policy, now_);
  roster_.drop_claim(user);
}

void Crowd::set_status() {
  const Cell user = roster_.find(key_of(next_id()));
  roster_.settle_user(user, policy, now_);
  roster_.claim(user);
  Wish wish = wish_for(ChangeKind::choose);
  wish.change.status = Status::busy;
  wish.change.message = put_text(region_.pool, "in a call").value_or(no_cell);
  roster_.view(user, {&wish, 1}, policy, now_, *seen_);
  chosen_.push_back(user);
  commit(user, wish);
}

void Crowd::join() {
  const Cell user = roster_.find(key_of(next_id()));
  roster_.settle_user(user, policy, now_);
  roster_.claim(user);
  Wish wish = wish_for(ChangeKind::join);
  wish.reason = Reason::join;
  wish.writes_row = false;
  wish.channel = next_room();
  wish.spare_channel = region_.channels.make(wish.channel);
  for (Cell* spare : {&wish.spare_member, &wish.spare_seats}) *spare = region_.pool.take();
  joined_.emplace_back(user, wish.channel);
  commit(user, wish);
}

std::size_t Crowd::newest_hundred() {
  Cutoff cutoff;
  cutoff.best = best_;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster_.find_cutoff(0, partition, Status::online, nullptr, policy, cutoff);
  std::size_t found = 0;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    found += roster_.collect(0, partition, Status::online, nullptr, policy, best_[0],
                             std::span(candidates_).subspan(found));
  return found;
}

Counts Crowd::count() {
  Counts counts;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    roster_.count(0, partition, counts);
  return counts;
}

bool Crowd::settle() {
  constexpr uint32_t at_once = 256;
  bool all = true;
  for (uint32_t partition = 0; partition < partition_count; partition++)
    all &= roster_.settle(0, partition, policy, now_, at_once);
  return all;
}

std::size_t Crowd::most_changes() const { return std::min(changes_at_once, ids_.size()); }

void Crowd::restore() {
  for (const Cell user : chosen_) {
    roster_.claim(user);
    Wish wish = wish_for(ChangeKind::be_automatic);
    wish.change.message = no_cell;
    commit(user, wish);
  }
  for (const auto& [user, room] : joined_) {
    roster_.claim(user);
    Wish wish = wish_for(ChangeKind::leave_channel);
    wish.reason = Reason::leave;
    wish.channel = room;
    commit(user, wish);
  }
  chosen_.clear();
  joined_.clear();
  work();
}

// Nobody listens and there is no table, but the lists are empty behind it.
void Crowd::work() {
  const auto news = std::make_unique<UserNews>();
  const auto member_news = std::make_unique<MemberNews>();
  const auto member = std::make_unique<MemberView>();
  ChannelNews channel_news;
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    while (roster_.take_announcement(0, partition, policy, false, *news)) {
    }
    while (roster_.has_member_news(0, partition))
      roster_.take_member_news(0, partition, policy, now_, false, *member_news);
    roster_.flush(0, partition);
    while (roster_.begin_writing(0, partition, policy, now_, *seen_))
      roster_.end_writing(seen_->cell);
    while (roster_.begin_deleting_member(0, partition, *member)) {
    }
    roster_.end_member_rows(0, partition, true);
    while (region_.channels.take_news(0, partition, large_channel, now_, channel_news)) {
    }
  }
}

}  // namespace presence
