// channel_fixture.h: users who join, leave, move and type, and what listeners hear of it.
#pragma once

#include <algorithm>
#include <map>

#include "roster_fixture.h"

namespace presence::test {

using Lines = std::vector<std::string>;

class ChannelTest : public RosterTest {
 protected:
  explicit ChannelTest(RegionSize size = {}) : RosterTest(size) {}
  // Nobody who has gone is left over, and no channel without anybody.
  ~ChannelTest() override { EXPECT_EQ(find_problem(region, held, 0, policy), ""); }

  // ---- what they do
  static Ask to_join(std::string_view channel, std::string_view session = {}) {
    Ask ask;
    ask.kind = ChangeKind::join;
    ask.reason = Reason::activity;
    ask.channel = channel;
    ask.session = session;
    return ask;
  }
  static Ask to_leave(std::string_view channel, std::string_view session = {}) {
    Ask ask = to_join(channel, session);
    ask.kind = ChangeKind::leave_channel;
    ask.reason = Reason::leave;
    return ask;
  }
  void join(std::string_view id, std::string_view channel, std::string_view session = {}) {
    commit(id, to_join(channel, session));
  }
  void join_with(std::string_view id, std::string_view channel, const std::string& data) {
    Ask ask = to_join(channel);
    ask.data = data;
    commit(id, ask);
  }
  void leave(std::string_view id, std::string_view channel, std::string_view session = {}) {
    commit(id, to_leave(channel, session));
  }
  DoneInChannel move(std::string_view id, std::string_view channel, std::string_view cursor,
                     std::optional<int64_t> clock = {}, std::string_view selection = {}) {
    return roster.move(user(id), channel_key(channel), {false, clock, cursor, selection}, policy,
                       now);
  }
  DoneInChannel set_state(std::string_view id, std::string_view channel, std::string_view state,
                          std::optional<int64_t> clock = {}) {
    return roster.move(user(id), channel_key(channel), {true, clock, state}, policy, now);
  }
  DoneInChannel type(std::string_view id, std::string_view channel, std::string_view name = {}) {
    return roster.type(user(id), channel_key(channel), name, policy, now);
  }
  DoneInChannel stop_typing(std::string_view id, std::string_view channel) {
    return roster.stop_typing(user(id), channel_key(channel), policy, now);
  }

