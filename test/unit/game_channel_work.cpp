// game_channel_work.cpp: what listeners of channels hear, and what the worker writes of members.
#include <algorithm>

#include "game.h"

namespace presence::test {

// ---- what listeners hear

void Game::tell_members() {
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  // The worker has looked at channels some time before it comes to the members.
  const bool has_just_looked = !dice_.one_in(4);
  log("tell the " + std::string(has_just_looked ? "channels" : "members") + " of realm " +
      std::to_string(realm));
  if (has_just_looked) tell_channels(realm);
  tell_members_of(realm);
}

// "above large_channel members it sends channel_occupancy at most once a second"
void Game::tell_channels(uint16_t realm) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    region_.channels.settle(realm, partition, now_);
    expect(region_.channels.next_due(realm, partition) > now_, "no channel waits once settled");
    while (region_.channels.take_news(realm, partition, model_.policy.large_channel, now_,
                                      channel_news_)) {
      const std::string channel(channel_news_.id());
      NaiveListener& listener = listeners_[{realm, channel}];
      log(channel.substr(0, 4) + " has " + std::to_string(channel_news_.members) +
          (channel_news_.large ? "" : ", not large"));
      expect(channel_news_.members == region_.channels.members(region_.channel_key(realm, channel)),
             "an occupancy is true");
      expect(!listener.told_at || *listener.told_at + occupancy_interval <= now_,
             "an occupancy is told at most once a second");
      listener.told_at = now_;
      listener.large = everybody_[{realm, channel}].large = channel_news_.large;
      if (channel_news_.resync) listen_anew(realm, channel);
    }
    expect(!region_.channels.has_news(realm, partition), "no channel has news once told");
  }
}

// A snapshot.
void Game::listen_anew(uint16_t realm, const std::string& channel) {
  NaiveListener& listener = listeners_[{realm, channel}];
  NaiveListener& everybody = everybody_[{realm, channel}];
  listener.users.clear();
  everybody.users.clear();
  for (const auto& [key, user] : model_.users) {
    if (key.first != realm) continue;
    listener.users[key.second] = snapshot_of(key, channel, Detail::full);
    everybody.users[key.second] =
        snapshot_of(key, channel, model_.detail_for_everybody(user, &channel));
  }
}

Heard Game::snapshot_of(const Key& key, const std::string& channel, Detail detail) {
  Heard heard;
  if (detail < Detail::status) return heard;
  const Cell cell = roster_.find(user_key(key));
  const ChannelKey channel_key = region_.channel_key(key.first, channel);
  heard.types = roster_.view_typing(cell, channel_key, model_.policy, now_, member_view_);
  heard.joined = roster_.view_member(cell, channel_key, {}, model_.policy, now_, member_view_);
  if (!heard.joined) return heard;
  heard.status = model_.users.at(key).visible.status;
  if (detail < Detail::full) return heard;
  heard.message = model_.users.at(key).visible.message;
  heard.data = member_view_.data();
  heard.cursor = member_view_.cursor();
  heard.selection = member_view_.selection();
  heard.state = member_view_.state();
  return heard;
}

void Game::tell_members_of(uint16_t realm) {
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    while (roster_.take_member_news(realm, partition, model_.policy, now_, false, member_news_)) {
      const MemberView& member = member_news_.member;
      const std::string channel(member.channel());
      const Key key{realm, std::string(member.id())};
      log("tell " + channel.substr(0, 4) + " of " + short_name(key));
      if (member_news_.all.moved || member_news_.all.state_set) {
        expect(!member_news_.all.moved || !member_news_.all.state_set, "one of the two is told",
               key);
        const auto before = told_moves_.find({key, channel});
        expect(
            before == told_moves_.end() || before->second + model_.policy.cursor_interval <= now_,
            "moves are told once in an interval", key);
        told_moves_[{key, channel}] = now_;
      }
      if (member_news_.all.left || member_news_.all.joined) told_moves_.erase({key, channel});
      compare_member_news(key, channel);
      hear(listeners_[{realm, channel}], member_news_.all, Detail::full);
      hear(everybody_[{realm, channel}], member_news_.everybody, member_news_.detail);
    }
    expect(!roster_.has_member_news(realm, partition), "no member has news once told");
  }
  note_records();
}

