// members_test.cpp: users join channels and leave them, through one session or many.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class Members : public ChannelTest {
 protected:
  explicit Members(RegionSize size = {}) : ChannelTest(size) {}

  // Many sessions of one user in one room: "s0", "s1" and so on.
  void join_with_sessions(int count) {
    for (int i = 0; i < count; i++) {
      connect("ann", session_name(i));
      join("ann", "room", session_name(i));
    }
  }
  static const std::string& session_name(int number) {
    static std::vector<std::string> names;
    while (names.size() < 100) names.push_back("s" + std::to_string(names.size()));
    return names[static_cast<std::size_t>(number)];
  }
};

// ---- joining and leaving

TEST_F(Members, WhoeverJoinsIsThereAndListenersHearOfIt) {
  connect("ann", "desk");
  join("ann", "room");
  EXPECT_TRUE(is_member("ann", "room"));
  EXPECT_EQ(members("room"), Lines{"ann"});
  EXPECT_EQ(count_of("room"), 1u);
  EXPECT_EQ(channels_of("ann"), Lines{"room"});
  EXPECT_EQ(member("ann", "room").joined_at, now);
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(Members, WhoeverLeavesIsGoneAndListenersHearOfIt) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  now += second;
  leave("ann", "room");
  EXPECT_FALSE(is_member("ann", "room"));
  EXPECT_EQ(members("room"), Lines{});
  EXPECT_EQ(count_of("room"), 0u);
  EXPECT_EQ(channels_of("ann"), Lines{});
  EXPECT_EQ(tick(), Lines{"ann left room (leave)"});
  EXPECT_EQ(news_.changed_at, now);
}

TEST_F(Members, JoiningTwiceIsNoEvent) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  const Time joined_at = now;
  now += second;
  join("ann", "room");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(member("ann", "room").joined_at, joined_at);
  EXPECT_EQ(member("ann", "room").last_active, now);
  EXPECT_EQ(count_of("room"), 1u);
}

TEST_F(Members, JoiningTwiceWithOtherDataIsAnUpdate) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  tick();
  join_with("ann", "room", "green");
  EXPECT_EQ(tick(), Lines{"ann is updated in room: green"});
  join_with("ann", "room", "green");
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(Members, LeavingWithoutHavingJoinedIsNothing) {
  connect("ann", "desk");
  leave("ann", "room");
  leave("ann", "room", "desk");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(count_of("room"), 0u);
}

TEST_F(Members, LeavingWithASessionThatDidNotJoinIsNothing) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  tick();
  leave("ann", "room", "phone");
  leave("ann", "room", "nobody's");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_TRUE(is_member("ann", "room"));
}

TEST_F(Members, JoiningMakesWhoeverWasNotThereOnline) {
  join("ann", "room");
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(seats("ann", "room"), Lines{});  // a session that was made up has no name
  EXPECT_EQ(tick(), Lines{"ann joined room"});
}

TEST_F(Members, JoiningIsAnActivity) {
  connect("ann", "desk");
  tick();
  now += 10 * minute;
  settle();
  ASSERT_EQ(status("ann"), Status::away);
  join("ann", "room", "desk");
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(view("ann").last_seen, now);
}

TEST_F(Members, ComingAndGoingWithinATickIsNothing) {
  connect("ann", "desk");
  tick();
  join("ann", "room");
  leave("ann", "room");
  EXPECT_EQ(tick(), Lines{});
}

// "A change is never told as leave plus join."
TEST_F(Members, GoingAndComingBackWithinATickIsNothing) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  leave("ann", "room");
  join("ann", "room");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(count_of("room"), 1u);
}

TEST_F(Members, WhatWasBroughtAlongBeforeIsGoneAfterLeaving) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  move("ann", "room", "7");
  tick();
  leave("ann", "room");
  now += second;
  join("ann", "room");
  EXPECT_EQ(member("ann", "room").data(), "");
  EXPECT_EQ(member("ann", "room").cursor(), "");
  EXPECT_EQ(member("ann", "room").joined_at, now);
  // Listeners had heard of both.
  EXPECT_EQ(tick(), (Lines{"ann is updated in room: ", "ann moved in room: "}));
}

