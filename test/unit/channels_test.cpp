// channels_test.cpp: channels come with their first record, list who is there, and say when they
// have become large.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class Channels : public ChannelTest {
 protected:
  explicit Channels(RegionSize size = {}) : ChannelTest(size) {}

  // Nobody else is there: members by their numbers.
  static std::string name_of_member(int number) { return "m" + std::to_string(number); }
  void join_members(int from, int count, std::string_view channel = "room") {
    for (int i = from; i < from + count; i++) join(name_of_member(i), channel);
  }
  void leave_members(int from, int count, std::string_view channel = "room") {
    for (int i = from; i < from + count; i++) leave(name_of_member(i), channel);
  }
  // What is told of the channel, and nothing else.
  Lines told() {
    settle();
    const Lines lines = channel_news();
    announcements();
    news();
    return lines;
  }
  Time channels_due() const {
    Time due = never;
    for (uint32_t partition = 0; partition < partition_count; partition++)
      due = std::min(due, region.channels.next_due(0, partition));
    return due;
  }
  bool has_news() const {
    for (uint32_t partition = 0; partition < partition_count; partition++)
      if (region.channels.has_news(0, partition)) return true;
    return false;
  }
};

// ---- held and released

TEST_F(Channels, AChannelIsThereWhileAnybodyHoldsIt) {
  Cell spare = region.channels.make(channel_key("room"));
  Cell other = region.channels.make(channel_key("room"));
  const Cell held = region.channels.hold(channel_key("room"), spare);
  EXPECT_EQ(spare, no_cell);
  EXPECT_EQ(region.channels.hold(channel_key("room"), other), held);
  EXPECT_NE(other, no_cell);  // it was not needed
  region.channels.free_made(other);
  region.channels.release(held);
  EXPECT_EQ(region.pool.used(), 1u);
  region.channels.release(held);
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(Channels, ALongIdGoesOnInAText) {
  const std::string id = text_of(max_id_bytes);
  join("ann", id);
  EXPECT_EQ(members(id), Lines{"ann"});
  EXPECT_EQ(count_of(text_of(max_id_bytes - 1)), 0u);
  EXPECT_EQ(channels_of("ann"), Lines{id});
  leave("ann", id);
  tick();
}

// All ids of a realm's channels, collected with so much room at a time.
Lines collected_ids(const ChannelIndex& channels, uint16_t realm, std::size_t room) {
  Lines ids;
  std::vector<ChannelId> found(room);
  for (uint32_t partition = 0; partition < partition_count; partition++)
    for (uint32_t bucket = 0; bucket < channels.buckets();) {
      const std::size_t count = channels.collect_ids(realm, partition, bucket, found);
      for (std::size_t i = 0; i < count; i++) ids.emplace_back(found[i].id());
    }
  std::sort(ids.begin(), ids.end());
  return ids;
}

TEST_F(Channels, AllOfThemAreFound) {
  Lines joined;
  for (int i = 0; i < 60; i++) {
    joined.push_back("room " + std::to_string(i));
    join("ann" + std::to_string(i % 4), joined.back());
  }
  std::sort(joined.begin(), joined.end());
  EXPECT_EQ(collected_ids(region.channels, 0, 256), joined);
  EXPECT_EQ(collected_ids(region.channels, 1, 256), Lines{});
  // With little room each bucket comes again until all of it fits.
  EXPECT_EQ(collected_ids(region.channels, 0, 20), joined);
}

TEST_F(Channels, WhenMemoryIsFullNoneIsMade) {
  while (region.pool.take() != no_cell) held++;
  EXPECT_EQ(region.channels.make(channel_key("room")), no_cell);
  const Cell last = 1;
  region.pool.give(last);
  EXPECT_EQ(region.channels.make(channel_key(text_of(max_id_bytes))), no_cell);
  EXPECT_EQ(region.channels.make(channel_key("room")), last);
}

TEST_F(Channels, NothingIsLeftOfAChannelThatEverybodyHasLeft) {
  join_members(0, 5);
  told();
  const uint32_t used = region.pool.used();
  join_members(5, 3, "hall");
  join_members(0, 2, "hall");
  told();
  leave_members(5, 3, "hall");
  leave_members(0, 2, "hall");
  told();
  for (int i = 5; i < 8; i++) commit(name_of_member(i), ChangeKind::forget);
  told();
  write_all();
  EXPECT_EQ(region.pool.used(), used);
}

// ---- who is there

TEST_F(Channels, TheLatestActivityComesFirst) {
  for (const char* id : {"ann", "bob", "cy"}) {
    now += second;
    join(id, "room");
  }
  EXPECT_EQ(members("room"), (Lines{"cy", "bob", "ann"}));
  now += second;
  move("ann", "room", "1");
  EXPECT_EQ(members("room"), (Lines{"ann", "cy", "bob"}));
  now += second;
  touch("bob");
  EXPECT_EQ(members("room"), (Lines{"bob", "ann", "cy"}));
  now += second;
  set_state("cy", "room", "hand");
  EXPECT_EQ(members("room"), (Lines{"cy", "bob", "ann"}));
  now += second;
  type("bob", "room");
  EXPECT_EQ(members("room"), (Lines{"bob", "cy", "ann"}));
  EXPECT_EQ(member("bob", "room").last_active, now);
}

TEST_F(Channels, ATouchCountsWhereItsSessionIs) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "hall", "phone");
  const Time joined_at = now;
  now += second;
  touch_in("ann", "desk");
  EXPECT_EQ(member("ann", "room").last_active, now);
  EXPECT_EQ(member("ann", "hall").last_active, joined_at);
}

