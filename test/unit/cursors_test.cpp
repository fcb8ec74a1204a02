// cursors_test.cpp: members move a cursor and set a state; the last one wins and is always told.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class Cursors : public ChannelTest {
 protected:
  explicit Cursors(RegionSize size = {}) : ChannelTest(size) {}

  void join_room() {
    connect("ann", "desk");
    join("ann", "room");
    tick();
  }
  std::string cursor() { return std::string(member("ann", "room").cursor()); }
  std::string state() { return std::string(member("ann", "room").state()); }
};

TEST_F(Cursors, TheLastOneWins) {
  join_room();
  EXPECT_EQ(move("ann", "room", "1", {}, "1-2").what, Done::done);
  EXPECT_EQ(cursor(), "1");
  EXPECT_EQ(member_.selection(), "1-2");
  move("ann", "room", "2");
  EXPECT_EQ(cursor(), "2");
  EXPECT_EQ(member_.selection(), "");
  set_state("ann", "room", "hand");
  EXPECT_EQ(state(), "hand");
  EXPECT_EQ(cursor(), "2");
}

TEST_F(Cursors, LongOnesComeBackAsTheyWere) {
  join_room();
  const std::string longest = text_of(max_placed_bytes, 'c'), other = text_of(max_placed_bytes);
  move("ann", "room", longest, {}, other);
  set_state("ann", "room", longest);
  EXPECT_EQ(cursor(), longest);
  EXPECT_EQ(member_.selection(), other);
  EXPECT_EQ(state(), longest);
}

TEST_F(Cursors, OnlyMembersMove) {
  connect("ann", "desk");
  EXPECT_EQ(move("ann", "room", "1").what, Done::no_member);
  type("ann", "room");
  EXPECT_EQ(set_state("ann", "room", "1").what, Done::no_member);
  join("ann", "room");
  tick();
  leave("ann", "room");
  EXPECT_EQ(move("ann", "room", "1").what, Done::no_member);
}

TEST_F(Cursors, WhoeverIsOverMovesNoMore) {
  join_room();
  now += policy.offline_timeout;
  EXPECT_EQ(move("ann", "room", "1").what, Done::no_member);
  EXPECT_EQ(tick(), Lines{"ann left room (timeout)"});
}

TEST_F(Cursors, MovingIsAnActivity) {
  join_room();
  tick_for(10 * minute);
  ASSERT_EQ(status("ann"), Status::away);
  EXPECT_TRUE(move("ann", "room", "1").changed);
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(view("ann").last_seen, now);
  EXPECT_EQ(member("ann", "room").last_active, now);
}

// ---- clocks

// "an older `clock` is ignored: pools reorder"
TEST_F(Cursors, AnOlderClockComesTooLate) {
  join_room();
  EXPECT_EQ(move("ann", "room", "5", 5).what, Done::done);
  const Time active_at = now;
  now += second;
  EXPECT_EQ(move("ann", "room", "4", 4).what, Done::older);
  EXPECT_EQ(cursor(), "5");
  EXPECT_EQ(member_.last_active, active_at);
  EXPECT_EQ(move("ann", "room", "5 again", 5).what, Done::done);
  EXPECT_EQ(move("ann", "room", "6", 6).what, Done::done);
  EXPECT_EQ(cursor(), "6");
}

TEST_F(Cursors, WithoutAClockItCountsAndTheClockStays) {
  join_room();
  move("ann", "room", "5", 5);
  EXPECT_EQ(move("ann", "room", "now").what, Done::done);
  EXPECT_EQ(cursor(), "now");
  EXPECT_EQ(move("ann", "room", "4", 4).what, Done::older);
}

TEST_F(Cursors, CursorAndStateHaveClocksOfTheirOwn) {
  join_room();
  move("ann", "room", "5", 5);
  EXPECT_EQ(set_state("ann", "room", "hand", 1).what, Done::done);
  EXPECT_EQ(set_state("ann", "room", "none", 0).what, Done::older);
}

TEST_F(Cursors, ClocksBelowZeroCount) {
  join_room();
  move("ann", "room", "-5", -5);
  EXPECT_EQ(move("ann", "room", "-6", -6).what, Done::older);
  EXPECT_EQ(move("ann", "room", "-4", -4).what, Done::done);
}

// A client that has begun anew counts from the start.
TEST_F(Cursors, JoiningAgainResetsTheClockAndKeepsTheCursor) {
  join_room();
  move("ann", "room", "5", 5);
  set_state("ann", "room", "hand", 5);
  join("ann", "room");
  EXPECT_EQ(cursor(), "5");
  EXPECT_EQ(state(), "hand");
  EXPECT_EQ(move("ann", "room", "1", 1).what, Done::done);
  EXPECT_EQ(set_state("ann", "room", "none", 1).what, Done::done);
  EXPECT_EQ(move("ann", "room", "0", 0).what, Done::older);
}