TEST_F(Members, OneUserMayBeInManyChannelsAndAChannelHasManyUsers) {
  for (const char* id : {"ann", "bob"}) {
    connect(id, std::string(id) == "ann" ? "desk" : "sofa");
    for (const char* channel : {"room", "hall"}) {
      now += second;
      join(id, channel);
    }
  }
  EXPECT_EQ(channels_of("ann"), (Lines{"hall", "room"}));
  EXPECT_EQ(members("hall"), (Lines{"bob", "ann"}));
  EXPECT_EQ(tick(),
            (Lines{"ann joined hall", "ann joined room", "bob joined hall", "bob joined room"}));
  leave("ann", "room");
  EXPECT_EQ(members("room"), Lines{"bob"});
  EXPECT_EQ(members("hall"), (Lines{"bob", "ann"}));
}

// ---- sessions

TEST_F(Members, AUserLeavesWithItsLastSession) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "room", "phone");
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  EXPECT_EQ(seats("ann", "room"), (Lines{"desk", "phone"}));
  leave("ann", "room", "desk");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(seats("ann", "room"), Lines{"phone"});
  leave("ann", "room", "phone");
  EXPECT_EQ(tick(), Lines{"ann left room (leave)"});
}

TEST_F(Members, WithoutASessionNamedAllOfThemLeave) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "room", "phone");
  tick();
  leave("ann", "room");
  EXPECT_EQ(tick(), Lines{"ann left room (leave)"});
}

TEST_F(Members, TheNewestSessionJoinsWhenNoneIsNamed) {
  connect("ann", "desk");
  now += second;
  connect("ann", "phone");
  now += second;
  touch_in("ann", "desk");
  join("ann", "room");
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(Members, ASessionEndsAfterItsGraceAndItsUserLeaves) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  disconnect("ann", "desk");
  EXPECT_EQ(tick_for(policy.disconnect_grace - 1), Lines{});
  EXPECT_TRUE(is_member("ann", "room"));
  EXPECT_EQ(tick_for(1), Lines{"ann left room (disconnect)"});
  EXPECT_EQ(news_.changed_at, now);
  EXPECT_EQ(status("ann"), Status::offline);
}

TEST_F(Members, AReconnectWithinTheGraceKeepsThePlace) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  disconnect("ann", "desk");
  now += second;
  connect("ann", "desk");
  EXPECT_EQ(tick_for(minute), Lines{});
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(Members, WhenOneOfTwoSessionsEndsItsUserStaysWhereTheOtherIs) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "room", "phone");
  join("ann", "hall", "desk");
  tick();
  disconnect("ann", "desk");
  EXPECT_EQ(tick_for(minute), Lines{"ann left hall (disconnect)"});
  EXPECT_EQ(seats("ann", "room"), Lines{"phone"});
  EXPECT_EQ(status("ann"), Status::online);
}

TEST_F(Members, LoggingOutLeavesEveryChannelAtOnce) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "hall", "phone");
  tick();
  log_out("ann");
  EXPECT_EQ(tick(), (Lines{"ann left hall (logout)", "ann left room (logout)"}));
}

TEST_F(Members, OfflineLeavesEveryChannelAtOnce) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  commit("ann", ChangeKind::leave);
  EXPECT_EQ(tick(), Lines{"ann left room (manual)"});
}

TEST_F(Members, SilenceLeavesEveryChannel) {
  connect("ann", "desk");
  heartbeat("desk");
  join("ann", "room");
  tick();
  EXPECT_EQ(tick_for(policy.session_timeout), Lines{"ann left room (timeout)"});
}

TEST_F(Members, WhoeverLivesOnTouchesLeavesAtTheirTimeout) {
  touch("ann");
  join("ann", "room");
  tick();
  EXPECT_EQ(tick_for(policy.offline_timeout - 1), Lines{"ann is away in room (idle_timeout)"});
  EXPECT_EQ(tick_for(1), Lines{"ann left room (timeout)"});
}

TEST_F(Members, ASilentGatewayEndsThePlacesOfItsSessions) {
  connect_by("ann", "desk", "g");
  join("ann", "room");
  tick();
  EXPECT_EQ(tick_for(15 * second + policy.disconnect_grace), Lines{"ann left room (timeout)"});
  region.sessions.free_gateways(region.realm(0).gateways);
}

// "the first connect takes the implicit one over"
TEST_F(Members, TheFirstConnectTakesOverThePlacesOfTheSessionThatWasMadeUp) {
  touch("ann");
  join("ann", "room");
  join("ann", "hall");
  tick();
  connect("ann", "desk");
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
  EXPECT_EQ(seats("ann", "hall"), Lines{"desk"});
  disconnect("ann", "desk");
  EXPECT_EQ(tick_for(minute), (Lines{"ann left hall (disconnect)", "ann left room (disconnect)"}));
}