// It says nothing about the channel.
TEST_F(Channels, ATouchOfThePastMovesNobody) {
  join("ann", "room");
  now += minute;
  join("bob", "room");
  const Time joined_at = member("ann", "room").last_active;
  touch_seen_at("ann", now - second);
  EXPECT_EQ(members("room"), (Lines{"bob", "ann"}));
  EXPECT_EQ(member("ann", "room").last_active, joined_at);
}

TEST_F(Channels, AHeartbeatIsNoActivity) {
  connect("ann", "desk");
  join("ann", "room");
  const Time joined_at = now;
  now += second;
  heartbeat("desk");
  EXPECT_EQ(member("ann", "room").last_active, joined_at);
}

// Clocks of two processes may differ by a moment.
TEST_F(Channels, WhoeverComesLaterWithAnEarlierClockIsNotBehind) {
  join("ann", "room");
  now += second;
  join("bob", "room");
  now -= second;
  move("ann", "room", "1");
  EXPECT_EQ(members("room"), (Lines{"bob", "ann"}));  // it was active at this moment already
  now += 500 * millisecond;
  move("ann", "room", "1");
  EXPECT_EQ(members("room"), (Lines{"ann", "bob"}));
  EXPECT_EQ(member("ann", "room").last_active, member("bob", "room").last_active);
}

TEST_F(Channels, WhoOnlyTypesIsNoMember) {
  join("ann", "room");
  now += second;
  type("bob", "room");
  EXPECT_EQ(members("room"), Lines{"ann"});
  EXPECT_EQ(typing("room"), Lines{"bob"});
  EXPECT_EQ(count_of("room"), 1u);
}

TEST_F(Channels, APageGoesOnBehindTheLastOfTheOneBefore) {
  for (const char* id : {"ann", "bob", "cy", "dan"}) {
    now += second;
    join(id, "room");
  }
  std::vector<MemberCandidate> room(2);
  const auto page_after = [&](std::string_view id) {
    const auto count = roster.members_after(find(id), channel_key("room"), forever_ago, room);
    EXPECT_TRUE(count);
    Lines ids;
    for (std::size_t i = 0; i < count.value_or(0); i++) ids.emplace_back(room[i].id());
    return ids;
  };
  EXPECT_EQ(page_after("dan"), (Lines{"cy", "bob"}));
  EXPECT_EQ(page_after("bob"), Lines{"ann"});
  EXPECT_EQ(page_after("ann"), Lines{});
  leave("bob", "room");
  EXPECT_FALSE(roster.members_after(find("bob"), channel_key("room"), forever_ago, room));
  EXPECT_FALSE(roster.members_after(find("ann"), channel_key("hall"), forever_ago, room));
}

TEST_F(Channels, OnlyThoseWhoWereActiveLatelyAreCollected) {
  join("ann", "room");
  now += minute;
  join("bob", "room");
  std::vector<MemberCandidate> room(5);
  const auto count_since = [&](Time not_before) {
    return region.channels.collect(channel_key("room"), no_cell, not_before, room);
  };
  EXPECT_EQ(count_since(now - minute), 2u);
  EXPECT_EQ(count_since(now - minute + 1), 1u);
  EXPECT_EQ(count_since(now + 1), 0u);
  EXPECT_EQ(region.channels.collect(channel_key("room"), no_cell, forever_ago, {room.data(), 1}),
            1u);
}

TEST_F(Channels, NobodyIsInAChannelThatIsNotThere) {
  EXPECT_EQ(members("room"), Lines{});
  EXPECT_EQ(count_of("room"), 0u);
}

// ---- large ones

class LargeChannels : public Channels {
 protected:
  LargeChannels() : Channels({2000, 1, 4}) { policy.large_channel = 10; }
  bool is_large() const { return region.channels.is_large(region.channel_key(0, "room")); }
};

TEST_F(LargeChannels, UpToTheLimitJoinsAndLeavesAreToldOneByOne) {
  join_members(0, 10);
  EXPECT_EQ(told(), Lines{});
  EXPECT_EQ(channels_due(), never);
  EXPECT_FALSE(has_news());
}

TEST_F(LargeChannels, AboveItTheOccupancyIsTold) {
  join_members(0, 11);
  EXPECT_TRUE(has_news());
  EXPECT_EQ(told(), Lines{"room has 11"});
  EXPECT_FALSE(has_news());
  join("m99", "room");
  news();
  EXPECT_TRUE(news_.large);
}