// Each event has all that it is about, so that applying it twice is harmless.
void Game::hear(NaiveListener& listener, const MemberChanges& changes, Detail detail) const {
  if (!changes.any()) return;
  const MemberNews& news = member_news_;
  Heard& of = listener.users[std::string(news.member.id())];
  const bool comes_or_goes = !news.large && (changes.joined || changes.left);
  if (comes_or_goes) of.joined = changes.joined;
  if (changes.joined || changes.status_changed) {
    of.status = news.user.status;
    of.message = news.user.message();
  }
  if (changes.joined || changes.updated) of.data = news.member.data();
  if (changes.typing_started || changes.typing_stopped) of.types = changes.typing_started;
  if (changes.moved) {
    of.cursor = news.member.cursor();
    of.selection = news.member.selection();
  }
  if (changes.state_set) of.state = news.member.state();
  // Who is told of the status alone forgets the rest.
  if (detail < Detail::full) of.message = of.data = of.cursor = of.selection = of.state = {};
  if (!changes.left) return;
  of = Heard{};
  // A listener of a large channel does not hear that it left.
  of.joined = news.large;
}

// Nothing is left to tell. Cursors and states may have to wait, the one for the other.
void Game::tell_everything(uint16_t realm) {
  for (int round = 0; round < 4; round++) {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (!roster_.settle(realm, partition, model_.policy, now_, 100)) {
      }
    for (auto& [key, user] : model_.users)
      if (key.first == realm) model_.settle(user, now_);
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take_announcement(realm, partition)) {
      }
    tell_channels(realm);
    tell_members_of(realm);
    if (round < 3) now_ += std::max(model_.policy.cursor_interval, occupancy_interval);
  }
  log("everything is told of realm " + std::to_string(realm) + ", it is " + when(now_));
  compare_listeners(realm);
}

// "A consumer converges."
void Game::compare_listeners(uint16_t realm) const {
  compare_beliefs(realm);
  for (const std::string& channel : channel_ids) {
    const auto all = listeners_.find({realm, channel});
    if (all != listeners_.end()) compare_listener(all->second, realm, channel, false);
    const auto everybody = everybody_.find({realm, channel});
    if (everybody != everybody_.end()) compare_listener(everybody->second, realm, channel, true);
  }
}

void Game::compare_listener(const NaiveListener& listener, uint16_t realm,
                            const std::string& channel, bool is_everybody) const {
  for (const std::string& id : ids) {
    const Key key{realm, id};
    const auto user = model_.users.find(key);
    NaivePlace place;
    if (user != model_.users.end() && user->second.places.count(channel) > 0)
      place = user->second.places.at(channel);
    Detail detail = Detail::full;
    if (is_everybody && user != model_.users.end())
      detail = model_.detail_for_everybody(user->second, &channel);
    const bool is_seen = detail >= Detail::status;
    const auto found = listener.users.find(id);
    const Heard heard = found == listener.users.end() ? Heard{} : found->second;
    expect(heard.types == (is_seen && place.types(model_.policy, now_)), "listeners know who types",
           key);
    if (listener.large) continue;
    expect(heard.joined == (is_seen && place.joined), "listeners know who is there", key);
    if (!is_seen || !place.joined) continue;
    const NaiveUser& of = user->second;
    expect(heard.status == of.visible.status, "listeners know the status", key);
    if (detail < Detail::full) continue;
    expect(heard.message == of.visible.message, "listeners know the message", key);
    expect(heard.data == (place.data.empty() ? of.data : place.data), "listeners know the data",
           key);
    expect(heard.cursor == place.cursor && heard.selection == place.selection,
           "listeners know the last cursor", key);
    expect(heard.state == place.state, "listeners know the last state", key);
  }
}

// ---- the rows of members