TEST_F(Members, ATouchThatNamesASessionTakesOverThePlaces) {
  touch("ann");
  join("ann", "room");
  tick();
  touch_in("ann", "desk");
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(Members, AJoinOfASessionThatIsOverIsVoid) {
  connect("ann", "desk");
  tick();
  const Cell cell = user("ann");
  roster.claim(cell);
  Ask ask = to_join("room", "desk");
  ask.at = now;
  auto wish = reserve_wish(region, ask);
  now += policy.offline_timeout;
  roster.grant(cell, *wish, policy, now);
  roster.drop_claim(cell);
  EXPECT_FALSE(is_member("ann", "room"));
  EXPECT_EQ(status("ann"), Status::offline);
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(Members, AJoinOfASessionThatSomebodyElseHasByNowIsVoid) {
  connect("bob", "desk");
  join("ann", "room", "desk");
  EXPECT_EQ(count_of("room"), 0u);
  EXPECT_EQ(tick(), Lines{});
}

class ManySeats : public Members, public testing::WithParamInterface<int> {};

TEST_P(ManySeats, AllOfThemAreKnownAndTheLastOneLeaves) {
  join_with_sessions(GetParam());
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  EXPECT_EQ(seats("ann", "room").size(), static_cast<std::size_t>(GetParam()));
  ASSERT_EQ(find_problem(region), "");
  for (int i = GetParam() - 1; i > 0; i--) leave("ann", "room", session_name(i));
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(seats("ann", "room"), Lines{"s0"});
  leave("ann", "room", "s0");
  EXPECT_EQ(tick(), Lines{"ann left room (leave)"});
}

TEST_P(ManySeats, AFreedSeatIsTakenAgain) {
  join_with_sessions(GetParam());
  const uint32_t used = region.pool.used();
  for (int round = 0; round < 3; round++) {
    leave("ann", "room", "s0");
    join("ann", "room", "s0");
  }
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_EQ(seats("ann", "room").size(), static_cast<std::size_t>(GetParam()));
}

TEST_P(ManySeats, AllOfThemEndWithALogout) {
  join_with_sessions(GetParam());
  tick();
  log_out("ann");
  EXPECT_EQ(tick(), Lines{"ann left room (logout)"});
}

// Three lie in the member itself, 31 in a cell of their own.
INSTANTIATE_TEST_SUITE_P(Sessions, ManySeats, testing::Values(1, 3, 4, 34, 35, 66));

// ---- limits

class FullOfChannels : public Members {
 protected:
  FullOfChannels() : Members({8000, 1, 64}) {}
};

TEST_F(FullOfChannels, AUserHasRoomForSoManyChannels) {
  connect("ann", "desk");
  static std::vector<std::string> names;
  for (uint32_t i = 0; i < max_channels; i++) names.push_back("room" + std::to_string(i));
  for (const std::string& name : names) {
    ASSERT_TRUE(roster.has_room_for_channels(find("ann"), 1));
    join("ann", name);
  }
  EXPECT_FALSE(roster.has_room_for_channels(find("ann"), 1));
  EXPECT_EQ(type("ann", "one more").what, Done::crowded);
  EXPECT_EQ(type("ann", "room7").what, Done::done);
  tick();
  leave("ann", "room7");
  EXPECT_EQ(type("ann", "one more").what, Done::crowded);  // listeners do not know yet
  tick();
  EXPECT_EQ(type("ann", "one more").what, Done::done);
}

// ---- data

TEST_F(Members, WithoutDataOfItsOwnAMemberHasThatOfItsUser) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = Status::online;
  ask.session = "desk";
  ask.data = "red";
  commit("ann", ask);
  join("ann", "room");
  join_with("ann", "hall", "blue");
  EXPECT_EQ(member("ann", "room").data(), "red");
  EXPECT_FALSE(member("ann", "room").has_own_data);
  EXPECT_EQ(member("ann", "hall").data(), "blue");
  EXPECT_TRUE(member("ann", "hall").has_own_data);
  tick();
  ask.data = "pink";
  commit("ann", ask);
  EXPECT_EQ(tick(), Lines{"ann is updated in room: pink"});
  EXPECT_EQ(member("ann", "hall").data(), "blue");
}

// ---- status

TEST_F(Members, ChannelsHearOfTheStatusOfTheirMembers) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  choose("ann", Status::busy);
  EXPECT_EQ(tick(), Lines{"ann is busy in room (manual)"});
  EXPECT_EQ(news_.told, Status::online);
  choose("ann", Status::away);
  choose("ann", Status::busy);
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(Members, ChannelsHearOfTheMessagesOfTheirMembers) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  choose("ann", Status::busy, never, "lunch");
  EXPECT_EQ(tick(), Lines{"ann is busy in room (manual)"});
  commit("ann", ChangeKind::set_message, "coffee");
  EXPECT_EQ(tick(), Lines{"ann is busy in room (manual)"});
  EXPECT_EQ(news_.user.message(), "coffee");
}

