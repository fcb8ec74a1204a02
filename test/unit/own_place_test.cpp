// own_place_test.cpp: a transaction sees its own joins and leaves before it commits.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class OwnPlaces : public ChannelTest {
 protected:
  explicit OwnPlaces(RegionSize size = {}) : ChannelTest(size) {}
  ~OwnPlaces() override {
    for (Wish& wish : wishes_) roster.free_wish(wish);
  }

  // The transaction asks for one thing after the other, and has not committed yet.
  void wish(Ask ask) {
    ask.at = now;
    const auto reserved = reserve_wish(region, ask);
    ASSERT_TRUE(reserved);
    user("ann");
    wishes_.push_back(*reserved);
  }
  void wish_to_join(std::string_view channel, std::string_view session = {}) {
    wish(to_join(channel, session));
  }
  void wish_to_leave(std::string_view channel, std::string_view session = {}) {
    wish(to_leave(channel, session));
  }
  void wish_to_connect(std::string_view session) {
    Ask ask;
    ask.kind = ChangeKind::connect;
    ask.status = Status::online;
    ask.session = session;
    wish(ask);
  }
  void wish_to_log_out() {
    Ask ask;
    ask.kind = ChangeKind::log_out;
    wish(ask);
  }
  bool sees_itself(std::string_view channel) {
    const bool viewed =
        roster.view_member(find("ann"), channel_key(channel), wishes_, policy, now, member_);
    EXPECT_EQ(viewed, roster.is_seated(find("ann"), channel_key(channel), nullptr, wishes_));
    return viewed;
  }
  bool is_seated(std::string_view channel, std::string_view session) {
    const SessionKey key = session_key(session);
    return roster.is_seated(find("ann"), channel_key(channel), &key, wishes_);
  }
  const MemberView& own(std::string_view channel) { return member("ann", channel, wishes_); }
  Lines own_seats(std::string_view channel) { return split(own(channel).seats()); }
  // And what it saw is so afterwards.
  void commit_all() {
    const Cell cell = user("ann");
    roster.claim(cell);
    for (Wish& each : wishes_) roster.grant(cell, each, policy, now);
    wishes_.clear();
    roster.drop_claim(cell);
  }

  std::vector<Wish> wishes_;
};

TEST_F(OwnPlaces, AJoinIsSeenByWhoeverAskedForIt) {
  connect("ann", "desk");
  Ask ask = to_join("room");
  ask.data = "blue";
  ask.cursor = "7";
  ask.selection = "7-9";
  wish(ask);
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_FALSE(is_member("ann", "room"));
  EXPECT_EQ(own("room").id(), "ann");
  EXPECT_EQ(member_.channel(), "room");
  EXPECT_EQ(member_.data(), "blue");
  EXPECT_EQ(member_.cursor(), "7");
  EXPECT_EQ(member_.selection(), "7-9");
  EXPECT_EQ(member_.state(), "");
  EXPECT_EQ(member_.joined_at, now);
  EXPECT_EQ(member_.last_active, now);
  EXPECT_EQ(member_.status, Status::online);
  EXPECT_FALSE(member_.typing);
  EXPECT_EQ(own_seats("room"), Lines{"desk"});
  EXPECT_FALSE(sees_itself("hall"));
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(OwnPlaces, AJoinOfSomebodyWhoWasNotThereIsSeenOnline) {
  wish_to_join("room");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_EQ(own("room").status, Status::online);
  EXPECT_EQ(own_seats("room"), Lines{});
}

TEST_F(OwnPlaces, ALeaveIsSeenByWhoeverAskedForIt) {
  connect("ann", "desk");
  join("ann", "room");
  join("ann", "hall");
  wish_to_leave("room");
  EXPECT_FALSE(sees_itself("room"));
  EXPECT_TRUE(sees_itself("hall"));
  EXPECT_TRUE(is_member("ann", "room"));
}

TEST_F(OwnPlaces, OfTwoSessionsTheOtherStays) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  join("ann", "room", "phone");
  wish_to_leave("room", "desk");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_FALSE(is_seated("room", "desk"));
  EXPECT_TRUE(is_seated("room", "phone"));
  EXPECT_EQ(own_seats("room"), Lines{"phone"});
  wish_to_leave("room", "phone");
  EXPECT_FALSE(sees_itself("room"));
}

TEST_F(OwnPlaces, ALeaveOfASessionThatIsNotThereChangesNothing) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  EXPECT_FALSE(is_seated("room", "phone"));
  wish_to_leave("room", "phone");
  EXPECT_TRUE(sees_itself("room"));
}

TEST_F(OwnPlaces, LeavingAndJoiningBeginsAnew) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  move("ann", "room", "7");
  now += minute;
  wish_to_leave("room");
  wish_to_join("room");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_EQ(own("room").joined_at, now);
  EXPECT_EQ(member_.data(), "");
  EXPECT_EQ(member_.cursor(), "");
  commit_all();
  EXPECT_EQ(member("ann", "room").joined_at, now);
  EXPECT_EQ(member_.cursor(), "");
}

TEST_F(OwnPlaces, WhoHasLeftButWasNotToldYetJoinsAnew) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  write_rows();
  leave("ann", "room");
  now += minute;
  wish_to_join("room");
  EXPECT_EQ(own("room").data(), "");
  EXPECT_EQ(member_.joined_at, now);
  EXPECT_EQ(member_.last_active, now);
}