// A transaction takes what waits, in either order, and is over at another step.
void Game::work_on_member_rows() {
  if (works_on_member_rows_) return end_member_rows(!dice_.one_in(4));
  works_on_member_rows_ = true;
  const uint16_t realm = static_cast<uint16_t>(dice_.below(realms));
  const bool flushes = dice_.one_in(2), deletes_first = dice_.one_in(2);
  const bool tries_again = dice_.one_in(2);
  const uint32_t at_most = 1 + dice_.below(3);
  log("write rows of members");
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    if (flushes) roster_.flush_members(realm, partition);
    if (tries_again) roster_.try_member_rows_again(realm, partition);
    begin_member_rows(realm, partition, deletes_first, at_most);
    begin_member_rows(realm, partition, !deletes_first, at_most);
  }
}

void Game::begin_member_rows(uint16_t realm, uint32_t partition, bool deletes, uint32_t at_most) {
  MemberView& view = member_view_;
  for (; at_most > 0; at_most--) {
    const bool begun =
        deletes ? roster_.begin_deleting_member(realm, partition, view)
                : roster_.begin_writing_member(realm, partition, model_.policy, now_, view);
    if (!begun) {
      const RowState state = deletes ? RowState::ended : RowState::waiting;
      expect(!roster_.has_members(realm, partition, state), "no row of a member is left");
      return;
    }
    const Key key{realm, std::string(view.id())};
    const std::string channel(view.channel());
    log((deletes ? "delete the row of " : "write the row of ") + short_name(key) + " in " +
        channel.substr(0, 4));
    const NaivePlace* place = model_.place(key, channel);
    expect((place && place->joined) == !deletes, "rows are of members", key);
    MemberWork work{key, channel, view.cell, deletes, dice_.one_in(8), {}};
    if (!deletes) {
      compare_member(view, key, *place);
      work.row = {ids_of(view.seats()),
                  view.has_own_data ? std::string(view.data()) : std::string{},
                  std::string(view.cursor()),
                  std::string(view.selection()),
                  std::string(view.state()),
                  view.joined_at,
                  view.last_active};
    }
    member_work_.push_back(work);
  }
}

void Game::end_member_rows(bool committed) {
  if (!member_work_.empty()) log(committed ? "rows of members are committed" : "and are not");
  for (const MemberWork& work : member_work_) {
    if (work.is_locked)
      roster_.leave_member_row(work.key.first, user_key(work.key).partition(), work.cell);
    if (!committed || work.is_locked) continue;
    const std::pair<Key, std::string> where{work.key, work.channel};
    if (work.deletes)
      member_rows_.erase(where);
    else
      member_rows_[where] = work.row;
  }
  member_work_.clear();
  works_on_member_rows_ = false;
  for (uint16_t realm = 0; realm < realms; realm++)
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      roster_.end_member_rows(realm, partition, committed);
      expect(!roster_.has_members(realm, partition, RowState::writing) &&
                 !roster_.has_members(realm, partition, RowState::deleting),
             "no row of a member is being written any more");
    }
  note_records();
}

// At rest the table is what memory knows.
void Game::compare_member_rows() const {
  std::size_t count = 0;
  for (const auto& [key, user] : model_.users)
    for (const auto& [channel, place] : user.places) {
      if (!place.joined) continue;
      count++;
      const auto found = member_rows_.find({key, channel});
      expect(found != member_rows_.end(), "a member has a row", key);
      const NaiveMemberRow& row = found->second;
      std::set<std::string> seats = place.seats;
      seats.erase("");
      expect(row.sessions == seats, "the row of a member has its sessions", key);
      expect(row.data == place.data, "the row of a member has its data", key);
      expect(row.cursor == place.cursor && row.selection == place.selection,
             "the row of a member has its cursor", key);
      expect(row.state == place.state, "the row of a member has its state", key);
      expect(row.joined_at == place.joined_at, "the row of a member knows since when", key);
      expect(row.last_active == place.last_active, "the row of a member has its activity", key);
    }
  expect(member_rows_.size() == count, "no row of a member is left over");
}

}  // namespace presence::test