  // ---- how it looks
  ChannelKey channel_key(std::string_view channel, uint16_t realm = 0) const {
    return region.channel_key(realm, channel);
  }
  uint32_t count_of(std::string_view channel) const {
    return region.channels.members(channel_key(channel));
  }
  Lines members(std::string_view channel) const {
    std::vector<MemberCandidate> room(200);
    return ids_of(room, region.channels.collect(channel_key(channel), no_cell, forever_ago, room));
  }
  Lines typing(std::string_view channel) const {
    std::vector<MemberCandidate> room(200);
    return ids_of(room, region.channels.collect_typing(channel_key(channel), room));
  }
  bool is_member(std::string_view id, std::string_view channel) const {
    return roster.is_member(find(id), channel_key(channel));
  }
  bool types(std::string_view id, std::string_view channel) {
    return roster.view_typing(find(id), channel_key(channel), policy, now, member_);
  }
  const MemberView& member(std::string_view id, std::string_view channel,
                           std::span<const Wish> wishes = {}) {
    const bool is_one =
        roster.view_member(find(id), channel_key(channel), wishes, policy, now, member_);
    EXPECT_TRUE(is_one) << id << " is no member of " << channel;
    return member_;
  }
  static Lines split(std::string_view zero_ended) {
    Lines lines;
    while (!zero_ended.empty()) {
      lines.emplace_back(zero_ended.data());
      zero_ended.remove_prefix(lines.back().size() + 1);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  Lines seats(std::string_view id, std::string_view channel) {
    return split(member(id, channel).seats());
  }
  Lines channels_of(std::string_view id) {
    std::string room(10'000, '#');
    room.resize(roster.channels(find(id), room));
    return split(room);
  }

  // ---- what listeners hear, in words
  // Of members, in the order of users and channels, as those hear it who may know everything. What
  // everybody hears is in `public_news_` then.
  Lines news() {
    std::map<std::string, Lines> all, everybody;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (roster.take_member_news(0, partition, policy, now, false, news_)) {
        const std::string place =
            std::string(news_.member.id()) + " " + std::string(news_.member.channel());
        add_lines(all[place], news_.all);
        add_lines(everybody[place], news_.everybody);
      }
    public_news_ = joined(everybody);
    if (!has_rules_) {
      EXPECT_EQ(public_news_, joined(all));
    }
    return joined(all);
  }
  // Of whole channels.
  Lines channel_news() {
    Lines lines;
    for (uint32_t partition = 0; partition < partition_count; partition++) {
      region.channels.settle(0, partition, now);
      while (region.channels.take_news(0, partition, policy.large_channel, now, channel_news_))
        lines.push_back(
            std::string(channel_news_.id()) + " has " + std::to_string(channel_news_.members) +
            (channel_news_.large ? "" : ", not large") + (channel_news_.resync ? ", resync" : ""));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  // The worker's round: what is due, and all that there is to tell.
  Lines tick() {
    settle();
    Lines lines = channel_news();
    announcements();
    const Lines of_members = news();
    lines.insert(lines.end(), of_members.begin(), of_members.end());
    return lines;
  }
  // A worker that is never late, until then.
  Lines tick_until(Time then) {
    Lines lines = tick();
    for (Time due = next_due(); due <= then; due = next_due()) {
      now = std::max(now, due);
      const Lines more = tick();
      lines.insert(lines.end(), more.begin(), more.end());
    }
    now = then;
    return lines;
  }
  Lines tick_for(Duration by) { return tick_until(now + by); }

  // ---- the rows
  // Takes what is to be written, or deleted, as "ann room".
  Lines begin_member_rows() {
    return take([&](uint32_t partition) {
      return roster.begin_writing_member(0, partition, policy, now, member_);
    });
  }
  Lines begin_deleting_rows() {
    return take(
        [&](uint32_t partition) { return roster.begin_deleting_member(0, partition, member_); });
  }
  void try_rows_again() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.try_member_rows_again(0, partition);
  }
  void end_rows(bool committed) {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.end_member_rows(0, partition, committed);
  }
  void flush_rows() {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      roster.flush_members(0, partition);
  }
  Lines write_rows() {
    const Lines written = begin_member_rows();
    end_rows(true);
    return written;
  }
  Lines delete_rows() {
    const Lines deleted = begin_deleting_rows();
    end_rows(true);
    return deleted;
  }

  MemberNews news_;
  ChannelNews channel_news_;
  MemberView member_;
  Lines public_news_;
  bool has_rules_ = false;  // so that everybody may hear less

 private:
  static Lines joined(const std::map<std::string, Lines>& by_place) {
    Lines lines;
    for (const auto& [place, of] : by_place) lines.insert(lines.end(), of.begin(), of.end());
    return lines;
  }

  static Lines ids_of(const std::vector<MemberCandidate>& room, std::size_t count) {
    Lines ids;
    for (std::size_t i = 0; i < count; i++) ids.emplace_back(room[i].id());
    return ids;
  }

  template <typename Take>
  Lines take(Take take) {
    Lines lines;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      while (take(partition))
        lines.push_back(std::string(member_.id()) + " " + std::string(member_.channel()));
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  void add_lines(Lines& lines, const MemberChanges& changes) const {
    const std::string who = std::string(news_.member.id()) + " ";
    const std::string where = " " + std::string(news_.member.channel());
    const auto why = [](Reason reason) { return " (" + std::string(name_of(reason)) + ")"; };
    if (changes.status_changed)
      lines.push_back(who + "is " + std::string(name_of(news_.user.status)) + " in" + where + " (" +
                      std::string(news_.user.reason_name()) + ")");
    if (changes.joined) lines.push_back(who + "joined" + where);
    if (changes.updated)
      lines.push_back(who + "is updated in" + where + ": " + std::string(news_.member.data()));
    if (changes.typing_started) lines.push_back(who + "types in" + where);
    if (changes.typing_stopped)
      lines.push_back(who + "stopped typing in" + where + why(news_.typing_reason));
    if (changes.moved)
      lines.push_back(who + "moved in" + where + ": " + std::string(news_.member.cursor()));
    if (changes.state_set)
      lines.push_back(who + "set its state in" + where + ": " + std::string(news_.member.state()));
    if (changes.left) lines.push_back(who + "left" + where + why(news_.reason));
  }
};

}  // namespace presence::test