TEST_F(LargeChannels, AtMostOnceInASecondAndTheLastCountIsTold) {
  join_members(0, 11);
  EXPECT_EQ(told(), Lines{"room has 11"});
  EXPECT_EQ(channels_due(), now + occupancy_interval);
  for (int i = 11; i < 15; i++) {
    now += 100 * millisecond;
    join(name_of_member(i), "room");
    EXPECT_EQ(told(), Lines{});
  }
  now = channels_due() - 1;
  EXPECT_EQ(told(), Lines{});
  now++;
  EXPECT_EQ(told(), Lines{"room has 15"});
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{});  // nothing has changed
  EXPECT_EQ(channels_due(), never);
}

TEST_F(LargeChannels, WhoeverComesAfterASecondIsToldAtOnce) {
  join_members(0, 11);
  told();
  now += 2 * occupancy_interval;
  told();
  join("m11", "room");
  EXPECT_EQ(told(), Lines{"room has 12"});
}

TEST_F(LargeChannels, ItStaysLargeUntilItIsBelowFourFifths) {
  join_members(0, 11);
  told();
  now += occupancy_interval;
  leave_members(0, 3);
  EXPECT_EQ(told(), Lines{"room has 8"});
  EXPECT_TRUE(is_large());
  now += occupancy_interval;
  leave("m3", "room");
  EXPECT_EQ(told(), Lines{"room has 7, not large, resync"});
  EXPECT_FALSE(is_large());
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{});
}

// Whoever tells of members has looked at channels some time before.
TEST_F(LargeChannels, OneThatHasBecomeLargeMeanwhileTellsOfNobody) {
  join_members(0, 10);
  EXPECT_EQ(news().size(), 10u);
  join_members(10, 2);
  news();
  EXPECT_TRUE(news_.large);
  EXPECT_EQ(channel_news(), Lines{"room has 12"});
}

TEST_F(LargeChannels, OneThatHasBecomeLargeBetweenTwoLooksIsTold) {
  join_members(0, 10);
  EXPECT_EQ(told(), Lines{});
  join_members(10, 2);
  news();
  leave_members(0, 5);
  EXPECT_EQ(told(), Lines{"room has 7, not large, resync"});
}

// Listeners hear of the end first: until then joins and leaves are not told one by one.
TEST_F(LargeChannels, WhileItWasToldOfLatelyItStaysLarge) {
  join_members(0, 11);
  told();
  leave_members(0, 8);
  EXPECT_EQ(told(), Lines{});
  EXPECT_TRUE(is_large());
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{"room has 3, not large, resync"});
}

TEST_F(LargeChannels, OneThatFlapsIsToldOnceInASecond) {
  std::size_t told_of = 0;
  for (int round = 0; round < 40; round++) {
    now += 100 * millisecond;
    round % 2 == 0 ? join_members(0, 11) : leave_members(0, 11);
    told_of += told().size();
  }
  EXPECT_LE(told_of, 5u);
  leave_members(0, 11);
  now += occupancy_interval;
  told();
  now += occupancy_interval;
  told();
}

// Joins and leaves of the moment in which it was large were told to nobody.
TEST_F(LargeChannels, OneThatWasLargeForAMomentWithoutBeingToldIsReadAnew) {
  join_members(0, 11);
  told();
  leave_members(4, 7);
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{"room has 4, not large, resync"});
  now += 100 * millisecond;
  join_members(4, 7);
  EXPECT_EQ(told(), Lines{});
  EXPECT_TRUE(news_.large);
  leave_members(0, 6);
  EXPECT_EQ(told(), Lines{});
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{"room has 5, not large, resync"});
}

TEST_F(LargeChannels, NothingIsLeftOfALargeOneThatEverybodyHasLeft) {
  join_members(0, 11);
  told();
  for (int i = 0; i < 11; i++) commit(name_of_member(i), ChangeKind::forget);
  told();
  write_all();
  EXPECT_EQ(region.pool.used(), 1u);  // listeners have not heard of its end
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{"room has 0, not large, resync"});
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{});
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(LargeChannels, OneThatComesBackBeforeItsEndWasToldGoesOn) {
  join_members(0, 11);
  told();
  leave_members(0, 11);
  join_members(0, 12);
  now += occupancy_interval;
  EXPECT_EQ(told(), Lines{"room has 12"});
}

TEST_F(LargeChannels, WithAnotherLimitItIsLargeFromTheNextChangeOn) {
  join_members(0, 6);
  EXPECT_EQ(told(), Lines{});
  policy.large_channel = 5;
  join("m6", "room");
  EXPECT_EQ(told(), Lines{"room has 7"});
}

TEST_F(LargeChannels, AResetForgetsTheNews) {
  join_members(0, 11);
  told();
  join_members(11, 1);
  for (uint32_t partition = 0; partition < partition_count; partition++)
    while (!roster.remove_all(0, partition, 100)) {
    }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    region.channels.forget_news(0, partition);
  EXPECT_FALSE(has_news());
  EXPECT_EQ(channels_due(), never);
  EXPECT_EQ(region.pool.used(), 0u);
}

}  // namespace
}  // namespace presence::test