// The reason is told on the channel as it is everywhere, whichever of the two is told first.
TEST_F(Members, ChannelsHearOfAReasonInTheCallersWords) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  write_all();
  Ask ask;
  ask.kind = ChangeKind::choose;
  ask.status = Status::busy;
  ask.reason = Reason::custom;
  ask.reason_text = "in a call";
  commit("ann", ask);
  EXPECT_EQ(tick(), Lines{"ann is busy in room (in a call)"});
  ask.status = Status::away;
  ask.reason_text = "lunch";
  commit("ann", ask);
  EXPECT_EQ(news(), Lines{"ann is away in room (lunch)"});
  EXPECT_EQ(announcements().at(0).reason, "lunch");
  write_all();
  ask.status = Status::busy;
  ask.reason_text = "back";
  commit("ann", ask);
  announcements();
  write_all();
  EXPECT_EQ(news(), Lines{"ann is busy in room (back)"});
}

TEST_F(Members, WhoeverJoinsIsToldWithItsStatus) {
  connect("ann", "desk", Status::busy);
  join("ann", "room");
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  EXPECT_EQ(news_.told, Status::offline);
  EXPECT_EQ(news_.user.status, Status::busy);
}

// ---- nothing is left

TEST_F(Members, WhoeverIsForgottenLeavesNothingBehind) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  move("ann", "room", "7");
  set_state("ann", "room", "hand");
  type("ann", "room", "Ann");
  type("ann", "hall", "Ann");
  tick();
  commit("ann", ChangeKind::forget);
  EXPECT_EQ(tick(), (Lines{"ann stopped typing in hall (manual)",
                           "ann stopped typing in room (manual)", "ann left room (manual)"}));
  write_all();
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(Members, ARemovedRealmLeavesNothingBehind) {
  for (const char* id : {"ann", "bob", "cy"}) {
    join_with(id, "room", "blue");
    move(id, "room", "7");
    type(id, "room", "Name");
    type(id, "hall");
  }
  leave("cy", "room");
  write_rows();
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    while (!roster.remove_all(0, partition, 1)) {
    }
  }
  for (uint32_t partition = 0; partition < partition_count; partition++)
    region.channels.forget_news(0, partition);
  EXPECT_EQ(region.pool.used(), 0u);
}

TEST_F(Members, AResetKeepsClaimedUsersWithoutTheirPlaces) {
  for (const char* id : {"ann", "bob"}) {
    join_with(id, "room", "blue");
    type(id, "hall");
  }
  roster.claim(find("ann"));
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    while (!roster.blank_all(0, partition, 1)) {
    }
    region.channels.forget_news(0, partition);
  }
  EXPECT_EQ(find("bob"), no_cell);
  EXPECT_FALSE(is_member("ann", "room"));
  EXPECT_EQ(count_of("room"), 0u);
  EXPECT_EQ(news(), Lines{});
  join("ann", "room");
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  roster.drop_claim(find("ann"));
}

TEST_F(Members, NobodyWhoIsInAChannelIsEvicted) {
  connect("ann", "desk");
  join("ann", "room");
  tick();
  write_rows();
  log_out("ann");
  write_all();
  const uint32_t partition = key("ann").partition();
  EXPECT_EQ(roster.evict(partition, 1), 0u);  // listeners of the room do not know yet
  news();
  EXPECT_EQ(roster.evict(partition, 1), 0u);  // its row is still there
  EXPECT_EQ(delete_rows(), Lines{"ann room"});
  EXPECT_EQ(roster.evict(partition, 1), 1u);
}

TEST_F(Members, OtherRealmsHaveRoomsOfTheirOwn) {
  join("ann", "room");
  Ask ask = to_join("room");
  ask.realm = 1;
  ask.at = now;
  const Cell other = roster.add(key("ann", 1));
  auto wish = reserve_wish(region, ask);
  roster.grant(other, *wish, policy, now);
  EXPECT_EQ(count_of("room"), 1u);
  EXPECT_EQ(region.channels.members(channel_key("room", 1)), 1u);
  leave("ann", "room");
  EXPECT_EQ(count_of("room"), 0u);
  EXPECT_EQ(region.channels.members(channel_key("room", 1)), 1u);
}

}  // namespace
}  // namespace presence::test