TEST_F(OwnPlaces, JoiningAndLeavingIsNothing) {
  connect("ann", "desk");
  wish_to_join("room");
  wish_to_leave("room");
  EXPECT_FALSE(sees_itself("room"));
}

TEST_F(OwnPlaces, AJoinOfAMemberKeepsWhatItDoesNotSay) {
  connect("ann", "desk");
  join_with("ann", "room", "blue");
  move("ann", "room", "7");
  const Time joined_at = now;
  now += minute;
  Ask ask = to_join("room");
  ask.state = "hand";
  wish(ask);
  EXPECT_EQ(own("room").data(), "blue");
  EXPECT_EQ(member_.cursor(), "7");
  EXPECT_EQ(member_.state(), "hand");
  EXPECT_EQ(member_.joined_at, joined_at);
  EXPECT_EQ(member_.last_active, now);
}

TEST_F(OwnPlaces, ALogoutLeavesEveryChannel) {
  connect("ann", "desk");
  join("ann", "room");
  wish_to_log_out();
  EXPECT_FALSE(sees_itself("room"));
  wish_to_join("room");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_EQ(own_seats("room"), Lines{});
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{});
}

TEST_F(OwnPlaces, AJoinInASessionThatHasJustConnected) {
  wish_to_connect("desk");
  wish_to_join("room", "desk");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_TRUE(is_seated("room", "desk"));
  EXPECT_EQ(own_seats("room"), Lines{"desk"});
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(OwnPlaces, AJoinCountsForTheSessionThatHasJustConnected) {
  connect("ann", "phone");
  now += second;
  wish_to_connect("desk");
  wish_to_join("room");
  EXPECT_TRUE(is_seated("room", "desk"));
  EXPECT_FALSE(is_seated("room", "phone"));
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

TEST_F(OwnPlaces, AJoinCountsForTheSessionThatWasActiveLast) {
  connect("ann", "desk");
  now += second;
  connect("ann", "phone");
  now += second;
  touch_in("ann", "desk");
  wish_to_join("room");
  EXPECT_EQ(own_seats("room"), Lines{"desk"});
  EXPECT_TRUE(is_seated("room", "desk"));
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
}

// "the first connect takes the implicit one over"
TEST_F(OwnPlaces, AConnectTakesOverThePlacesOfTheSessionThatWasMadeUp) {
  touch("ann");
  join("ann", "room");
  wish_to_join("hall");
  wish_to_connect("desk");
  for (const char* channel : {"room", "hall"}) {
    EXPECT_TRUE(is_seated(channel, "desk")) << channel;
    EXPECT_EQ(own_seats(channel), Lines{"desk"});
  }
  commit_all();
  EXPECT_EQ(seats("ann", "room"), Lines{"desk"});
  EXPECT_EQ(seats("ann", "hall"), Lines{"desk"});
}

TEST_F(OwnPlaces, AReconnectIsTheSameSession) {
  connect("ann", "phone");
  connect("ann", "desk");
  now += second;
  wish_to_connect("phone");
  wish_to_join("room");
  EXPECT_TRUE(is_seated("room", "phone"));
  EXPECT_FALSE(is_seated("room", "desk"));
  wish_to_leave("room", "phone");
  EXPECT_FALSE(sees_itself("room"));
  commit_all();
  EXPECT_FALSE(is_member("ann", "room"));
}

TEST_F(OwnPlaces, WhatAConnectGivesIsTheDataOfWhoeverHasNone) {
  connect("ann", "desk");
  join("ann", "room");
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = Status::online;
  ask.session = "desk";
  ask.data = "red";
  wish(ask);
  EXPECT_EQ(own("room").data(), "red");
  EXPECT_FALSE(member_.has_own_data);
}

TEST_F(OwnPlaces, WhoOnlyTypesSeesItselfTypeOnceItJoins) {
  connect("ann", "desk");
  type("ann", "room", "Ann");
  EXPECT_FALSE(sees_itself("room"));
  wish_to_join("room");
  EXPECT_TRUE(own("room").typing);
}

TEST_F(OwnPlaces, WithoutWishesItIsAsEverybodySeesIt) {
  connect("ann", "desk");
  EXPECT_FALSE(sees_itself("room"));
  join("ann", "room");
  EXPECT_TRUE(sees_itself("room"));
  EXPECT_TRUE(is_seated("room", "desk"));
  EXPECT_FALSE(is_seated("room", "nobody's"));
}

// ---- rolled back -----------------------------------------------------------

TEST_F(OwnPlaces, ARollbackGivesEverythingBack) {
  connect("ann", "desk");
  tick();
  const uint32_t used = region.pool.used();
  Ask ask = to_join(text_of(max_id_bytes));
  ask.data = text_of(500);
  ask.cursor = text_of(500);
  const std::string channel = text_of(max_id_bytes);
  ask.channel = channel;
  wish(ask);
  wish_to_leave("room");
  EXPECT_EQ(region.pool.used(), used + cells_of_wish(ask));
  for (Wish& each : wishes_) roster.free_wish(each);
  wishes_.clear();
  EXPECT_EQ(region.pool.used(), used);
  EXPECT_EQ(tick(), Lines{});
}

}  // namespace
}  // namespace presence::test