TEST_F(Cursors, AJoinMayBringOneAlong) {
  connect("ann", "desk");
  Ask ask = to_join("room");
  ask.cursor = "7";
  ask.selection = "7-9";
  commit("ann", ask);
  EXPECT_EQ(cursor(), "7");
  EXPECT_EQ(member_.selection(), "7-9");
  EXPECT_EQ(tick(), (Lines{"ann joined room", "ann moved in room: 7"}));
  ask.cursor = "8";
  commit("ann", ask);
  EXPECT_EQ(tick_for(policy.cursor_interval), Lines{"ann moved in room: 8"});
  Ask with_state = to_join("room");
  with_state.state = "hand";
  commit("ann", with_state);
  EXPECT_EQ(state(), "hand");
  EXPECT_EQ(cursor(), "8");
  EXPECT_EQ(tick_for(policy.cursor_interval), Lines{"ann set its state in room: hand"});
}

// ---- how often

TEST_F(Cursors, TheFirstIsToldAtOnce) {
  join_room();
  EXPECT_TRUE(move("ann", "room", "1").changed);
  EXPECT_EQ(tick(), Lines{"ann moved in room: 1"});
}

TEST_F(Cursors, AtMostOncePerIntervalAndTheFinalOneIsTold) {
  join_room();
  Lines lines;
  for (int i = 1; i <= 18; i++) {
    move("ann", "room", std::to_string(i));
    const Lines more = tick_for(10 * millisecond);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  EXPECT_EQ(lines, (Lines{"ann moved in room: 1", "ann moved in room: 5", "ann moved in room: 10",
                          "ann moved in room: 15"}));
  EXPECT_EQ(tick_for(minute / 2), Lines{"ann moved in room: 18"});
}

TEST_F(Cursors, WhatIsToldIsWhereItIsNow) {
  join_room();
  move("ann", "room", "1");
  move("ann", "room", "2");
  EXPECT_EQ(tick(), Lines{"ann moved in room: 2"});
}

TEST_F(Cursors, AfterAPauseTheNextIsToldAtOnce) {
  join_room();
  move("ann", "room", "1");
  tick();
  EXPECT_EQ(next_due(), now + policy.cursor_interval);
  tick_for(policy.cursor_interval);
  EXPECT_GT(next_due(), now + policy.cursor_interval);
  move("ann", "room", "2");
  EXPECT_EQ(tick(), Lines{"ann moved in room: 2"});
}

// They share the interval, and neither waits for ever.
TEST_F(Cursors, CursorAndStateTakeTurns) {
  join_room();
  Lines lines;
  for (int i = 1; i <= 4; i++) {
    move("ann", "room", std::to_string(i));
    set_state("ann", "room", std::to_string(i));
    const Lines more = tick();
    lines.insert(lines.end(), more.begin(), more.end());
    now += policy.cursor_interval;
  }
  EXPECT_EQ(lines, (Lines{"ann moved in room: 1", "ann set its state in room: 2",
                          "ann moved in room: 3", "ann set its state in room: 4"}));
  EXPECT_EQ(tick_for(minute / 2), Lines{"ann moved in room: 4"});
}

TEST_F(Cursors, AChangeOfStatusDoesNotTellACursorTooEarly) {
  join_room();
  move("ann", "room", "1");
  tick();
  move("ann", "room", "2");
  choose("ann", Status::busy);
  EXPECT_EQ(tick(), Lines{"ann is busy in room (manual)"});
  EXPECT_EQ(tick_for(policy.cursor_interval), Lines{"ann moved in room: 2"});
}

TEST_F(Cursors, OtherMembersDoNotWait) {
  join_room();
  connect("bob", "sofa");
  join("bob", "room");
  tick();
  move("ann", "room", "1");
  tick();
  move("bob", "room", "2");
  EXPECT_EQ(tick(), Lines{"bob moved in room: 2"});
}

TEST_F(Cursors, WhoeverLeavesIsNotToldToMove) {
  join_room();
  move("ann", "room", "1");
  tick();
  move("ann", "room", "2");
  leave("ann", "room");
  EXPECT_EQ(tick_for(second), Lines{"ann left room (leave)"});
}

TEST_F(Cursors, AnotherIntervalCountsAtOnce) {
  join_room();
  move("ann", "room", "1");
  tick();
  move("ann", "room", "2");
  policy.cursor_interval = second;
  EXPECT_EQ(tick_for(second - 1), Lines{});
  EXPECT_EQ(tick_for(1), Lines{"ann moved in room: 2"});
}

// ---- memory

TEST_F(Cursors, WhenMemoryIsFullNothingChanges) {
  join_room();
  move("ann", "room", "1", 1);
  tick();
  tick_for(second);
  while (region.pool.take() != no_cell) held++;
  const Time active_at = member("ann", "room").last_active;
  now += second;
  EXPECT_EQ(set_state("ann", "room", "hand").what, Done::full);
  EXPECT_EQ(move("ann", "room", text_of(500), 2).what, Done::full);
  EXPECT_EQ(cursor(), "1");
  EXPECT_EQ(state(), "");
  EXPECT_EQ(member_.last_active, active_at);
  EXPECT_EQ(tick(), Lines{});
  // In the same cells it has room, and the clock is still the old one.
  EXPECT_EQ(move("ann", "room", "2", 1).what, Done::done);
  EXPECT_EQ(cursor(), "2");
}

}  // namespace
}  // namespace presence::test
