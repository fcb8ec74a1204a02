// typing_test.cpp: somebody types in a channel, member or not, until it stops by itself.
#include "channel_fixture.h"

namespace presence::test {
namespace {

class TypingInChannels : public ChannelTest {
 protected:
  explicit TypingInChannels(RegionSize size = {}) : ChannelTest(size) {}
};

TEST_F(TypingInChannels, TheFirstIsAnEventAndTheNextOnesAreNot) {
  connect("ann", "desk");
  EXPECT_EQ(type("ann", "room", "Ann").what, Done::done);
  EXPECT_TRUE(types("ann", "room"));
  EXPECT_EQ(member_.name(), "Ann");
  EXPECT_EQ(tick(), Lines{"ann types in room"});
  const Time since = now;
  EXPECT_EQ(news_.member.typing_since, since);
  now += second;
  EXPECT_FALSE(type("ann", "room").changed);
  EXPECT_EQ(tick(), Lines{});
  EXPECT_TRUE(types("ann", "room"));
  EXPECT_EQ(member_.typing_since, since);
  EXPECT_EQ(member_.name(), "Ann");
}

TEST_F(TypingInChannels, ItEndsByItselfAfterTheTimeout) {
  connect("ann", "desk");
  type("ann", "room");
  const Time ends_at = now + policy.typing_timeout;
  EXPECT_EQ(next_due(), ends_at);
  EXPECT_EQ(tick_until(ends_at - 1), Lines{"ann types in room"});
  EXPECT_TRUE(types("ann", "room"));
  now = ends_at;
  EXPECT_FALSE(types("ann", "room"));  // also while the worker is late
  now += second;
  EXPECT_EQ(tick(), Lines{"ann stopped typing in room (timeout)"});
  EXPECT_EQ(news_.changed_at, ends_at);
}

TEST_F(TypingInChannels, TypingAgainPutsTheEndOff) {
  connect("ann", "desk");
  type("ann", "room");
  EXPECT_EQ(tick_for(2 * second), Lines{"ann types in room"});
  type("ann", "room");
  EXPECT_EQ(tick_for(policy.typing_timeout - 1), Lines{});
  EXPECT_EQ(tick_for(1), Lines{"ann stopped typing in room (timeout)"});
}

TEST_F(TypingInChannels, OfManyTheOneWhoWasHeardOfFirstEndsFirst) {
  const std::vector<std::string> ids = ids_in(3, 3);
  for (const std::string& id : ids) {
    type(id, "room");
    now += second / 2;
  }
  type(ids[0], "room");
  tick();
  EXPECT_EQ(tick_until(start + second / 2 + policy.typing_timeout),
            Lines{ids[1] + " stopped typing in room (timeout)"});
  EXPECT_EQ(tick_until(start + second + policy.typing_timeout),
            Lines{ids[2] + " stopped typing in room (timeout)"});
  EXPECT_EQ(tick_for(second), Lines{ids[0] + " stopped typing in room (timeout)"});
}

TEST_F(TypingInChannels, StoppingIsAnEventOnce) {
  connect("ann", "desk");
  type("ann", "room");
  tick();
  EXPECT_TRUE(stop_typing("ann", "room").changed);
  EXPECT_EQ(tick(), Lines{"ann stopped typing in room (stopped)"});
  EXPECT_FALSE(stop_typing("ann", "room").changed);
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(TypingInChannels, StartingAndStoppingWithinATickIsNothing) {
  connect("ann", "desk");
  type("ann", "room");
  stop_typing("ann", "room");
  EXPECT_EQ(tick(), Lines{});
  const uint32_t used = region.pool.used();
  type("ann", "room");
  stop_typing("ann", "room");
  tick();
  EXPECT_EQ(region.pool.used(), used);
}

TEST_F(TypingInChannels, StoppingAndStartingWithinATickIsNothing) {
  connect("ann", "desk");
  type("ann", "room");
  tick();
  stop_typing("ann", "room");
  type("ann", "room");
  EXPECT_EQ(tick(), Lines{});
}

TEST_F(TypingInChannels, TypingAgainAfterTheTimeoutIsAnotherEvent) {
  connect("ann", "desk");
  type("ann", "room");
  tick();
  now += policy.typing_timeout;
  type("ann", "room");  // the worker is late
  EXPECT_EQ(tick(), Lines{});
  EXPECT_EQ(tick_for(policy.typing_timeout), Lines{"ann stopped typing in room (timeout)"});
  type("ann", "room");
  EXPECT_EQ(tick(), Lines{"ann types in room"});
}

TEST_F(TypingInChannels, WithoutMembershipItIsNoJoin) {
  connect("ann", "desk");
  type("ann", "room");
  EXPECT_FALSE(is_member("ann", "room"));
  EXPECT_EQ(count_of("room"), 0u);
  EXPECT_EQ(channels_of("ann"), Lines{});
  EXPECT_EQ(tick_for(minute), (Lines{"ann types in room", "ann stopped typing in room (timeout)"}));
  EXPECT_EQ(begin_member_rows(), Lines{});
  EXPECT_EQ(typing("room"), Lines{});
}

TEST_F(TypingInChannels, ItIsAnActivityAndMakesWhoeverWasNotThereOnline) {
  type("ann", "room");
  EXPECT_EQ(status("ann"), Status::online);
  EXPECT_EQ(view("ann").last_seen, now);
  tick_for(10 * minute);
  ASSERT_EQ(status("ann"), Status::away);
  type("ann", "room");
  EXPECT_EQ(status("ann"), Status::online);
}

TEST_F(TypingInChannels, ItEndsOnLeaving) {
  connect("ann", "desk");
  join("ann", "room");
  type("ann", "room");
  tick();
  leave("ann", "room");
  EXPECT_EQ(tick(), (Lines{"ann stopped typing in room (leave)", "ann left room (leave)"}));
}

TEST_F(TypingInChannels, ItGoesOnWhenItsTyperJoins) {
  connect("ann", "desk");
  type("ann", "room", "Ann");
  tick();
  join("ann", "room");
  EXPECT_EQ(tick(), Lines{"ann joined room"});
  EXPECT_TRUE(types("ann", "room"));
}

// It lives until its grace is over, but nobody sits there.
TEST_F(TypingInChannels, ItEndsWithAGoodbyeNotAfterTheGrace) {
  connect("ann", "desk");
  join("ann", "room");
  type("ann", "room");
  type("ann", "hall");
  tick();
  disconnect("ann", "desk");
  EXPECT_EQ(tick(), (Lines{"ann stopped typing in hall (disconnect)",
                           "ann stopped typing in room (disconnect)"}));
}

TEST_F(TypingInChannels, ItGoesOnWhereAnotherSessionStays) {
  connect("ann", "desk");
  connect("ann", "phone");
  join("ann", "room", "desk");
  type("ann", "room");
  type("ann", "hall");
  tick();
  disconnect("ann", "desk");
  // The phone is not in the room, but may be what types in the hall.
  EXPECT_EQ(tick(), Lines{"ann stopped typing in room (disconnect)"});
}

TEST_F(TypingInChannels, ItEndsWhenTheConnectionOfItsSessionIsGone) {
  Ask ask;
  ask.kind = ChangeKind::connect;
  ask.status = Status::online;
  ask.session = "desk";
  ask.binder = 7;
  commit("ann", ask);
  type("ann", "room");
  tick();
  EXPECT_TRUE(roster.unbind(session("desk"), 7, policy, now));
  EXPECT_EQ(tick(), Lines{"ann stopped typing in room (disconnect)"});
}

TEST_F(TypingInChannels, ItEndsWithItsUser) {
  connect("ann", "desk");
  join("ann", "room");
  type("ann", "room");
  type("ann", "hall");
  tick();
  log_out("ann");
  EXPECT_EQ(tick(), (Lines{"ann stopped typing in hall (logout)",
                           "ann stopped typing in room (logout)", "ann left room (logout)"}));
}

TEST_F(TypingInChannels, ANameIsReplacedByAnother) {
  connect("ann", "desk");
  type("ann", "room", "Ann");
  type("ann", "room", text_of(max_user_name_bytes));
  EXPECT_TRUE(types("ann", "room"));
  EXPECT_EQ(member_.name(), text_of(max_user_name_bytes));
}

TEST_F(TypingInChannels, AnotherTimeoutCountsAtOnce) {
  connect("ann", "desk");
  type("ann", "room");
  tick();
  policy.typing_timeout = second;
  EXPECT_EQ(next_due(), now + second);
  EXPECT_EQ(tick_for(second), Lines{"ann stopped typing in room (timeout)"});
}

// ---- memory

TEST_F(TypingInChannels, WhenMemoryIsFullNothingChanges) {
  connect("ann", "desk");
  tick();
  while (region.pool.take() != no_cell) held++;
  for (Cell freed = 100; freed < 110; freed++) {  // one more each time
    EXPECT_EQ(type("ann", "room", "Ann").what == Done::done, freed >= 100 + 6) << freed;
    if (freed < 100 + 6) {
      EXPECT_FALSE(types("ann", "room"));
      ASSERT_EQ(find_problem(region, held), "");
    }
    region.pool.give(freed);
    held--;
  }
}

}  // namespace
}  // namespace presence::test
